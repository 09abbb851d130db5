"""Numbers that decide what of a job counts, those of the official program."""

from __future__ import annotations

DEFAULT_SEED = 1
MAX_SEED = 2**32 - 1

MIN_RESIDUES_FOR_ALIGNMENT = 5
"""Shorter chains are taken without their alignments."""

MAX_TEMPLATES = 4
"""Of each chain; more are passed over."""
