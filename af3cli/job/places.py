"""What a job's entities are called in its JSON, and where they stand there."""

from __future__ import annotations

from af3cli.job.types import Dna, Entity, Protein, Rna

POLYMERS = {"protein": Protein, "rna": Rna, "dna": Dna}

# keys of a modification's component and position
MODIFICATION_KEYS = {
    "protein": ("ptmType", "ptmPosition"),
    "rna": ("modificationType", "basePosition"),
    "dna": ("modificationType", "basePosition"),
}


def entity_kind(entity: Entity) -> str:
    """Returns `protein`, `rna`, `dna` or `ligand`."""
    return type(entity).__name__.lower()


def entity_place(number: int, entity: Entity) -> str:
    """Returns where the entity with this 0-based number stands."""
    return f"sequences[{number}].{entity_kind(entity)}"
