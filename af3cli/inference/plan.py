"""What a run will do, known before anything expensive: every job and seed, with its size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from af3cli.chemistry import ComponentDictionary
from af3cli.errors import InputError
from af3cli.features.padding import Buckets, Sizes
from af3cli.job import Job
from af3cli.tokens import Atoms, Tokens, tokenize


@dataclass(frozen=True, eq=False)
class Task:
    """One job with one of its seeds. `bucket` is the number of tokens that it is padded to."""

    job: Job
    seed: int
    tokens: Tokens
    atoms: Atoms
    bucket: int

    @property
    def num_tokens(self) -> int:
        return len(self.tokens)

    @property
    def cost(self) -> float:
        """How long it takes compared with other tasks: triangle updates are cubic in the tokens."""
        return float(self.bucket) ** 3

    def __str__(self) -> str:
        return f"{self.job.name} (seed {self.seed})"


def plan_tasks(
    jobs: Iterable[Job], components: ComponentDictionary, buckets: Buckets
) -> list[Task]:
    """Returns a task for each job and seed, those of one bucket together, small buckets first.

    Small ones come first so that a job that is too large for the machine costs none of the others.

    Raises:
      InputError: jobs cannot be tokenized; the text has the problems of all of them.
    """
    tasks, problems = [], []
    for job in jobs:
        try:
            tokens, atoms = tokenize(job, components)
        except InputError as error:
            problems.append(str(error))
            continue
        sizes = buckets.sizes(Sizes(len(tokens), len(atoms), row=0, template=0, bond=0))
        tasks += [Task(job, seed, tokens, atoms, sizes.token) for seed in job.seeds]
    if problems:
        raise InputError("\n".join(problems))
    return sorted(tasks, key=lambda task: (task.bucket, len(task.atoms)))
