"""Shows a search: a bar on a terminal, lines in a log."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import Self

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from af3cli.search.events import (
    ChainSearched,
    Event,
    Note,
    ScanAdvanced,
    ScanFinished,
    ScanStarted,
    ServerTroubled,
    ServerWaits,
)
from af3cli.wording import counted, printable, some

_SHOWN_CHAINS = 3


def show_search() -> SearchLog | SearchBar:
    """Returns what shows a search on standard error; call it with each event, in a `with` block."""
    console = Console(stderr=True)
    return SearchBar(console) if console.is_terminal else SearchLog()


class SearchLog(AbstractContextManager):
    """One line for each pass over a file and for each chain in each database."""

    def __init__(self) -> None:
        self._last_status: tuple[str, str] | None = None

    def __exit__(self, *_: object) -> None:
        """Nothing to put away."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, ServerWaits):
            if self._last_status == (event.chain, event.status):
                return
            self._last_status = event.chain, event.status
        if text := describe_event(event):
            click.echo(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}", err=True)


class SearchBar(AbstractContextManager):
    """A bar that moves as a file is read; what was found stays above it."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._bar = self._progress.add_task("", total=None, visible=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        match event:
            case ScanStarted(database, _, num_bytes, chains):
                description = f"{database}: {some(chains, _SHOWN_CHAINS)}"
                self._progress.reset(self._bar, total=num_bytes, description=description)
                self._progress.update(self._bar, visible=True)
            case ScanAdvanced(bytes_read):
                self._progress.update(self._bar, completed=bytes_read)
            case ScanFinished():
                self._progress.update(self._bar, visible=False)
            case ServerWaits() | ServerTroubled():
                description = describe_event(event)
                self._progress.update(self._bar, description=description, visible=True)
            case ChainSearched() | Note():
                self._progress.update(self._bar, visible=False)
                self._progress.console.print(
                    describe_event(event), markup=False, highlight=False, soft_wrap=True
                )


def describe_event(event: Event) -> str:
    """Returns a line about an event, empty for those that only move a bar."""
    return printable(_described(event))


def _described(event: Event) -> str:
    match event:
        case ScanStarted(database, file_name, num_bytes, chains):
            size = f"{num_bytes / 1e6:,.1f} MB"
            return f"{database}: searching {file_name} ({size}) for {some(chains, _SHOWN_CHAINS)}"
        case ScanFinished(seconds):
            return f"searched in {seconds:.1f} s"
        case ChainSearched(chain, source, num_rows, was_cached):
            return f"{chain}: {source}: {counted(num_rows, 'row')}{' (kept)' if was_cached else ''}"
        case ServerWaits(chain, status):
            return f"{chain}: server says {status}"
        case ServerTroubled(chain, trouble, pause):
            return f"{chain}: {trouble}; asked again in {pause:.0f} s"
        case Note(text):
            return f"note: {text}"
    return ""
