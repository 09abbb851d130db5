"""What all samples of one job have in common, for those who write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from af3cli.chemistry import ComponentDictionary
from af3cli.job import Job, file_name
from af3cli.tokens.types import Atoms, Tokens


class ModelSource(Protocol):
    """What is told of the parameters that made a file; `af3cli.weights.Weights` is one."""

    @property
    def name(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def checkpoint(self) -> str: ...
    @property
    def training_cutoff(self) -> str | None: ...
    @property
    def licence(self) -> str: ...
    @property
    def terms_url(self) -> str | None: ...
    @property
    def output_terms_url(self) -> str | None: ...
    @property
    def is_meaningless(self) -> bool: ...
    @property
    def sha256(self) -> str: ...


@dataclass(frozen=True)
class Complex:
    """A job with its tables, the dictionary its components are in, and the parameters used."""

    job: Job
    tokens: Tokens
    atoms: Atoms
    components: ComponentDictionary
    source: ModelSource

    @property
    def name(self) -> str:
        """The job's name as it is written in file names."""
        return file_name(self.job.name)
