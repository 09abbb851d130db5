"""Numbers and names as they are shown to people."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Returns how many there are of something, such as 1 job, 2 jobs."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def some(names: Sequence[str], shown: int = 5) -> str:
    """Returns names, the first of them if there are many, such as a, b, c and 7 more."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more:,} more" if more > 0 else "")


def difference(name: str, there: object, wanted: object) -> str:
    """Returns what differs, such as recycles (10 there, 3 wanted); of digests the beginning."""
    return f"{name} ({_shortened(there)} there, {_shortened(wanted)} wanted)"


def printable(text: str) -> str:
    r"""Returns a line in which all that a terminal would obey is written out, such as \n, \x1b."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def printable_lines(text: str) -> str:
    """Returns text whose lines are each `printable`."""
    return "\n".join(map(printable, text.split("\n")))


def size(num_bytes: float) -> str:
    """Returns a size, such as 57 MB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if num_bytes < 1000:
            return f"{num_bytes:.3g} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.3g} TB"


def duration(seconds: float) -> str:
    """Returns a time, such as 4.2 s, 53 s, 12 min, 3.5 h."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _shortened(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"
