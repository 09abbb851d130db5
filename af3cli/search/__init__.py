"""Homologues and templates for jobs that bring none: sequence search, MSA server, databases."""
