"""A strictly parsed JSON document whose values know where they stand."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from af3cli.errors import InputError
from af3cli.job.problems import Problems


class _Object(dict):
    """A JSON object that remembers which of its keys were given more than once."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        seen: set[str] = set()
        self.repeated = [key for key, _ in pairs if key in seen or seen.add(key)]


def parse_json(text: str, source: str) -> object:
    """Parses JSON without NaN or infinities; raises `InputError` naming `source` and the line."""
    try:
        return json.loads(text, object_pairs_hook=_Object, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        hint = ""
        if "escape" in error.msg:
            hint = '; a backslash inside a string, as in SMILES, is written twice: "\\\\"'
        raise InputError(
            f"{source}: is not valid JSON: line {error.lineno}, column {error.colno}: "
            f"{error.msg}{hint}"
        ) from None
    except RecursionError:
        raise InputError(f"{source}: the JSON is nested too deeply for a job") from None
    except ValueError as error:
        raise InputError(f"{source}: is not valid JSON: {error}") from None


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON number")


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the document and its place; what is wrong with it goes to `problems`.

    The methods that convert return a neutral value (empty, zero) when they report a problem, so
    that reading goes on and finds the others.
    """

    raw: object
    place: str
    problems: Problems

    def wrong(self, message: str) -> None:
        self.problems.add(self.place, message)

    def fields(self, known: Iterable[str], required: Collection[str] = ()) -> dict[str, Value]:
        """The members of an object, those that are null left out.

        Reports keys that are unknown, given twice, or required and missing. What stands under a
        key that is known but misspelt is unread.
        """
        known = list(known)
        if not isinstance(self.raw, dict):
            self._expected("an object, { ... }")
            return {}
        for key in getattr(self.raw, "repeated", ()):
            self.problems.add(self._inside(key), "is given twice")
        for key in self.raw:
            if key not in known:
                self.problems.add(self._inside(key), f"unknown key; {suggestion(key, known)}")
        for key in required:
            if self.raw.get(key) is None:
                self.problems.add(self._inside(key), "is missing")
        for key in self.raw:
            meant = None if key in known else closest(key, known)
            if meant and self.raw.get(meant) is None:
                # KEYPath names a file with the value of KEY
                self.problems.leave_unread(self._inside(meant.removesuffix("Path")))
        return {
            key: Value(raw, self._inside(key), self.problems)
            for key, raw in self.raw.items()
            if key in known and raw is not None
        }

    def elements(self) -> list[Value]:
        """The elements of a list."""
        if not isinstance(self.raw, list):
            self._expected("a list, [ ... ]")
            return []
        return [Value(raw, f"{self.place}[{i}]", self.problems) for i, raw in enumerate(self.raw)]

    def text(self) -> str:
        """A string that can be encoded."""
        if not isinstance(self.raw, str):
            self._expected("a string")
            return ""
        try:
            self.raw.encode()
        except UnicodeEncodeError:
            self.wrong("holds half of a surrogate pair, which is no character")
            return ""
        return self.raw

    def integer(self) -> int:
        """A whole number, written as one."""
        if not isinstance(self.raw, int) or isinstance(self.raw, bool):
            self._expected("a whole number")
            return 0
        return self.raw

    def integers(self) -> tuple[int, ...]:
        return tuple(element.integer() for element in self.elements())

    def _inside(self, key: str) -> str:
        if not key.isidentifier() or len(key) > 40:
            key = ascii(key[:40])
        return f"{self.place}.{key}" if self.place else key

    def _expected(self, what: str) -> None:
        self.wrong(f"must be {what}, not {_kind(self.raw)}")


def _kind(raw: object) -> str:
    """What a JSON value is, in a few words."""
    if isinstance(raw, dict):
        return "an object"
    if isinstance(raw, list):
        return "a list"
    if raw is None:
        return "null"
    shown = json.dumps(raw) if isinstance(raw, bool | str) else str(raw)
    return shown if len(shown) <= 40 else shown[:37] + "..."


def closest(key: str, known: Iterable[str]) -> str | None:
    """The known key that is close to a misspelt one, or `None`."""
    plain = {name.lower(): name for name in known}
    close = difflib.get_close_matches(key.lower().replace("_", ""), plain, n=1)
    return plain[close[0]] if close else None


def suggestion(key: str, known: Collection[str]) -> str:
    """`did you mean ...?` if a known key is close, else the list of known keys."""
    meant = closest(key, known)
    return f"did you mean {meant!r}?" if meant else f"known here: {', '.join(known)}"
