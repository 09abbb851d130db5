"""Collects everything that is wrong with a job, so that all of it is reported at once."""

from __future__ import annotations

import re

from af3cli.errors import InputError
from af3cli.wording import printable

MAX_REPORTED = 200


class Problems:
    """What is wrong, one line per place of the document.

    Places are written like `sequences[2].ligand.ccdCodes[0]`. Only the first thing said of a place
    is kept, and nothing follows about what lies around it or inside it: a chain whose sequence is
    missing does not also have a modification out of range, and a ligand whose codes are unreadable
    is not also without codes.
    """

    def __init__(self) -> None:
        self._messages: dict[str, str] = {}
        self._around: set[str] = set()
        self._written_as: dict[str, str] = {}

    def add(self, place: str, message: str) -> None:
        """Notes `message` about `place`, unless something is noted of it, around it or in it."""
        enclosing = _enclosing(place)
        if place in self._around or any(part in self._messages for part in (place, *enclosing)):
            return
        self._messages[place] = message
        self._around.update(enclosing)

    def include(self, others: Problems, place: str) -> None:
        """Adds the problems of a part of the document that stands at `place`."""
        for inner, message in others._as_written():
            dot = "." if place and inner and not inner.startswith("[") else ""
            self.add(f"{place}{dot}{inner}", message)

    def rename(self, place: str, written_as: str) -> None:
        """Makes reports about `place`, and what lies inside it, name `written_as` instead."""
        self._written_as[place] = written_as

    def lines(self) -> list[str]:
        """One line per problem, `place: message`, sorted by place, all of it printable."""
        lines = (
            f"{place}: {message}" if place else message for place, message in self._as_written()
        )
        return [printable(line) for line in lines]

    def raise_if_any(self, source: str) -> None:
        """Raises `InputError` naming `source` and every problem, if there is one."""
        lines = self.lines()
        if not lines:
            return
        shown = lines[:MAX_REPORTED]
        if len(lines) > len(shown):
            shown.append(f"... and {len(lines) - len(shown)} more")
        count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
        raise InputError("\n  ".join([f"{source}: {count}", *shown]))

    def _as_written(self) -> list[tuple[str, str]]:
        """Places, as the document has them, and messages."""
        named = [(self._name(place), message) for place, message in self._messages.items()]
        return sorted(named, key=lambda item: _natural_order(item[0]))

    def _name(self, place: str) -> str:
        for part in (place, *_enclosing(place)):
            if part in self._written_as:
                return self._written_as[part] + place[len(part) :]
        return place


def first_line(error: Exception) -> str:
    """Returns the first line of what a library's error says."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _enclosing(place: str) -> list[str]:
    """The places around `place`, from the nearest outwards: `a[1].b` is in `a[1]` and `a`."""
    cuts = [match.start() for match in re.finditer(r"[.\[]", place)]
    return [place[:cut] for cut in reversed(cuts) if cut]


def _natural_order(place: str) -> list[tuple[int, str]]:
    """Sort key that puts `a[2]` before `a[10]`."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", place)
    ]
