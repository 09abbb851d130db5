"""Alignments as A3M text: the rows of several databases below one query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from af3cli.job.a3m import without_insertions
from af3cli.job.alphabets import ALPHABETS
from af3cli.job.places import entity_kind
from af3cli.job.types import Protein, Rna
from af3cli.search.hits import Row


def query_row(chain: Protein | Rna) -> str:
    """Returns a chain's sequence as it is searched for, and is the first row of its alignments.

    Letters that stand for no standard residue are unknown ones there (X, or N in RNA), and
    modified residues have the letter of their parent, whatever the job has below them.
    """
    from af3cli.chemistry.one_letter import one_letter

    alphabet = ALPHABETS[entity_kind(chain)]
    row = list(chain.sequence.translate(alphabet.in_sequence))
    for modification in chain.modifications:
        letter = one_letter(modification.ccd_code)
        is_coded = letter in alphabet.components or (letter in "BZ" and isinstance(chain, Protein))
        row[modification.position - 1] = letter if is_coded else alphabet.unknown
    return "".join(row)


def merge_rows(query: str, databases: Iterable[Sequence[Row]], deduplicate: bool) -> str:
    """Returns the A3M text of `query` and the rows of each database in turn.

    With `deduplicate`, of rows with equal columns (insertions do not count) the first is kept; the
    query is one of them.
    """
    lines = [">query", query]
    seen = {query}
    for rows in databases:
        for row in rows:
            if deduplicate:
                columns = without_insertions(row.aligned)
                if columns in seen:
                    continue
                seen.add(columns)
            lines += [f">{row.header}", row.aligned]
    return "\n".join(lines) + "\n"
