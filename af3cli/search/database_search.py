"""Searches local databases for the homologues and the templates of chains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from af3cli.search.a3m import merge_rows
from af3cli.search.catalogue import PAIRED_PROTEIN
from af3cli.search.database_rows import DatabaseRows
from af3cli.search.databases import Database
from af3cli.search.events import Note
from af3cli.search.hits import Row
from af3cli.search.homologues import Homologues, WantedChain
from af3cli.search.plan import ALIGNED, LATEST_TEMPLATE, STRUCTURES, TEMPLATE_DATABASE, UNPAIRED
from af3cli.search.structures import StructureFolder
from af3cli.search.template_filter import choose_templates


@dataclass(frozen=True)
class DatabaseSearch:
    """Where to search; templates may have been released until the day `latest_template`."""

    databases: Mapping[str, Database]
    rows: DatabaseRows
    latest_template: date = LATEST_TEMPLATE

    def homologues(self, chains: Mapping[WantedChain, str]) -> dict[WantedChain, Homologues]:
        """Returns what the databases have for `chains`, each given with what to call it.

        Raises `InputError` if a database cannot be used.
        """
        return self.with_templates(chains, self.alignments(chains))

    def alignments(self, chains: Mapping[WantedChain, str]) -> dict[WantedChain, Homologues]:
        """Returns the alignment rows for `chains`, without templates."""
        found: dict[tuple[str, str], list[Row]] = {}
        for molecule, names in ALIGNED.items():
            labels = {
                chain.sequence: label
                for chain, label in chains.items()
                if chain.molecule == molecule and chain.given_msa is None and chain.is_long_enough
            }
            if labels:
                for name in names:
                    if name in self.databases:
                        rows = self.rows.find(self.databases[name], labels)
                        found |= {(name, sequence): part for sequence, part in rows.items()}
        return {chain: _homologues(chain, found) for chain in chains}

    def with_templates(
        self, chains: Mapping[WantedChain, str], found: Mapping[WantedChain, Homologues]
    ) -> dict[WantedChain, Homologues]:
        """Returns `found` with the templates of the chains that want some.

        They are looked for with the profile of the chain's unpaired alignment.
        """
        profiles = {
            chain: _unpaired_msa(chain, found[chain])
            for chain in chains
            if chain.wants_templates and chain.is_long_enough
        }
        if not profiles or not {TEMPLATE_DATABASE, STRUCTURES} <= set(self.databases):
            return dict(found)

        def note(text: str) -> None:
            self.rows.on_event(Note(text))

        structures = StructureFolder(self.databases[STRUCTURES].files[0], note)
        labels = {a3m: chains[chain] for chain, a3m in profiles.items()}
        rows = self.rows.find(self.databases[TEMPLATE_DATABASE], labels)
        templates = {
            chain: choose_templates(
                chain.sequence, rows[a3m], structures.chain, self.latest_template, note
            )
            for chain, a3m in profiles.items()
        }
        return {
            chain: replace(homologues, templates=templates.get(chain, ()))
            for chain, homologues in found.items()
        }

    def missing(self, chains: Mapping[WantedChain, str]) -> list[str]:
        """Returns the databases that the official pipeline would search for `chains` as well."""
        kinds = {chain.molecule for chain in chains if chain.given_msa is None}
        names = [name for kind, of_kind in ALIGNED.items() if kind in kinds for name in of_kind]
        if any(chain.wants_templates for chain in chains):
            names += [TEMPLATE_DATABASE, STRUCTURES]
        return [name for name in names if name not in self.databases]


def _homologues(chain: WantedChain, found: Mapping[tuple[str, str], list[Row]]) -> Homologues:
    """What was found for a chain, by database and sequence, in the order of the alignment."""
    unpaired = [found.get((name, chain.sequence)) for name in UNPAIRED[chain.molecule]]
    paired = found.get((PAIRED_PROTEIN[0], chain.sequence)) if chain.molecule == "protein" else None
    return Homologues(tuple(rows for rows in unpaired if rows is not None), paired)


def _unpaired_msa(chain: WantedChain, homologues: Homologues) -> str:
    """The alignment whose profile finds templates: the one that a job brings, or the one found."""
    if chain.given_msa:
        return chain.given_msa
    return merge_rows(chain.sequence, homologues.unpaired, deduplicate=True)
