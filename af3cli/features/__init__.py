"""Features: everything that the network reads of a job, and their padding to buckets."""
