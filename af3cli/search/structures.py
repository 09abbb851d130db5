"""PDB entries in a local folder, as templates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from af3cli.chemistry.one_letter import one_letter
from af3cli.errors import InputError
from af3cli.job.textfile import read_text
from af3cli.search.template_filter import StructureChain

if TYPE_CHECKING:
    import gemmi

    from af3cli.job.structure.tables import Chain

_DATE_TAG = "_pdbx_audit_revision_history.revision_date"
_ENTRIES_KEPT = 16


class StructureFolder:
    """mmCIF files of PDB entries, plain or compressed: `4pqx.cif`, `4pqx.cif.gz`, `pq/4pqx.cif`.

    Entries that are missing or cannot be used are named once with `on_note` and passed over.
    """

    def __init__(self, folder: Path, on_note: Callable[[str], None]) -> None:
        if not folder.is_dir():
            raise InputError(f"{folder}: is no folder; the mmCIF files of templates are wanted")
        self._folder = folder
        self._on_note = on_note
        self._block = lru_cache(_ENTRIES_KEPT)(self._read)
        self.chain = lru_cache(_ENTRIES_KEPT)(self._chain)

    def _chain(self, entry: str, author_chain: str) -> StructureChain | None:
        """Returns a polymer chain of an entry by the author's id, `None` if there is none."""
        from af3cli.job.structure.tables import read_chains

        block = self._block(entry)
        if block is None:
            return None
        released = self._release_date(entry, block)
        for chain in read_chains(block):
            if chain.is_polymer and chain.author == author_chain:
                return released and _structure_chain(block, chain, released)
        self._on_note(f"template {entry}_{author_chain}: the entry has no such chain; passed over")
        return None

    def _read(self, entry: str) -> gemmi.cif.Block | None:
        from af3cli.job.structure.tables import read_block

        for name in (f"{entry}.cif", f"{entry[1:3]}/{entry}.cif"):
            for path in (self._folder / name, self._folder / f"{name}.gz"):
                if path.is_file():
                    try:
                        return read_block(read_text(path), str(path))
                    except InputError as error:
                        self._on_note(f"template {entry} is passed over: {error}")
                        return None
        self._on_note(f"template {entry} is not in {self._folder}; passed over")
        return None

    def _release_date(self, entry: str, block: gemmi.cif.Block) -> date | None:
        """The day of the first revision, of those whose day is known."""
        from gemmi import cif

        days = [cif.as_string(day) for day in block.find_values(_DATE_TAG) if not cif.is_null(day)]
        try:
            return date.fromisoformat(min(days))
        except ValueError:
            self._on_note(f"template {entry} states no release date; passed over")
            return None


def _structure_chain(block: gemmi.cif.Block, chain: Chain, released: date) -> StructureChain | None:
    from af3cli.job.structure.own_templates import chain_template

    template = chain_template(block, chain)
    if template is None:
        return None
    sequence = "".join(one_letter(residue.code) for residue in chain.residues)
    unresolved = frozenset(range(len(sequence))) - frozenset(template.template_indices)
    return StructureChain(sequence, unresolved, released, template)
