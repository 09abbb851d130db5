"""What a job brings, or a search found, for each of its chains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from af3cli.job import Entity, Job, parse_a3m
from af3cli.search.homologues import wanted_chain
from af3cli.search.plan import SearchPlan
from af3cli.search.provenance import Provenance, provenance


@dataclass(frozen=True)
class ChainInputs:
    """What was known of each chain besides its sequence: one row per chain, in token order.

    Alignment depths count the rows, the query included; 0 is no alignment. `msa_source` and
    `template_source` say where they come from, see `af3cli.search.provenance`. `wants_search`
    lists the chains whose alignment or templates are wanted, but neither given nor searched for;
    `searchable` those of them that are long enough for a search to find something.
    """

    chain_id: tuple[str, ...]
    unpaired_msa_depth: tuple[int, ...]
    paired_msa_depth: tuple[int, ...]
    num_templates: tuple[int, ...]
    msa_source: tuple[str, ...]
    template_source: tuple[str, ...]
    wants_search: tuple[str, ...] = ()
    searchable: tuple[str, ...] = ()

    def by_chain(self) -> dict[str, dict[str, str | int]]:
        """Returns depths, numbers and sources, by name, of each chain that has any."""
        names = (
            "unpaired_msa_depth",
            "paired_msa_depth",
            "num_templates",
            "msa_source",
            "template_source",
        )
        return {
            chain: {name: getattr(self, name)[row] for name in names}
            for row, chain in enumerate(self.chain_id)
            if self.msa_source[row]
        }


def provenances(job: Job, search: SearchPlan | None) -> dict[str, Provenance]:
    """Returns where each chain's inputs come from if `search`, or nothing, fills the job."""
    return {chain: provenance(entity, search) for entity in job.entities for chain in entity.ids}


def chain_inputs(
    job: Job, chains: tuple[str, ...], sources: Mapping[str, Provenance]
) -> ChainInputs:
    """Returns what there is for `chains`, whose inputs come from `sources`."""
    entities = {chain: entity for entity in job.entities for chain in entity.ids}
    of_chain = [entities[chain] for chain in chains]
    wanted = {chain: found for chain in chains if (found := wanted_chain(entities[chain]))}
    return ChainInputs(
        chain_id=chains,
        unpaired_msa_depth=tuple(_depth(entity, "unpaired_msa") for entity in of_chain),
        paired_msa_depth=tuple(_depth(entity, "paired_msa") for entity in of_chain),
        num_templates=tuple(len(getattr(entity, "templates", None) or ()) for entity in of_chain),
        msa_source=tuple(sources[chain].alignment for chain in chains),
        template_source=tuple(sources[chain].templates for chain in chains),
        wants_search=tuple(wanted),
        searchable=tuple(chain for chain in wanted if wanted[chain].is_long_enough),
    )


def _depth(entity: Entity, alignment: str) -> int:
    a3m = getattr(entity, alignment, None)
    return len(parse_a3m(a3m)[0]) if a3m else 0
