"""Whole runs: files of jobs become tasks, and what these lack is computed and written."""
