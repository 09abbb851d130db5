"""Complexes of golden cases and of jobs made up for tests, as they are written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from af3cli.chemistry import ComponentDictionary, open_dictionary
from af3cli.job import Job, read_job
from af3cli.output.complexes import Complex
from af3cli.tokens import tokenize
from tests.official_runs import DATA, OfficialRun


@dataclass(frozen=True)
class Source:
    """Parameters that never were."""

    name: str = "nobody's"
    family: str = "none"
    checkpoint: str = "nobody.bin"
    training_cutoff: str | None = "2001-02-03"
    licence: str = "do what you like"
    terms_url: str | None = "https://example.org/terms"
    output_terms_url: str | None = None
    is_meaningless: bool = False
    sha256: str = "0" * 64


@cache
def components() -> ComponentDictionary:
    return open_dictionary()


def golden_complex(case: str) -> Complex:
    """A golden case, with the tables that the official program made of it."""
    job = read_job(DATA / case / "job.json")
    return Complex(job, *OfficialRun(case).tables, components(), Source())


def complex_of(job: Job, source: Source | None = None) -> Complex:
    """Any job, with our own tables."""
    return Complex(job, *tokenize(job, components()), components(), source or Source())


def scattered(complex_: Complex) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates and pLDDT of some kind."""
    generator = np.random.default_rng(0)
    num_atoms = len(complex_.atoms)
    coordinates = generator.normal(size=(num_atoms, 3), scale=30).astype(np.float32)
    return coordinates, generator.uniform(0, 100, num_atoms).astype(np.float32)
