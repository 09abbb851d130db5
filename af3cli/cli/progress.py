"""Shows a run: a bar on a terminal, lines with the time of day in a log."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
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

from af3cli.cli.chain_inputs import describe_depths
from af3cli.cli.interrupts import stop_if_interrupted
from af3cli.errors import Af3cliError
from af3cli.runs.events import (
    Event,
    PassFinished,
    RunStarted,
    SampleFinished,
    StepFinished,
    TaskFailed,
    TaskFinished,
    TaskStarted,
    Warned,
)
from af3cli.runs.plan import Task
from af3cli.wording import counted, duration, printable_lines

_SILENCE = 60  # seconds without a line in a log, after which a pass or step has one


@contextmanager
def show_progress() -> Iterator[Callable[[Event], None]]:
    """Shows a run on standard error: call what it yields with each event.

    That raises `KeyboardInterrupt` if there has been a Ctrl-C.
    """
    console = Console(stderr=True)
    with TerminalProgress(console) if console.is_terminal else LogProgress() as show:

        def report(event: Event) -> None:
            show(event)
            stop_if_interrupted()

        yield report


class _Account:
    """How much of a run's cost is done, at which of its tasks it is, and how fast it goes.

    The first pass or step of its kind in a task may have had a program compiled, so the rate is
    that of the others.
    """

    def __init__(self) -> None:
        self.costs: Mapping[Task, float] = {}
        self.number = 0
        self._before = self._within = 0.0
        self._start = self.latest = time.monotonic()
        self._timed_cost = self._timed_seconds = 0.0

    def count(self, event: Event) -> None:
        """Takes an event into account."""
        now = time.monotonic()
        match event:
            case PassFinished(index=index, cost=cost) | StepFinished(index=index, cost=cost):
                if index > 0:
                    self._timed_cost += cost
                    self._timed_seconds += now - self.latest
        self.latest = now
        match event:
            case RunStarted(costs):
                self.costs = costs
            case TaskStarted():
                self.number += 1
            case PassFinished(task, cost=cost) | StepFinished(task, cost=cost):
                self._add(task, cost)
            case SampleFinished(task, cost=cost):
                self._add(task, cost)
            case TaskFinished(task) | TaskFailed(task):
                self._before += self.costs.get(task, 0.0)  # nothing, if the network did not run
                self._within = 0.0

    def _add(self, task: Task, cost: float) -> None:
        """Counts part of a task; what is done twice, for want of memory, counts once."""
        self._within = min(self._within + cost, self.costs[task])

    @property
    def total(self) -> float:
        return sum(self.costs.values())

    @property
    def done(self) -> float:
        return self._before + self._within

    @property
    def seconds_left(self) -> float | None:
        """About how long the rest takes, if that can be told."""
        return self.seconds(self.total - self.done) if self.done < self.total else None

    def seconds(self, cost: float) -> float | None:
        """About how long something of this cost takes, if that can be told yet."""
        if self._timed_cost:
            return cost * self._timed_seconds / self._timed_cost
        return cost * (self.latest - self._start) / self.done if self.done else None

    @property
    def place(self) -> str:
        """Which task of how many it is at, such as 2/8."""
        return f"{self.number}/{len(self.costs)}"


class LogProgress(AbstractContextManager):
    """A line for each sample and task, with an estimate of the time that is left.

    What takes longer than a minute has a line when it starts, and then one a minute.
    """

    def __init__(self) -> None:
        self._account = _Account()
        self._latest_line = self._account.latest

    def __exit__(self, *_: object) -> None:
        """Nothing to put away."""

    def __call__(self, event: Event) -> None:
        self._account.count(event)
        match event:
            case TaskStarted(task) if self._may_be_long(task):
                self._log(f"{task} starts: {_describe_size(task)}")
            case PassFinished(task) | StepFinished(task) if self._was_silent():
                self._log(f"{task}: {_describe_part(event)}")
            case SampleFinished(task):
                self._log(f"{task}: {_describe_sample(event)}")
            case Warned(task, text):
                self._log(f"{task}: warning: {text}")
            case TaskFinished(task, seconds):
                self._log(f"{task}: {_describe_size(task)}, {duration(seconds)}")
            case TaskFailed(task):
                self._log(f"{task} failed: {describe_failure(event)}")

    def _may_be_long(self, task: Task) -> bool:
        seconds = self._account.seconds(self._account.costs[task])
        return seconds is None or seconds >= _SILENCE

    def _was_silent(self) -> bool:
        return self._account.latest - self._latest_line >= _SILENCE

    def _log(self, text: str) -> None:
        self._latest_line = self._account.latest
        clock = time.strftime("%Y-%m-%d %H:%M:%S")
        click.echo(
            f"{clock} [{self._account.place}] {printable_lines(text)}{self._estimate()}", err=True
        )

    def _estimate(self) -> str:
        left = self._account.seconds_left
        return "" if left is None else f"; about {duration(left)} left"


class TerminalProgress(AbstractContextManager):
    """A bar that moves with every trunk pass and denoising step."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[count]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._bar = self._progress.add_task("", total=None, count="")
        self._account = _Account()

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
        self._account.count(event)
        match event:
            case TaskStarted(task):
                self._describe(f"{task}, {_describe_size(task)}")
            case PassFinished(task) | StepFinished(task):
                self._describe(f"{task}, {_describe_part(event)}")
            case SampleFinished(task):
                self._print(f"{task}: {_describe_sample(event)}")
            case Warned(task, text):
                self._print(f"{task}: warning: {text}")
            case TaskFailed(task):
                self._print(f"{task} failed: {describe_failure(event)}")
        self._progress.update(self._bar, completed=self._account.done, total=self._account.total)

    def _describe(self, text: str) -> None:
        self._progress.update(self._bar, description=text, count=self._account.place)

    def _print(self, text: str) -> None:
        self._progress.console.print(printable_lines(text), markup=False, highlight=False)


def describe_failure(failure: TaskFailed) -> str:
    """Returns the message of an expected error, and the traceback of one that nobody expected."""
    if isinstance(failure.error, Af3cliError):
        return str(failure.error)
    return "".join(traceback.format_exception(failure.error)).rstrip()


def _describe_size(task: Task) -> str:
    bucket = f" in a bucket of {task.bucket}" if task.bucket > task.num_tokens else ""
    chains = task.job.chains
    alignments = f", {describe_depths(chains)}" if any(chains.msa_source) else ""
    return f"{counted(task.num_tokens, 'token')}{bucket}{alignments}"


def _describe_part(event: PassFinished | StepFinished) -> str:
    if isinstance(event, PassFinished):
        return f"pass {event.index + 1} of {event.num_passes}"
    return f"{_describe_numbers(event.samples)}, step {event.index + 1} of {event.num_steps}"


def _describe_sample(event: SampleFinished) -> str:
    return f"sample {event.number}, ranking score {event.ranking_score:.2f}"


def _describe_numbers(samples: Sequence[int]) -> str:
    """Returns which samples, such as sample 3, samples 0–4."""
    if len(samples) == 1:
        return f"sample {samples[0]}"
    if list(samples) == list(range(samples[0], samples[-1] + 1)):
        return f"samples {samples[0]}–{samples[-1]}"
    return f"samples {', '.join(map(str, samples))}"
