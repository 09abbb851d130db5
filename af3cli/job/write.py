"""Writes jobs in the AlphaFold 3 JSON dialect."""

from __future__ import annotations

import json

from af3cli.job.alphafold3_json import DIALECT
from af3cli.job.places import MODIFICATION_KEYS, entity_kind
from af3cli.job.types import Dna, Entity, Job, Ligand, Protein, Rna, Template

_LINE_LENGTH = 100


def to_alphafold3_json(job: Job) -> str:
    """A job as AlphaFold 3 JSON text, alignments and structures inline.

    The version is the lowest that has all that the job uses: 4 if an entity has a description,
    else 1. The keys are those that the official program always writes: what is not given is null,
    which of alignments and templates means that they are wanted.
    """
    described = any(entity.description is not None for entity in job.entities)
    document = {
        "name": job.name,
        "modelSeeds": list(job.seeds),
        "sequences": [_entity(entity) for entity in job.entities],
        "bondedAtomPairs": [
            [[atom.chain_id, atom.residue_id, atom.atom_name] for atom in bond]
            for bond in job.bonds
        ]
        or None,
        "userCCD": job.user_ccd,
        "dialect": DIALECT,
        "version": 4 if described else 1,
    }
    return _render(document) + "\n"


def _entity(entity: Entity) -> dict[str, object]:
    kind = entity_kind(entity)
    content: dict[str, object] = {
        "id": entity.ids[0] if len(entity.ids) == 1 else list(entity.ids),
    }
    if isinstance(entity, Ligand):
        if entity.smiles is None:
            content["ccdCodes"] = list(entity.ccd_codes)
        else:
            content["smiles"] = entity.smiles
    else:
        content |= _polymer(entity, *MODIFICATION_KEYS[kind])
    if entity.description is not None:
        content["description"] = entity.description
    return {kind: content}


def _polymer(entity: Protein | Rna | Dna, code_key: str, position_key: str) -> dict[str, object]:
    content: dict[str, object] = {
        "sequence": entity.sequence,
        "modifications": [
            {code_key: item.ccd_code, position_key: item.position} for item in entity.modifications
        ],
    }
    if not isinstance(entity, Dna):
        content["unpairedMsa"] = entity.unpaired_msa
    if isinstance(entity, Protein):
        content["pairedMsa"] = entity.paired_msa
        templates = entity.templates
        content["templates"] = (
            None if templates is None else [_template(each) for each in templates]
        )
    return content


def _template(template: Template) -> dict[str, object]:
    return {
        "mmcif": template.mmcif,
        "queryIndices": list(template.query_indices),
        "templateIndices": list(template.template_indices),
    }


def _render(value: object, indent: str = "") -> str:
    """JSON with lists of numbers, and whatever fits, on one line."""
    line = json.dumps(value, ensure_ascii=False)
    is_leaf = not isinstance(value, dict | list) or not value
    is_flat = isinstance(value, list) and not any(isinstance(item, dict | list) for item in value)
    if is_leaf or is_flat or (indent and len(indent) + len(line) <= _LINE_LENGTH):
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {_render(item, inner)}" for key, item in value.items()]
        opening, closing = "{", "}"
    else:
        parts = [_render(item, inner) for item in value]
        opening, closing = "[", "]"
    return f"{opening}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{closing}"
