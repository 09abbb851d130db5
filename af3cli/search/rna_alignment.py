"""Aligns what nhmmer finds to the whole query, as the official pipeline does with hmmalign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from af3cli.search.hits import Row

if TYPE_CHECKING:
    from pyhmmer.plan7 import HMM

# Insertions make an alignment wider with every row, so that many rows are aligned in parts.
_ROWS_AT_ONCE = 500


def align_to_query(query: str, rows: Sequence[Row]) -> list[Row]:
    """Returns `rows`, whose texts are plain RNA sequences, as rows of A3M over `query`.

    The profile is made of the query alone, with the priors that hmmbuild has for RNA.
    """
    from pyhmmer.easel import TextMSA, TextSequence
    from pyhmmer.plan7 import Background, Builder

    from af3cli.search.hmmer import alphabet, known_letters

    if not rows:
        return []
    letters = alphabet("rna")
    sequence = TextSequence(name="query", sequence=known_letters(query, "rna"))
    alignment = TextMSA(name="query", sequences=[sequence]).digitize(letters)
    profile, _, _ = Builder(letters).build_msa(alignment, Background(letters))
    aligned = [
        text
        for first in range(0, len(rows), _ROWS_AT_ONCE)
        for text in _align(profile, rows[first : first + _ROWS_AT_ONCE])
    ]
    return [replace(row, aligned=text) for row, text in zip(rows, aligned, strict=True)]


def _align(profile: HMM, rows: Sequence[Row]) -> Iterator[str]:
    from pyhmmer.easel import DigitalSequenceBlock, TextSequence
    from pyhmmer.plan7 import TraceAligner

    sequences = DigitalSequenceBlock(profile.alphabet)
    for number, row in enumerate(rows):
        sequence = TextSequence(name=str(number), sequence=row.aligned)
        sequences.append(sequence.digitize(profile.alphabet))
    aligner = TraceAligner()
    traces = aligner.compute_traces(profile, sequences)
    aligned = aligner.align_traces(
        profile, sequences, traces, digitize=False, trim=False, all_consensus_cols=True
    )
    return (row.replace(".", "") for row in aligned.alignment)
