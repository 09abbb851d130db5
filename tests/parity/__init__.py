"""Compares this implementation with recorded arrays of the official programs."""
