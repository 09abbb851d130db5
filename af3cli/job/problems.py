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
        self._unread: set[str] = set()
        self._written_as: dict[str, str] = {}

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return bool(self._messages)

    def add(self, place: str, message: str) -> None:
        """Notes `message` about `place`, unless something is noted of it, around it or in it."""
        if self.concern(place):
            return
        place = self._name(place)
        self._messages[place] = message
        self._around.update(_enclosing(place))

    def concern(self, place: str) -> bool:
        """Whether something is noted of `place`, around it or in it, or it could not be read."""
        place = self._name(place)
        parts = (place, *_enclosing(place))
        return place in self._around or any(
            part in self._messages or part in self._unread for part in parts
        )

    def include(self, others: Problems, place: str) -> None:
        """Adds the problems of a part of the document that stands at `place`."""
        for inner, message in others._sorted():
            dot = "." if place and inner and not inner.startswith("[") else ""
            self.add(f"{place}{dot}{inner}", message)

    def rename(self, place: str, written_as: str) -> None:
        """Makes what is noted from now on of `place`, and what is in it, name `written_as`."""
        self._written_as[place] = written_as

    def leave_unread(self, place: str) -> None:
        """Tells that what `place` was to hold is not known, for a reason noted elsewhere.

        Nothing more follows about it, as about a place with a problem.
        """
        self._unread.add(self._name(place))

    def lines(self) -> list[str]:
        """One line per problem, `place: message`, sorted by place, all of it printable."""
        lines = (f"{place}: {message}" if place else message for place, message in self._sorted())
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

    def _sorted(self) -> list[tuple[str, str]]:
        """Places, as the document has them, and messages."""
        return sorted(self._messages.items(), key=lambda item: _natural_order(item[0]))

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
