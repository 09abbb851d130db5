"""What a run will do, known before anything expensive.

A job can hold hundreds of megabytes of alignments. So what is planned is a summary of each job,
small enough for many thousands of them, and the job itself is loaded again when its turn comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from af3cli.chemistry import ComponentDictionary
from af3cli.errors import InputError
from af3cli.features.padding import Buckets, Sizes
from af3cli.job import Entity, Job, Protein, Rna, job_digest, parse_a3m, read_jobs
from af3cli.tokens import Tokens, tokenize


@dataclass(frozen=True)
class ChainInputs:
    """What was known of each chain besides its sequence: one row per chain, in token order.

    Alignment depths count the given rows, the query included; 0 is no alignment.
    `wants_search` lists the chains whose alignment or templates are wanted but not given.
    """

    chain_id: tuple[str, ...]
    unpaired_msa_depth: tuple[int, ...]
    paired_msa_depth: tuple[int, ...]
    num_templates: tuple[int, ...]
    wants_search: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class PlannedJob:
    """The summary of a job; `digest` is `job_digest` of it. `seeds` are those it is to be run with,
    which need not be those of the job that `load` returns.
    """

    name: str
    seeds: tuple[int, ...]
    digest: str
    num_tokens: int
    num_atoms: int
    chains: ChainInputs
    load: Callable[[], Job]

    def load_unchanged(self) -> Job:
        """Returns the job, with the seeds that it is to be run with.

        Raises:
          InputError: it cannot be read any more, or has changed since it was planned.
        """
        job = self.load()
        if job_digest(job) != self.digest:
            raise InputError(f"job {self.name!r} has changed since this run began")
        return replace(job, seeds=self.seeds)


@dataclass(frozen=True, eq=False)
class Task:
    """One job with one of its seeds; `bucket` tokens and `atom_bucket` atoms it is padded to."""

    job: PlannedJob
    seed: int
    bucket: int
    atom_bucket: int

    @property
    def num_tokens(self) -> int:
        return self.job.num_tokens

    def __str__(self) -> str:
        return f"{self.job.name} (seed {self.seed})"


def plan_job(
    job: Job, components: ComponentDictionary, load: Callable[[], Job] | None = None
) -> PlannedJob:
    """Returns the summary of a job; without `load`, the job stays in memory.

    Raises:
      InputError: the job cannot be tokenized.
    """
    tokens, atoms = tokenize(job, components)
    return PlannedJob(
        name=job.name,
        seeds=job.seeds,
        digest=job_digest(job),
        num_tokens=len(tokens),
        num_atoms=len(atoms),
        chains=_chain_inputs(job, tokens),
        load=load or (lambda: job),
    )


def plan_files(
    paths: Iterable[Path], components: ComponentDictionary, seeds: tuple[int, ...] | None = None
) -> list[PlannedJob]:
    """Returns the summaries of all jobs in files, with `seeds` in place of their own if given.

    Raises:
      InputError: jobs are not usable; the text has the problems of all of them.
    """
    planned, problems = [], []
    for path in paths:
        try:
            for index, job in enumerate(read_jobs(path)):
                if seeds is not None:
                    job = replace(job, seeds=seeds)
                planned.append(plan_job(job, components, _loader(path, index)))
        except InputError as error:
            text = str(error)
            problems.append(text if str(path) in text else f"{path}: {text}")
    if problems:
        raise InputError("\n".join(problems))
    return planned


def plan_tasks(jobs: Sequence[PlannedJob], buckets: Buckets) -> list[Task]:
    """Returns a task for each job and seed, those of one bucket together, small buckets first.

    Small ones come first so that a job that is too large for the machine costs none of the others.
    """
    tasks = []
    for job in jobs:
        sizes = buckets.sizes(Sizes(job.num_tokens, job.num_atoms, 0, 0, 0))
        tasks += [Task(job, seed, sizes.token, sizes.atom) for seed in job.seeds]
    return sorted(tasks, key=lambda task: (task.bucket, task.job.num_atoms))


def _loader(path: Path, index: int) -> Callable[[], Job]:
    return lambda: read_jobs(path)[index]


def _chain_inputs(job: Job, tokens: Tokens) -> ChainInputs:
    _, first = np.unique(tokens.asym_id, return_index=True)
    chains = tuple(str(tokens.chain_id[row]) for row in first)
    entities = {chain: entity for entity in job.entities for chain in entity.ids}
    of_chain = [entities[chain] for chain in chains]
    return ChainInputs(
        chain_id=chains,
        unpaired_msa_depth=tuple(_depth(entity, "unpaired_msa") for entity in of_chain),
        paired_msa_depth=tuple(_depth(entity, "paired_msa") for entity in of_chain),
        num_templates=tuple(len(getattr(entity, "templates", None) or ()) for entity in of_chain),
        wants_search=tuple(chain for chain in chains if _wants_search(entities[chain])),
    )


def _wants_search(entity: Entity) -> bool:
    match entity:
        case Protein():
            return entity.unpaired_msa is None or entity.templates is None
        case Rna():
            return entity.unpaired_msa is None
        case _:
            return False


def _depth(entity: Entity, alignment: str) -> int:
    a3m = getattr(entity, alignment, None)
    return len(parse_a3m(a3m)[0]) if a3m else 0
