"""Where homologues and templates are looked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from af3cli.search.catalogue import PAIRED_PROTEIN, UNPAIRED_PROTEIN, UNPAIRED_RNA, MoleculeKind
from af3cli.search.databases import Database

TEMPLATE_DATABASE = "seqres"
STRUCTURES = "pdb"
# The last day of the structures that the AlphaFold 3 paper used, the official default.
LATEST_TEMPLATE = date(2021, 9, 30)

UNPAIRED: Mapping[MoleculeKind, tuple[str, ...]] = {
    "protein": UNPAIRED_PROTEIN,
    "rna": UNPAIRED_RNA,
}
ALIGNED: Mapping[MoleculeKind, tuple[str, ...]] = {
    "protein": (*UNPAIRED_PROTEIN, *PAIRED_PROTEIN),
    "rna": UNPAIRED_RNA,
}


@dataclass(frozen=True)
class SearchPlan:
    """Where to look: local databases, and for proteins a server in place of them if there is one.

    Templates may have been released until the day `latest_template`. `num_threads` is that of all
    processors if it is `None`, and `cache_folder` the user's cache.
    """

    databases: Mapping[str, Database]
    server_url: str | None = None
    latest_template: date = LATEST_TEMPLATE
    num_threads: int | None = None
    cache_folder: Path | None = None

    def has_source(self, molecule: MoleculeKind) -> bool:
        """Returns whether there is anything to make alignments of such a chain from."""
        if molecule == "protein" and self.server_url is not None:
            return True
        return any(name in self.databases for name in UNPAIRED[molecule])

    def alignment_source(self, molecule: MoleculeKind) -> str:
        """Returns in words where alignments of such a chain come from."""
        if molecule == "protein" and self.server_url is not None:
            return f"server: {self.server_url}"
        return f"searched: {self._named(ALIGNED[molecule])}"

    def template_source(self) -> str:
        """Returns in words where templates come from, empty if from nowhere."""
        names = (TEMPLATE_DATABASE, STRUCTURES)
        if not self.databases.keys() >= set(names):
            return ""
        return f"searched: {self._named(names)}, until {self.latest_template}"

    def _named(self, names: Iterable[str]) -> str:
        """`uniref90 (uniref90_2022_05.fa), mgnify (...)`."""
        return ", ".join(
            f"{name} ({self.databases[name].title})" for name in names if name in self.databases
        )
