"""Numbers in HTTP headers, in which a server may write anything."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[0-9]{1,18}")


def header_number(value: str | None) -> int | None:
    """Returns the bytes or seconds that a header tells, `None` if it tells no such number."""
    text = (value or "").strip()
    return int(text) if _NUMBER.fullmatch(text) else None
