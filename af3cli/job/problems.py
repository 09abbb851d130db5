"""Collects everything that is wrong with a job, so that all of it is reported at once."""

from __future__ import annotations

import re

from af3cli.errors import InputError

MAX_REPORTED = 200


class Problems:
    """What is wrong, one line per place of the document.

    Places are written like `sequences[2].ligand.ccdCodes[0]`. Only the first thing said of a place
    is kept, and nothing is said of what lies inside a place that is wrong as a whole: a chain whose
    sequence is missing does not also have a modification out of range.
    """

    def __init__(self) -> None:
        self._messages: dict[str, str] = {}
        self._written_as: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._messages)

    def add(self, place: str, message: str) -> None:
        """Notes `message` about `place`, unless the place or one around it is noted already."""
        if not any(part in self._messages for part in (place, *_enclosing(place))):
            self._messages[place] = message

    def rename(self, place: str, written_as: str) -> None:
        """Makes reports about `place`, and what lies inside it, name `written_as` instead."""
        self._written_as[place] = written_as

    def include(self, others: Problems, place: str) -> None:
        """Adds the problems of a part of the document that stands at `place`."""
        for line_place, message in others._shown_messages():
            dot = "" if line_place.startswith("[") or not line_place else "."
            self._messages[f"{place}{dot}{line_place}"] = message

    def lines(self) -> list[str]:
        """One line per problem, `place: message`, in the order in which they were found."""
        return [
            f"{place}: {message}" if place else message for place, message in self._shown_messages()
        ]

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

    def _shown_messages(self) -> list[tuple[str, str]]:
        return [(self._shown(place), message) for place, message in self._messages.items()]

    def _shown(self, place: str) -> str:
        for part in (place, *_enclosing(place)):
            if part in self._written_as:
                return self._written_as[part] + place[len(part) :]
        return place


def _enclosing(place: str) -> list[str]:
    """The places around `place`, from the nearest outwards: `a[1].b` is in `a[1]` and `a`."""
    cuts = [match.start() for match in re.finditer(r"[.\[]", place)]
    return [place[:cut] for cut in reversed(cuts) if cut]
