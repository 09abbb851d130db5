"""Says in a line what a job is, and what about it may surprise."""

from __future__ import annotations

from collections.abc import Iterable

from af3cli.job.a3m import parse_a3m
from af3cli.job.alphabets import ALPHABETS
from af3cli.job.limits import MIN_RESIDUES_FOR_ALIGNMENT
from af3cli.job.places import entity_kind, entity_place
from af3cli.job.types import Dna, Entity, Job, Ligand, Protein, Rna
from af3cli.wording import counted, printable


def describe(job: Job) -> str:
    """One line: molecules with their chains and sizes, alignments, templates, seeds."""
    parts = [_molecule(entity) for entity in job.entities]
    polymers = [entity for entity in job.entities if isinstance(entity, Protein | Rna)]
    if polymers:
        parts.append(f"MSA {_states((_alignment_state(p), p.ids) for p in polymers)}")
    proteins = [entity for entity in polymers if isinstance(entity, Protein)]
    if proteins:
        parts.append(f"templates {_states((_template_state(p), p.ids) for p in proteins)}")
    if job.bonds:
        parts.append(f"bonds {len(job.bonds)}")
    seeds = ", ".join(str(seed) for seed in job.seeds[:5])
    more = f", ... ({len(job.seeds)})" if len(job.seeds) > 5 else ""
    return printable(f"{job.name}: {'; '.join(parts)}; seeds {seeds}{more}")


def remarks(job: Job) -> list[str]:
    """What was changed in reading, and what is allowed but may not be what was meant."""
    found = list(job.notes)
    for number, entity in enumerate(job.entities):
        place = entity_place(number, entity)
        if not isinstance(entity, Ligand):
            found += _unknown_letters(entity, place)
        if unused := _unused(entity):
            found.append(
                f"{place}: the model takes no notice of {' and '.join(unused)} of a chain of "
                f"fewer than {MIN_RESIDUES_FOR_ALIGNMENT} residues"
            )
    polymers = {
        chain for entity in job.entities if not isinstance(entity, Ligand) for chain in entity.ids
    }
    for i, bond in enumerate(job.bonds):
        if all(atom.chain_id in polymers for atom in bond):
            found.append(
                f"bondedAtomPairs[{i}]: models take no notice of bonds between two residues of "
                "polymers; Protenix alone does, unless they are neighbours in one chain"
            )
    return found


def _unused(entity: Entity) -> list[str]:
    """What a chain that is too short for it brings.

    Templates are read from five tokens on, and a modified residue has many.
    """
    if not isinstance(entity, Protein | Rna) or len(entity.sequence) >= MIN_RESIDUES_FOR_ALIGNMENT:
        return []
    has_rows = entity.unpaired_msa or getattr(entity, "paired_msa", None)
    unused = ["alignments"] if has_rows else []
    if isinstance(entity, Protein) and entity.templates and not entity.modifications:
        unused.append("templates")
    return unused


def _unknown_letters(entity: Protein | Rna | Dna, place: str) -> list[str]:
    alphabet = ALPHABETS[entity_kind(entity)]
    modified = {modification.position for modification in entity.modifications}
    unknown = [
        f"{letter} at {position}"
        for position, letter in enumerate(entity.sequence, start=1)
        if letter not in alphabet.components and position not in modified
    ]
    if not unknown:
        return []
    shown = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
    return [f"{place}.sequence: read as unknown residues ({alphabet.unknown_component}): {shown}"]


def _molecule(entity: Protein | Rna | Dna | Ligand) -> str:
    chains = _chains(entity.ids)
    if isinstance(entity, Ligand):
        what = f"SMILES {entity.smiles}" if entity.smiles else "-".join(entity.ccd_codes)
        return f"ligand {what} ({chains})"
    kind = {Protein: "protein", Rna: "RNA", Dna: "DNA"}[type(entity)]
    modified = f", {len(entity.modifications)} modified" if entity.modifications else ""
    return f"{kind} of {counted(len(entity.sequence), 'residue')}{modified} ({chains})"


def _alignment_state(entity: Protein | Rna) -> str:
    if entity.unpaired_msa is None:
        return "wanted"
    rows = _num_rows(entity.unpaired_msa)
    paired = _num_rows(entity.paired_msa or "") if isinstance(entity, Protein) else 0
    if not rows and not paired:
        return "none"
    if rows == 1 and not paired:
        return "of the query alone"
    return f"of {counted(rows, 'row')}" + (f" and {paired} paired" if paired else "")


def _num_rows(a3m: str) -> int:
    return len(parse_a3m(a3m)[1])


def _template_state(entity: Protein) -> str:
    if entity.templates is None:
        return "wanted"
    return str(len(entity.templates)) if entity.templates else "none"


def _states(states: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    """`wanted (A, B), none (C)`; without chains if all are alike."""
    chains: dict[str, tuple[str, ...]] = {}
    for state, ids in states:
        chains[state] = chains.get(state, ()) + ids
    if len(chains) == 1:
        return next(iter(chains))
    return ", ".join(f"{state} ({_chains(ids)})" for state, ids in chains.items())


def _chains(ids: tuple[str, ...]) -> str:
    if len(ids) <= 6:
        return f"chain{'s' if len(ids) > 1 else ''} {', '.join(ids)}"
    return f"{len(ids)} chains {ids[0]} to {ids[-1]}"
