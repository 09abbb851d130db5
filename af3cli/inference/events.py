"""What happens during a run, for whoever shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from af3cli.inference.plan import Task


@dataclass(frozen=True)
class RunStarted:
    """These tasks will be run, in this order, each with `num_passes` passes."""

    tasks: Sequence[Task]
    num_passes: int


@dataclass(frozen=True)
class TaskStarted:
    """The network starts on a task."""

    task: Task


@dataclass(frozen=True)
class PassFinished:
    """One of a task's trunk passes is done; `index` counts from 0."""

    task: Task
    index: int


@dataclass(frozen=True)
class TaskFinished:
    """A task's results are stored; `seconds` is what it took since it started."""

    task: Task
    seconds: float


@dataclass(frozen=True)
class TaskFailed:
    """A task came to nothing; the others go on."""

    task: Task
    error: Exception


Event = RunStarted | TaskStarted | PassFinished | TaskFinished | TaskFailed
