"""The profile of an alignment, as hmmbuild makes it when the query's columns are given."""

from __future__ import annotations

from itertools import pairwise

from af3cli.job.a3m import parse_a3m
from af3cli.search.catalogue import search_options
from af3cli.search.hmmer import Query, alphabet, known_letters


def profile_query(a3m: str) -> Query:
    """Returns the query for template search that a protein's unpaired alignment (A3M) makes.

    The profile has one column for each residue of the first row. Rows of an alignment keep their
    insertions, which tell the profile how likely insertions are.
    """
    from pyhmmer.easel import TextMSA, TextSequence
    from pyhmmer.plan7 import Background, Builder

    _, rows = parse_a3m(a3m)
    letters = alphabet("protein")
    expanded = expand_insertions(rows)
    alignment = TextMSA(
        name="query",
        sequences=[
            TextSequence(name=str(number), sequence=known_letters(row, "protein"))
            for number, row in enumerate(expanded)
        ],
    )
    alignment.reference = "".join("." if letter == "-" else "x" for letter in expanded[0])
    builder = Builder(letters, architecture="hand")
    profile, _, _ = builder.build_msa(alignment.digitize(letters), Background(letters))
    return Query(profile, "protein", search_options("seqres", profile.M))


def expand_insertions(rows: list[str]) -> list[str]:
    """Returns rows of A3M with insertions as columns of their own, upper case, from the left.

    The columns before each aligned one (and at the end) are as many as the longest insertion
    there; rows with fewer residues have gaps.
    """
    split = [_columns(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*split, strict=True)]
    return [
        "".join(part.ljust(width, "-") for part, width in zip(parts, widths, strict=True))
        for parts in split
    ]


def _columns(row: str) -> list[str]:
    """The insertion before each column, then the column: `aBCd` is A, B, "", C, D."""
    bounds = [i for i, letter in enumerate(row) if not letter.islower()]
    parts = [row[: bounds[0]]] if bounds else [row]
    for start, end in pairwise([*bounds, len(row)]):
        parts += [row[start], row[start + 1 : end]]
    return [part.upper() for part in parts]
