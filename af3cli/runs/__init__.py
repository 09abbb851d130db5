"""Whole runs: what planned tasks lack is computed and written, and nothing else."""
