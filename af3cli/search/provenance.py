"""Says in words where the alignment and the templates of a chain come from."""

from __future__ import annotations

from dataclasses import dataclass

from af3cli.job.types import Entity, Protein, Rna
from af3cli.search.homologues import wanted_chain
from af3cli.search.plan import SearchPlan

GIVEN = "given"
NONE = "none"
NOT_SEARCHED = "none, not searched for"
TOO_SHORT = "none, too short"


@dataclass(frozen=True, slots=True)
class Provenance:
    """`given` (in the job), `none` (by the job), what was searched, or why there is none.

    Empty for chains of a kind that has no alignment, or no templates.
    """

    alignment: str = ""
    templates: str = ""


def provenance(entity: Entity, plan: SearchPlan | None) -> Provenance:
    """Returns where an entity's inputs come from when it is filled by `plan`, or by nothing."""
    if not isinstance(entity, Protein | Rna):
        return Provenance()
    wanted = wanted_chain(entity)
    is_protein = isinstance(entity, Protein)
    has_rows = entity.unpaired_msa or (is_protein and entity.paired_msa)
    alignment = GIVEN if has_rows else NONE
    if wanted and wanted.given_msa is None:
        alignment = _searched(plan, wanted.is_long_enough) or plan.alignment_source(wanted.molecule)
    templates = ""
    if is_protein:
        templates = GIVEN if entity.templates else NONE
        if entity.templates is None:
            templates = _searched(plan, wanted.is_long_enough) or plan.template_source()
    return Provenance(alignment, templates or (NOT_SEARCHED if is_protein else ""))


def _searched(plan: SearchPlan | None, is_long_enough: bool) -> str:
    """Why nothing was searched for, empty if something was."""
    if plan is None:
        return NOT_SEARCHED
    return "" if is_long_enough else TOO_SHORT
