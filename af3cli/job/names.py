"""What a job and its ligands are called in files, and what a job is apart from its name."""

from __future__ import annotations

import hashlib
import json
import string
from dataclasses import asdict

from af3cli.job.chain_ids import chain_order
from af3cli.job.types import Job

_SMILES_PREFIX = "LIG_"
_FILE_NAME_CHARACTERS = frozenset(string.ascii_letters + string.digits + "_-.")


def file_name(job_name: str) -> str:
    """The official program's file-safe form of a name: blanks to `_`, other odd characters gone."""
    return "".join(c for c in job_name.replace(" ", "_") if c in _FILE_NAME_CHARACTERS)


def smiles_code(chain_id: str) -> str:
    """The component of a chain made from SMILES, as the official program calls it."""
    return f"{_SMILES_PREFIX}{chain_id}"


def is_smiles_code(component: str) -> bool:
    """Whether a component may be that of a chain made from SMILES."""
    return component.startswith(_SMILES_PREFIX)


def job_digest(job: Job) -> str:
    """SHA-256, in hexadecimal, of what a job asks for, without its name and its seeds.

    Jobs that mean the same have the same digest: descriptions, the order of the entities, and
    whether equal chains share an entity do not count.
    """
    chains = []
    for entity in job.entities:
        content = asdict(entity) | {"kind": type(entity).__name__}
        del content["ids"], content["description"]
        digest = _digest(content)
        chains += [(identifier, digest) for identifier in entity.ids]
    chains.sort(key=lambda chain: chain_order(chain[0]))
    bonds = [[[a.chain_id, a.residue_id, a.atom_name] for a in bond] for bond in job.bonds]
    return _digest([chains, bonds, job.user_ccd])


def _digest(content: object) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
