"""AlphaFold 3 inference from scratch: a job file goes in, trimmed embeddings come out."""
