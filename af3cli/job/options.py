"""How to read files that leave a choice: structures and FASTA."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StructureOptions:
    """What to take from a structure file.

    `keep` are components to take although they count as additives, `drop` ones to leave out; a
    modified residue that is dropped becomes its parent. `assembly` names a biological assembly;
    without it the chains of the file are taken as they are. `as_templates` makes the structures of
    a protein's own chains its templates, and its alignments none.
    """

    keep: frozenset[str] = frozenset()
    drop: frozenset[str] = frozenset()
    assembly: str | None = None
    as_templates: bool = False


@dataclass(frozen=True)
class FastaOptions:
    """How to read a FASTA file.

    With `is_complex` the records are the chains of one complex. `msa_dir` holds alignments that
    are called after the records, `NAME.a3m`, plain or compressed.
    """

    is_complex: bool = False
    msa_dir: Path | None = None
