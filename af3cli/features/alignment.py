"""Alignments as the network reads them: integer-coded rows and deletion counts.

In A3M text, upper-case letters and `-` are columns of the query; lower-case letters are insertions
between them (HH-suite user guide, "Multiple sequence alignment formats").
"""

from __future__ import annotations

import string
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int8, Int32, Int64

from af3cli.errors import InputError
from af3cli.features.residue_classes import GAP
from af3cli.job.a3m import parse_a3m
from af3cli.job.alphabets import ALPHABETS
from af3cli.tokens.residue_types import CLASS_OF
from af3cli.tokens.types import MoleculeType

_INSERTION, _ILLEGAL = -1, -2


@dataclass(frozen=True)
class Alignment:
    """An integer-coded alignment; `deletions` counts the insertions before each column."""

    headers: tuple[str, ...]
    rows: Int8[np.ndarray, "row column"]
    deletions: Int32[np.ndarray, "row column"]

    def take(self, rows: Int64[np.ndarray, "taken"]) -> Alignment:
        """Returns the alignment of these rows; -1 stands for a row of gaps."""
        is_gap = rows < 0
        return Alignment(
            tuple("" if row < 0 else self.headers[row] for row in rows),
            np.where(is_gap[:, None], np.int8(GAP), self.rows[rows]),
            np.where(is_gap[:, None], np.int32(0), self.deletions[rows]),
        )

    def followed_by(self, other: Alignment) -> Alignment:
        """Returns the rows of this alignment, then those of another of the same chain."""
        return Alignment(
            self.headers + other.headers,
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.deletions, other.deletions]),
        )


def encode_letters(letters: str, molecule: MoleculeType) -> Int8[np.ndarray, "letter"]:
    """Returns the class of each upper-case letter in an alignment of this type of polymer."""
    return _CODES[molecule][np.frombuffer(letters.encode("ascii"), np.uint8)]


def query_alignment(query: Int8[np.ndarray, "column"]) -> Alignment:
    """Returns the alignment of a query with nothing but itself."""
    return Alignment(("",), query[None], np.zeros((1, len(query)), np.int32))


def encode_a3m(text: str, molecule: MoleculeType, where: str) -> Alignment:
    """Returns the alignment in `text`; anything before the first header is ignored.

    `where` begins the message of the `InputError` that is raised when there is no row, when a row
    holds a character that is no residue, or when rows differ in their number of columns.
    """
    headers, sequences = parse_a3m(text)
    if not headers:
        raise InputError(f"{where}: no line begins with '>', so this is not an A3M alignment.")

    def row_error(row: int, problem: str) -> InputError:
        return InputError(f"{where}: row {row + 1} (>{headers[row][:60]}) {problem}.")

    lengths = np.array([len(sequence) for sequence in sequences])
    if not lengths.all():
        raise row_error(int(np.argmin(lengths)), "has no sequence")
    starts = np.cumsum(lengths) - lengths
    letters = "".join(sequences)
    coded = _CODES[molecule][np.frombuffer(letters.encode("ascii", "replace"), np.uint8)]
    if (coded == _ILLEGAL).any():
        place = int(np.argmax(coded == _ILLEGAL))
        row = int(np.searchsorted(starts, place, side="right")) - 1
        raise row_error(row, f"has {letters[place]!r} at character {place - starts[row] + 1}")
    widths = np.add.reduceat(coded >= 0, starts, dtype=np.int64)
    if (widths != widths[0]).any():
        row = int(np.argmax(widths != widths[0]))
        raise row_error(
            row,
            f"has {widths[row]} columns (upper-case letters and '-'), "
            f"but the first row has {widths[0]}",
        )
    rows = coded[coded >= 0].reshape(len(sequences), -1)
    return Alignment(tuple(headers), rows, _count_insertions(coded, starts, rows.shape))


def _count_insertions(
    coded: Int8[np.ndarray, "letter"], starts: Int64[np.ndarray, "row"], shape: tuple[int, int]
) -> Int32[np.ndarray, "row column"]:
    """Returns how many insertions stand before each column; those after the last do not count."""
    deletions = np.zeros(shape, np.int32)
    places = np.flatnonzero(coded == _INSERTION)
    row = np.searchsorted(starts, places, side="right") - 1
    column = np.cumsum(coded >= 0, dtype=np.int32)[places] - row * shape[1]
    inside = column < shape[1]
    np.add.at(deletions, (row[inside], column[inside]), 1)
    return deletions


def _codes(molecule: MoleculeType) -> Int8[np.ndarray, "256"]:
    """Returns the code of each ASCII character in an alignment of this type of polymer."""
    alphabet = ALPHABETS[molecule]
    codes = np.full(256, _ILLEGAL, np.int8)
    codes[ord("a") : ord("z") + 1] = _INSERTION
    codes[ord("-")] = GAP
    for letter in string.ascii_uppercase:
        read_as = letter.translate(alphabet.in_alignment)
        codes[ord(letter)] = CLASS_OF[alphabet.component(read_as)]
    return codes


_POLYMERS = MoleculeType.PROTEIN, MoleculeType.RNA, MoleculeType.DNA
_CODES = {molecule: _codes(molecule) for molecule in _POLYMERS}
