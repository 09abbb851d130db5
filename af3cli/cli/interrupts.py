"""Ctrl-C that cannot get lost.

Python's own way has three holes here. RDKit takes the signal for itself while it makes conformers;
JAX calls Python on garbage collection, where `KeyboardInterrupt` is printed and dropped; and its
libraries abort if they meet one while they are imported. So the signal is blocked, before any
library starts a thread, and one thread of ours waits for it; the main thread is stopped when it is
in neither place. Commands without these libraries need no more than `tells_interrupts`.
"""

from __future__ import annotations

import _thread
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from types import FrameType

import click

EXIT_CODE = 130
_SIGNALS = {signal.SIGINT}
_GARBAGE_CALLBACK = "_xla_gc_callback"  # JAX's; what is raised in it is dropped
_IMPORT_SYSTEM = "<frozen importlib._bootstrap>"
_SECONDS_BETWEEN_TRIES = 0.1
_SHOW_CURSOR = b"\x1b[?25h"  # which the bar has hidden
_interrupted = threading.Event()
_stopping = threading.Event()


def stop_if_interrupted() -> None:
    """Raises `KeyboardInterrupt` if there has been a Ctrl-C; to be called now and then."""
    if _interrupted.is_set():
        _stopping.set()
        raise KeyboardInterrupt


def tells_interrupts(command: Callable[..., None]) -> Callable[..., None]:
    """Makes a command that Ctrl-C stops say that it can be given again."""

    @functools.wraps(command)
    def run(*arguments: object, **options: object) -> None:
        try:
            command(*arguments, **options)
        except KeyboardInterrupt:
            _tell("Stopped. What was finished is kept; the same command goes on.")
            sys.exit(EXIT_CODE)

    return run


def notices_interrupts(command: Callable[..., None]) -> Callable[..., None]:
    """Makes a command stop on the first Ctrl-C, wherever it is, and on the second at once.

    The second may come at any moment, so the command must keep its files whole without cleaning up.
    An ignored signal stays ignored: a shell has it so for what a script starts with `&`.
    """

    @functools.wraps(command)
    def run(*arguments: object, **options: object) -> None:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        is_ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        try:
            with nullcontext() if is_ignored else _watched():
                tells_interrupts(command)(*arguments, **options)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    return run


@contextmanager
def _watched() -> Iterator[None]:
    is_over = threading.Event()
    watcher = threading.Thread(target=_watch, args=[is_over], daemon=True)
    before = signal.signal(signal.SIGINT, _stop_once)
    watcher.start()
    try:
        yield
    finally:
        _stopping.set()
        is_over.set()
        signal.pthread_kill(watcher.ident, signal.SIGINT)
        watcher.join()
        signal.signal(signal.SIGINT, before)
        _interrupted.clear()
        _stopping.clear()


def _stop_once(_: int, frame: FrameType | None) -> None:
    """Stops the main thread, unless it is stopping by itself and must not be stopped in that.

    In JAX's garbage callback, or an import, it does nothing; there is another try soon.
    """
    while frame is not None:
        code = frame.f_code
        if code.co_name == _GARBAGE_CALLBACK or code.co_filename == _IMPORT_SYSTEM:
            return
        frame = frame.f_back
    if not _stopping.is_set():
        stop_if_interrupted()


def _stop_main_thread() -> None:
    while not _stopping.is_set():
        _thread.interrupt_main()
        _stopping.wait(_SECONDS_BETWEEN_TRIES)


def _watch(is_over: threading.Event) -> None:
    signal.sigwait(_SIGNALS)
    if is_over.is_set():
        return
    _interrupted.set()
    _tell("Stopping; Ctrl-C again stops at once.")
    stopper = threading.Thread(target=_stop_main_thread, daemon=True)
    stopper.start()
    signal.sigwait(_SIGNALS)
    if not is_over.is_set():
        if sys.stderr.isatty():
            os.write(sys.stderr.fileno(), _SHOW_CURSOR)
        os._exit(EXIT_CODE)
    stopper.join()


def _tell(text: str) -> None:
    """Prints a line, if anybody reads it: Ctrl-C has ended a `tee` behind the program as well."""
    with suppress(OSError):
        click.echo(text, err=True)
