"""What a run shows: a bar on a terminal, lines in a log."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from af3cli.cli.progress import LogProgress, TerminalProgress
from af3cli.cli.report import warn
from af3cli.cli.search_progress import SearchBar, SearchLog
from af3cli.errors import InputError
from af3cli.features.padding import Sizes
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
from af3cli.search.events import Note, ScanStarted


@pytest.fixture
def tasks() -> list[Task]:
    return [
        Task(_job(name), seed=1, sizes=Sizes(bucket, 160, 16, 1, 32))
        for name, bucket in (("first", 32), ("second", 20))
    ]


def _job(name: str, num_tokens: int = 20) -> SimpleNamespace:
    return SimpleNamespace(name=name, num_tokens=num_tokens, chains=SimpleNamespace(msa_source=()))


def events(tasks: list[Task]) -> list[Event]:
    """A run of two tasks, each one pass and two samples of two steps; the second fails."""
    first, second = tasks
    return [
        RunStarted({first: 100.0, second: 50.0}),
        TaskStarted(first),
        PassFinished(first, 0, 1, 20.0),
        StepFinished(first, [0, 1], 0, 2, 30.0),
        StepFinished(first, [0, 1], 1, 2, 30.0),
        SampleFinished(first, 0, 0.5, 10.0),
        Warned(first, "odd"),
        SampleFinished(first, 1, float("nan"), 10.0),
        TaskFinished(first, 3.0),
        TaskStarted(second),
        TaskFailed(second, InputError("is wrong")),
    ]


def test_a_log_has_a_line_for_each_sample_and_task(tasks, capsys, monkeypatch):
    clock = iter(range(0, 1000, 8))
    monkeypatch.setattr("af3cli.cli.progress.time.monotonic", lambda: next(clock))
    with LogProgress() as show:
        for event in events(tasks):
            show(event)
    lines = [line.split(" ", 2)[2] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "[1/2] first (seed 1) starts: 20 tokens in a bucket of 32",
        "[1/2] first (seed 1): sample 0, ranking score 0.50; about 16 s left",
        "[1/2] first (seed 1): warning: odd; about 16 s left",
        "[1/2] first (seed 1): sample 1, ranking score nan; about 13 s left",
        "[1/2] first (seed 1): 20 tokens in a bucket of 32, 3.0 s; about 13 s left",
        "[2/2] second (seed 1) failed: is wrong",
    ]


@pytest.mark.parametrize(("num_passes", "left"), [(3, "30 s"), (1, "10 min")])
def test_the_time_left_is_without_compilation(tasks, capsys, monkeypatch, num_passes, left):
    """The first pass takes 100 s and the others 5, and the second task costs six passes."""
    now = 0.0
    monkeypatch.setattr("af3cli.cli.progress.time.monotonic", lambda: now)
    first, second = tasks
    with LogProgress() as show:
        show(RunStarted({first: 10.0 * num_passes, second: 60.0}))
        show(TaskStarted(first))
        for index in range(num_passes):
            now += 5 if index else 100
            show(PassFinished(first, index, num_passes, 10.0))
        show(TaskFinished(first, now))
    assert capsys.readouterr().err.endswith(f"; about {left} left\n")


def test_a_log_is_never_silent_for_long(tasks, capsys, monkeypatch):
    """Passes take 25 s and steps 10, and what costs 10 takes a second."""
    now = 0.0
    monkeypatch.setattr("af3cli.cli.progress.time.monotonic", lambda: now)
    first, second = tasks
    short = Task(_job("short", num_tokens=1), seed=1, sizes=Sizes(1, 5, 16, 1, 32))
    with LogProgress() as show:
        show(RunStarted({first: 2000.0, short: 10.0, second: 900.0}))
        show(TaskStarted(first))
        for index in range(4):
            now += 25
            show(PassFinished(first, index, 4, 250.0))
        for index in range(10):
            now += 10
            show(StepFinished(first, [0, 1], index, 10, 100.0))
        show(TaskFinished(first, now))
        now += 1
        show(TaskStarted(short))
        show(TaskFinished(short, 1.0))
        show(TaskStarted(second))
    lines = [line.split(" ", 2)[2] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "[1/3] first (seed 1) starts: 20 tokens in a bucket of 32",
        "[1/3] first (seed 1): pass 3 of 4; about 4 min left",
        "[1/3] first (seed 1): samples 0–1, step 4 of 10; about 3 min left",
        "[1/3] first (seed 1): samples 0–1, step 10 of 10; about 91 s left",
        "[1/3] first (seed 1): 20 tokens in a bucket of 32, 3 min; about 91 s left",
        "[2/3] short (seed 1): 1 token, 1.0 s; about 90 s left",
        "[3/3] second (seed 1) starts: 20 tokens; about 90 s left",
    ]


def test_a_terminal_shows_task_pass_samples_and_step(tasks):
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    show = TerminalProgress(console)
    shown = []
    for event in events(tasks):
        show(event)
        bar = show._progress.tasks[0]
        shown.append((bar.description, bar.fields["count"], bar.completed, bar.total))
    assert shown[1][0] == "first (seed 1), 20 tokens in a bucket of 32"
    assert shown[2] == ("first (seed 1), pass 1 of 1", "1/2", 20, 150)
    assert shown[3] == ("first (seed 1), samples 0–1, step 1 of 2", "1/2", 50, 150)
    assert shown[8][2:] == (100, 150)
    assert shown[-1] == ("second (seed 1), 20 tokens", "2/2", 150, 150)
    printed = console.file.getvalue()
    assert "first (seed 1): sample 0, ranking score 0.50" in printed
    assert "first (seed 1): warning: odd" in printed
    assert "second (seed 1) failed: is wrong" in printed


def test_a_name_cannot_steer_the_terminal():
    odd = Task(_job("line\n\x1b[31m\u202ered"), seed=1, sizes=Sizes(32, 160, 16, 1, 32))
    assert str(odd) == r"line\n\x1b[31m\u202ered (seed 1)"


def test_texts_from_files_and_servers_cannot_either(tasks, capsys):
    text, shown = "odd\x1b[2J\rtext", r"odd\x1b[2J\rtext"
    bar = Console(file=io.StringIO(), force_terminal=True, width=120)
    with TerminalProgress(bar) as on_terminal:
        for show in (LogProgress(), on_terminal):
            show(RunStarted({tasks[0]: 1.0}))
            show(Warned(tasks[0], text))
            show(TaskFailed(tasks[0], InputError(text)))
    SearchLog()(Note(text))
    warn(text)
    log = capsys.readouterr().err
    assert (log.count(shown), bar.file.getvalue().count(shown)) == (4, 2)
    assert "\x1b[2J" not in log + bar.file.getvalue()


def test_brackets_in_a_name_are_no_markup():
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    odd = Task(_job("a[/b] [red]"), seed=1, sizes=Sizes(32, 160, 16, 1, 32))
    with TerminalProgress(console) as show:
        show(RunStarted({odd: 1.0}))
        show(TaskStarted(odd))
    with SearchBar(console) as show_search:
        show_search(ScanStarted("small", "small.fa", 10, ("a[/c] [red]",)))
    printed = console.file.getvalue()
    assert "a[/b] [red] (seed 1)" in printed and "small: a[/c] [red]" in printed


def test_steps_that_are_done_twice_count_once(tasks):
    console = Console(file=io.StringIO(), force_terminal=True)
    show = TerminalProgress(console)
    show(RunStarted({tasks[0]: 100.0}))
    show(TaskStarted(tasks[0]))
    for _ in range(5):
        show(StepFinished(tasks[0], [0, 2], 0, 2, 30.0))
    bar = show._progress.tasks[0]
    assert (bar.completed, bar.description) == (100, "first (seed 1), samples 0, 2, step 1 of 2")
