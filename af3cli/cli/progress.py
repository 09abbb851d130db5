"""Shows a run: a bar on a terminal, lines with the time of day in a log."""

from __future__ import annotations

import time
import traceback
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from af3cli.errors import Af3cliError
from af3cli.inference.events import (
    Event,
    PassFinished,
    RunStarted,
    TaskFailed,
    TaskFinished,
    TaskStarted,
)


def show_progress() -> LogProgress | TerminalProgress:
    """Returns what shows a run on standard error; call it with each event, in a `with` block."""
    console = Console(stderr=True)
    return TerminalProgress(console) if console.is_terminal else LogProgress()


class LogProgress(AbstractContextManager):
    """One line for each task, with an estimate of the time that is left."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._cost = self._cost_done = 0.0
        self._number = self._total = 0

    def __exit__(self, *_: object) -> None:
        """Nothing to put away."""

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted(tasks):
                self._cost, self._total = sum(task.cost for task in tasks), len(tasks)
            case TaskFinished(task, seconds):
                self._count(event)
                bucket = f" in a bucket of {task.bucket}" if task.bucket > task.num_tokens else ""
                self._log(f"{task}: {task.num_tokens} tokens{bucket}, {_duration(seconds)}")
            case TaskFailed(task):
                self._count(event)
                self._log(f"{task} failed: {describe_failure(event)}")

    def _count(self, event: TaskFinished | TaskFailed) -> None:
        self._number += 1
        self._cost_done += event.task.cost

    def _log(self, text: str) -> None:
        done = self._cost_done / self._cost
        left = (time.monotonic() - self._start) * (1 - done) / done
        estimate = f"; about {_duration(left)} left" if self._number < self._total else ""
        clock = time.strftime("%Y-%m-%d %H:%M:%S")
        click.echo(f"{clock} [{self._number}/{self._total}] {text}{estimate}", err=True)


class TerminalProgress(AbstractContextManager):
    """A bar that moves with every trunk pass."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._bar = self._progress.add_task("", total=None, count="")
        self._num_passes = self._number = self._total = 0
        self._done_before = 0.0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted(tasks, num_passes):
                self._num_passes, self._total = num_passes, len(tasks)
                self._update(total=num_passes * sum(task.cost for task in tasks))
            case TaskStarted(task):
                self._number += 1
                count = f"{self._number}/{self._total}"
                self._update(description=f"{task}, {task.num_tokens} tokens", count=count)
            case PassFinished(task, index):
                self._update(completed=self._done_before + (index + 1) * task.cost)
            case TaskFinished(task) | TaskFailed(task):
                self._done_before += self._num_passes * task.cost
                self._update(completed=self._done_before)
        if isinstance(event, TaskFailed):
            self._progress.console.print(
                f"{event.task} failed: {describe_failure(event)}", markup=False, highlight=False
            )

    def _update(self, **fields: object) -> None:
        self._progress.update(self._bar, **fields)


def describe_failure(failure: TaskFailed) -> str:
    """Returns the message of an expected error, and the traceback of one that nobody expected."""
    if isinstance(failure.error, Af3cliError):
        return str(failure.error)
    return "".join(traceback.format_exception(failure.error)).rstrip()


def _duration(seconds: float) -> str:
    """Returns a time as people say it: 4.2 s, 53 s, 12 min, 3.5 h."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
