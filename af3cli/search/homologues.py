"""Which chains of a job want alignments or templates, and how they get them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from af3cli.job.limits import MIN_RESIDUES_FOR_ALIGNMENT
from af3cli.job.types import Entity, Job, Protein, Rna, Template
from af3cli.search.a3m import merge_rows, query_row
from af3cli.search.catalogue import MoleculeKind
from af3cli.search.hits import Row
from af3cli.wording import printable


@dataclass(frozen=True, slots=True)
class WantedChain:
    """What is searched for: chains that are equal here have equal results.

    `sequence` is the first row of the chain's alignments, not its letters in the job: what stands
    below a modification, or for no standard residue, makes no difference. `given_msa` is the
    unpaired alignment (A3M) that the job brings; then templates alone are wanted. `None` if
    alignments are wanted.
    """

    molecule: MoleculeKind
    sequence: str
    given_msa: str | None = None
    wants_templates: bool = False

    @property
    def is_long_enough(self) -> bool:
        """Whether the model would take notice of what is found."""
        return len(self.sequence) >= MIN_RESIDUES_FOR_ALIGNMENT


@dataclass(frozen=True, slots=True)
class Homologues:
    """What was found for a chain: rows of each database, and templates.

    `paired` is `None` where no database of paired rows was searched.
    """

    unpaired: tuple[Sequence[Row], ...] = ()
    paired: Sequence[Row] | None = None
    templates: tuple[Template, ...] = ()


def wanted_chain(entity: Entity) -> WantedChain | None:
    """Returns what an entity lacks, `None` if nothing."""
    if isinstance(entity, Rna) and entity.unpaired_msa is None:
        return WantedChain("rna", query_row(entity))
    if isinstance(entity, Protein):
        wants_templates = entity.templates is None
        if entity.unpaired_msa is None or entity.paired_msa is None:
            return WantedChain("protein", query_row(entity), None, wants_templates)
        if wants_templates:
            return WantedChain("protein", query_row(entity), entity.unpaired_msa, wants_templates)
    return None


def wanted_chains(jobs: Iterable[Job]) -> dict[WantedChain, str]:
    """Returns what the jobs lack, each with the job and chain it is first wanted for."""
    wanted: dict[WantedChain, str] = {}
    for job in jobs:
        for entity in job.entities:
            if chain := wanted_chain(entity):
                wanted.setdefault(chain, f"{printable(job.name)} {entity.ids[0]}")
    return wanted


def fill_job(job: Job, found: Mapping[WantedChain, Homologues]) -> Job:
    """Returns the job with what was found for those of its chains that lack something.

    What a chain brings is kept. Chains that are not in `found` are left as they are.
    """
    return replace(job, entities=tuple(_fill(entity, found) for entity in job.entities))


def _fill(entity: Entity, found: Mapping[WantedChain, Homologues]) -> Entity:
    chain = wanted_chain(entity)
    if chain is None or chain not in found:
        return entity
    homologues = found[chain]
    if isinstance(entity, Protein) and entity.templates is None:
        entity = replace(entity, templates=homologues.templates)
    if chain.given_msa is not None:
        return entity
    unpaired = merge_rows(chain.sequence, homologues.unpaired, deduplicate=True)
    if isinstance(entity, Rna):
        return replace(entity, unpaired_msa=unpaired)
    paired = ""
    if homologues.paired is not None:
        paired = merge_rows(chain.sequence, [homologues.paired], deduplicate=False)
    return replace(
        entity,
        unpaired_msa=unpaired if entity.unpaired_msa is None else entity.unpaired_msa,
        paired_msa=paired if entity.paired_msa is None else entity.paired_msa,
    )
