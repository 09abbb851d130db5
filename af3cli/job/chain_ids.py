"""Chain ids in the order that mmCIF files and the official program use."""

from __future__ import annotations

import string

_LETTERS = string.ascii_uppercase


def chain_id(number: int) -> str:
    """The id with this 0-based number in the order A, ..., Z, AA, BA, ..., ZA, AB, BB, ..."""
    letters = []
    while number >= 0:
        letters.append(_LETTERS[number % 26])
        number = number // 26 - 1
    return "".join(letters)


def chain_order(identifier: str) -> tuple[int, str]:
    """Sort key of a chain id: shorter ids first, then by the last letter, the one before, ..."""
    return len(identifier), identifier[::-1]
