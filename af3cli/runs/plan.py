"""What a run will do, known before anything expensive.

A job can hold hundreds of megabytes of alignments. So what is planned is a summary of each job,
small enough for many thousands of them, and the job itself is loaded again when its turn comes.
Only jobs of files with several, which have no room for alignments, stay in memory; alignments
beside a FASTA file do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from af3cli.chemistry import ComponentDictionary
from af3cli.errors import InputError
from af3cli.features.padding import Buckets, Sizes
from af3cli.job import Job, JobFile, job_digest, read_file
from af3cli.search.chain_inputs import ChainInputs, chain_inputs, provenances
from af3cli.search.plan import SearchPlan
from af3cli.search.run import check_sources
from af3cli.tokens import Tokens, tokenize
from af3cli.tokens.component_check import checked_jobs
from af3cli.wording import printable


@dataclass(frozen=True, eq=False)
class PlannedJob:
    """The summary of a job; `digest` is `job_digest` of it. `seeds` are those it is to be run with,
    which need not be those of the job that `load` returns. `notes` are the job's.
    """

    name: str
    seeds: tuple[int, ...]
    digest: str
    num_tokens: int
    num_atoms: int
    chains: ChainInputs
    notes: tuple[str, ...]
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
    """One job with one of its seeds, padded to `sizes`."""

    job: PlannedJob
    seed: int
    sizes: Sizes

    @property
    def num_tokens(self) -> int:
        """The job's number of tokens, without padding."""
        return self.job.num_tokens

    @property
    def bucket(self) -> int:
        """The number of tokens, padding included."""
        return self.sizes.token

    def __str__(self) -> str:
        return f"{printable(self.job.name)} (seed {self.seed})"


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
        chains=chain_inputs(job, _chain_ids(tokens), provenances(job, None)),
        notes=job.notes,
        load=load or (lambda: job),
    )


def plan_files(
    paths: Iterable[Path],
    components: ComponentDictionary,
    seeds: tuple[int, ...] | None = None,
    search: SearchPlan | None = None,
    read: Callable[[Path], JobFile] = read_file,
) -> list[PlannedJob]:
    """Returns the summaries of all jobs in files, with `seeds` in place of their own if given.

    With `search` they are to be passed to `search_planned`, and are checked for that. `read`
    returns what is in a file.

    Raises:
        InputError: jobs are not usable; the text has the problems of all of them.
    """
    planned: list[PlannedJob] = []
    problems = []
    for path in paths:
        try:
            jobs = checked_jobs(read(path), components)
        except InputError as error:
            problems.append(str(error))
            continue
        for number, job in enumerate(jobs):
            load = partial(jobs.__getitem__, number)
            if len(jobs) == 1:
                load = partial(_read_again, path, read)
            if seeds is not None:
                job = replace(job, seeds=seeds)
            try:
                if search is not None:
                    check_sources(job, search)
                planned.append(plan_job(job, components, load))
            except InputError as error:
                problems.append(f"{path}: {error}")
    if problems:
        raise InputError("\n".join(problems))
    return planned


def plan_tasks(jobs: Sequence[PlannedJob], buckets: Buckets) -> list[Task]:
    """Returns a task for each job and seed, those of one bucket together, small buckets first.

    Small ones come first so that a job that is too large for the machine costs none of the others.
    """
    tasks = []
    for job in jobs:
        chains = job.chains
        rows = max(chains.paired_msa_depth) + max(chains.unpaired_msa_depth)
        own = Sizes(job.num_tokens, job.num_atoms, rows, max(chains.num_templates), bond=0)
        tasks += [Task(job, seed, buckets.sizes(own)) for seed in job.seeds]
    return sorted(tasks, key=lambda task: (task.bucket, task.job.num_atoms))


def _read_again(path: Path, read: Callable[[Path], JobFile]) -> Job:
    jobs = read(path).jobs()
    if len(jobs) != 1:
        raise InputError(f"{path} has changed since this run began")
    return jobs[0]


def _chain_ids(tokens: Tokens) -> tuple[str, ...]:
    """The chains, in token order."""
    _, first = np.unique(tokens.asym_id, return_index=True)
    return tuple(str(tokens.chain_id[row]) for row in first)
