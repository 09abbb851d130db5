"""Alignments as A3M text: the rows of several databases below one query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from af3cli.job.a3m import without_insertions
from af3cli.job.types import Protein, Rna
from af3cli.search.hits import Row

_PROTEIN_LETTERS = frozenset("ACDEFGHIKLMNPQRSTVWY")
_RNA_LETTERS = frozenset("ACGU")


def query_row(chain: Protein | Rna) -> str:
    """Returns a chain's sequence as it is searched for, and is the first row of its alignments.

    Letters that stand for no standard residue are unknown ones there (X, or N in RNA), and
    modified residues have the letter of their parent, whatever the job has below them.
    """
    from af3cli.chemistry.one_letter import one_letter

    known, unknown = (_PROTEIN_LETTERS, "X") if isinstance(chain, Protein) else (_RNA_LETTERS, "N")
    row = [letter if letter in known else unknown for letter in chain.sequence]
    for modification in chain.modifications:
        letter = one_letter(modification.ccd_code)
        is_coded = letter in known or (letter in "BZ" and isinstance(chain, Protein))
        row[modification.position - 1] = letter if is_coded else unknown
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
