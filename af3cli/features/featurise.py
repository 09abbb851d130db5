"""From a job and its token table to all that the network reads."""

from __future__ import annotations

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
    count as none. Raises `InputError` for an alignment or template that cannot be used.
    """
    own = components.for_job(job)
    return Features(
        tokens=token_features(tokens, conventions),
        atoms=atom_features(tokens, atoms, own, seed, conventions),
        msa=msa_features(job, tokens, conventions),
        templates=template_features(job, tokens, conventions),
        bonds=bond_features(job, tokens, atoms, own, conventions),
        frames=frame_features(tokens, atoms, own, conventions),
    )
