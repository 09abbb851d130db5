"""Work goes on while the caller is busy, and never more of it than asked for."""

from __future__ import annotations

import threading
import weakref

import pytest

from af3cli.runs.ahead import Ahead, prepared_ahead


def test_the_next_item_is_prepared_while_the_present_one_is_in_use():
    prepared, next_is_ready = [], threading.Event()

    def prepare(item: int) -> int:
        prepared.append(item)
        if item == 1:
            next_is_ready.set()
        return 10 * item

    results = prepared_ahead(range(4), prepare)
    item, future = next(results)
    assert (item, future.result()) == (0, 0)
    assert next_is_ready.wait(5)
    assert prepared == [0, 1]
    assert [(item, future.result()) for item, future in results] == [(1, 10), (2, 20), (3, 30)]


def test_preparations_do_not_overlap():
    busy = threading.Lock()

    def prepare(item: int) -> int:
        with_lock = busy.acquire(blocking=False)
        assert with_lock
        threading.Event().wait(0.01)
        busy.release()
        return item

    assert [future.result() for _, future in prepared_ahead(range(5), prepare)] == list(range(5))


def test_an_error_concerns_its_item_alone():
    def prepare(item: int) -> float:
        return 1 / item

    futures = [future for _, future in prepared_ahead([1, 0, 2], prepare)]
    assert futures[0].result() == 1
    with pytest.raises(ZeroDivisionError):
        futures[1].result()
    assert futures[2].result() == 0.5


def test_nothing_to_prepare():
    assert list(prepared_ahead([], str)) == []


def test_work_begins_before_its_result_is_taken():
    begun = threading.Event()
    ahead = Ahead(begun.set)
    assert begun.wait(5)
    assert ahead.take() is None


def test_a_result_that_was_taken_is_let_go_of():
    ahead = Ahead(set)
    result = ahead.take()
    gone = threading.Event()
    weakref.finalize(result, gone.set)
    del result
    assert gone.wait(5)


def test_taking_raises_what_the_work_raised():
    with pytest.raises(ZeroDivisionError):
        Ahead(lambda: 1 / 0).take()
