"""Work that goes on in a thread while the caller is busy; it keeps no ended program alive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from threading import Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")


def prepared_ahead(
    items: Iterable[Item], prepare: Callable[[Item], Prepared]
) -> Iterator[tuple[Item, Future[Prepared]]]:
    """Yields each item with the future of `prepare(item)`, one item ahead, one at a time.

    What `prepare` raises is in the future.
    """
    waiting: tuple[Item, Future[Prepared]] | None = None
    for item in items:
        if waiting is not None:
            waiting[1].exception()  # waits: at most one preparation runs at a time
        following = item, _started(partial(prepare, item))
        if waiting is not None:
            yield waiting
        waiting = following
    if waiting is not None:
        yield waiting


class Ahead(Generic[Prepared]):
    """What `function()` returns, computed in a thread of its own from now on, to be taken once."""

    def __init__(self, function: Callable[[], Prepared]) -> None:
        self._future: Future[Prepared] | None = _started(function)

    def take(self) -> Prepared:
        """Waits for the result, returns it and lets go of it; raises what the function raised."""
        future, self._future = self._future, None
        return future.result()


def _started(function: Callable[[], Prepared]) -> Future[Prepared]:
    future: Future[Prepared] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future
