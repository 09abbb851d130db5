"""From a job and its token table to all that the network reads."""

from __future__ import annotations

from itertools import chain

import numpy as np

from af3cli.chemistry import ComponentDictionary
from af3cli.features.bonds import bond_features
from af3cli.features.conventions import OFFICIAL_FEATURES, FeatureConventions
from af3cli.features.frames import frame_features
from af3cli.features.msa import msa_features
from af3cli.features.reference import atom_features
from af3cli.features.templates import template_features
from af3cli.features.tokens import token_features
from af3cli.features.types import Features
from af3cli.job.types import Job
from af3cli.tokens.types import Atoms, Tokens


def featurise(
    job: Job,
    tokens: Tokens,
    atoms: Atoms,
    components: ComponentDictionary,
    seed: int,
    conventions: FeatureConventions = OFFICIAL_FEATURES,
) -> Features:
    """Returns the features of a job at natural size; `tokens` and `atoms` are its own.

    The seed decides the reference conformers, and nothing else. Alignments and templates of `None`
    count as none.

    Raises:
        InputError: an alignment or template cannot be used.
        ValueError: the atoms have terminal ones, and by the conventions there are none.
    """
    if not conventions.terminal_atoms and _has_terminal_atoms(job, tokens, atoms):
        raise ValueError("these features are of atoms of tokenize(..., terminal_atoms=False)")
    own = components.for_job(job)
    return Features(
        tokens=token_features(tokens, conventions),
        atoms=atom_features(tokens, atoms, own, seed, conventions),
        msa=msa_features(job, tokens, conventions),
        templates=template_features(job, tokens, conventions),
        bonds=bond_features(job, tokens, atoms, own, conventions),
        frames=frame_features(tokens, atoms, own, conventions),
    )


def _has_terminal_atoms(job: Job, tokens: Tokens, atoms: Atoms) -> bool:
    """Returns whether residues of one token have OXT or OP3 that no bond of the job holds."""
    is_whole = tokens.atom_name[atoms.token] == ""
    rows = np.flatnonzero(np.isin(atoms.name, ("OXT", "OP3")) & is_whole)
    token, names = atoms.token[rows], atoms.name[rows]
    ends = zip(tokens.chain_id[token], tokens.residue_id[token], names, strict=True)
    held = {(atom.chain_id, atom.residue_id, atom.atom_name) for atom in chain(*job.bonds)}
    return not held.issuperset(ends)
