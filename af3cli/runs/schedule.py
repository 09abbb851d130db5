"""Runs many tasks, one after the other; one that fails costs no other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from af3cli.chemistry import ComponentDictionary
from af3cli.errors import InUseError, OutputError
from af3cli.features.conventions import FeatureConventions
from af3cli.features.featurise import featurise
from af3cli.features.types import Features
from af3cli.inference.memory import DeviceMemoryError, device_bytes, is_out_of_memory
from af3cli.job import Job
from af3cli.runs.ahead import prepared_ahead
from af3cli.runs.events import Event, RunStarted, TaskFailed, TaskFinished, TaskStarted
from af3cli.runs.plan import Task
from af3cli.tokens import Atoms, Tokens, tokenize
from af3cli.wording import size


@dataclass(frozen=True)
class TaskInputs:
    """A task's job and what the network reads of it."""

    job: Job
    tokens: Tokens
    atoms: Atoms
    features: Features


def run_tasks(
    costs: Mapping[Task, float],
    components: ComponentDictionary,
    work: Callable[[Task, TaskInputs], None],
    *,
    conventions: FeatureConventions,
    needed_bytes: Callable[[Task], float],
    report: Callable[[Event], None] = lambda event: None,
) -> list[TaskFailed]:
    """Does `work` for every task, in the order of `costs`; returns those that failed.

    The next job is read and its features, by the model's `conventions`, are made while the present
    one is worked on.
    `needed_bytes` is the device memory that a task needs, told when there is not enough.

    Raises:
        OutputError: `work` raised it, so that nothing more could be stored. `InUseError` is about
            one task, which fails.
    """

    def prepare(task: Task) -> TaskInputs:
        job = task.job.load_unchanged()
        tokens, atoms = tokenize(job, components, terminal_atoms=conventions.terminal_atoms)
        features = featurise(job, tokens, atoms, components, task.seed, conventions)
        return TaskInputs(job, tokens, atoms, features)

    failures = []
    report(RunStarted(costs))
    for task, inputs in prepared_ahead(costs, prepare):
        report(TaskStarted(task))
        start = time.monotonic()
        try:
            work(task, inputs.result())
        except Exception as error:  # whatever is wrong with one job, the others are run
            if isinstance(error, OutputError) and not isinstance(error, InUseError):
                raise
            if is_out_of_memory(error):
                error = DeviceMemoryError(_too_large(task, needed_bytes(task)))
            failures.append(TaskFailed(task, error))
            report(failures[-1])
        else:
            report(TaskFinished(task, time.monotonic() - start))
    return failures


def _too_large(task: Task, num_bytes: float) -> str:
    return (
        f"{task} does not fit into the device's memory: {task.bucket} tokens need about "
        f"{size(num_bytes)}, and the device has {size(device_bytes())}. It needs a device with "
        "more, or --precision bfloat16, or --buckets exact if the job is much smaller than that "
        f"({task.num_tokens} tokens)"
    )
