"""Prepares the next item while the caller is busy with the present one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")


def prepared_ahead(
    items: Iterable[Item], prepare: Callable[[Item], Prepared]
) -> Iterator[tuple[Item, Future[Prepared]]]:
    """Yields each item with the future of `prepare(item)`, one item ahead, one at a time.

    What `prepare` raises is in the future. Its threads do not keep an interrupted program alive.
    """
    waiting: tuple[Item, Future[Prepared]] | None = None
    for item in items:
        if waiting is not None:
            waiting[1].exception()  # waits: at most one preparation runs at a time
        following = item, _started(prepare, item)
        if waiting is not None:
            yield waiting
        waiting = following
    if waiting is not None:
        yield waiting


def _started(prepare: Callable[[Item], Prepared], item: Item) -> Future[Prepared]:
    future: Future[Prepared] = Future()

    def run() -> None:
        try:
            future.set_result(prepare(item))
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future
