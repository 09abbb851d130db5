"""What happens during a run, for whoever shows it.

A `cost` is in floating-point operations (see `af3cli.inference.costs`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from af3cli.runs.plan import Task


@dataclass(frozen=True)
class RunStarted:
    """These tasks will be run, in this order, at these costs."""

    costs: Mapping[Task, float]


@dataclass(frozen=True)
class TaskStarted:
    """The network starts on a task."""

    task: Task


@dataclass(frozen=True)
class PassFinished:
    """One of a task's trunk passes is done; `index` counts from 0."""

    task: Task
    index: int
    num_passes: int
    cost: float


@dataclass(frozen=True)
class StepFinished:
    """A denoising step of some of a task's samples is done; `index` counts from 0."""

    task: Task
    samples: Sequence[int]
    index: int
    num_steps: int
    cost: float


@dataclass(frozen=True)
class SampleFinished:
    """A sample is stored. The ranking score is NaN if it is unknown."""

    task: Task
    number: int
    ranking_score: float
    cost: float


@dataclass(frozen=True)
class Warned:
    """Something about a task that its user should know; it goes on."""

    task: Task
    text: str


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


Event = (
    RunStarted
    | TaskStarted
    | PassFinished
    | StepFinished
    | SampleFinished
    | Warned
    | TaskFinished
    | TaskFailed
)
