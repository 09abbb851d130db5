"""The seed of a job that names none, and limits to what of a job counts."""

from __future__ import annotations

DEFAULT_SEED = 1
MAX_SEED = 2**32 - 1

MIN_RESIDUES_FOR_ALIGNMENT = 5
"""Shorter chains are taken without their alignments."""

MAX_TEMPLATES = 4
"""Of each chain; more are passed over."""
