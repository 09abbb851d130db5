"""Our features of a job against the official ones recorded for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from math import inf

import numpy as np

from af3cli.features.types import Features, TemplateFeatures
from af3cli.tokens import Atoms, Tokens
from tests.official import features_from_official
from tests.parity.comparison import Comparison, compare_equal, compare_within
from tests.releases import SAME_RELEASES

# What depends on the release of RDKit and of the component dictionary, and by how much it may
# differ where both are those of the recorded arrays (Å, elementary charges).
_OF_RELEASE = {"atoms.ref_position": 1e-3, "atoms.charge": 1e-6, "frames.has_frame": 0.0}
_TOLERANCES = {
    **_OF_RELEASE,
    "msa.profile": 1e-6,
    "msa.deletion_mean": 1e-6,
    "templates.pseudo_beta": 1e-4,
    "templates.backbone": 1e-4,
}


def compare_features(
    ours: Features, tokens: Tokens, atoms: Atoms, official: Mapping[str, np.ndarray]
) -> Iterator[Comparison]:
    """Yields a comparison of every feature, and of the names in the official atom layout."""
    yield from _compare_names(tokens, atoms, official)
    recorded = features_from_official(official)
    ours = replace(ours, templates=_without_empty_ones(ours.templates))
    skipped = skipped_features()
    for part in fields(Features):
        for field in fields(part_of := getattr(recorded, part.name)):
            name = f"{part.name}.{field.name}"
            if name in skipped:
                continue
            pair = getattr(getattr(ours, part.name), field.name), getattr(part_of, field.name)
            if pair[0].dtype != pair[1].dtype:
                yield Comparison(f"{name} (dtype)", inf, inf, 0.0)
            elif _TOLERANCES.get(name):
                yield compare_within(name, *pair, _TOLERANCES[name])
            else:
                yield compare_equal(name, *pair)


def skipped_features() -> tuple[str, ...]:
    """Returns the names of the features that cannot be compared with the releases in use."""
    return () if SAME_RELEASES else tuple(_OF_RELEASE)


def _without_empty_ones(templates: TemplateFeatures) -> TemplateFeatures:
    """Templates but for those that say nothing, which recorded arrays do not tell from none."""
    says_something = (templates.residue_type != 0).any(axis=1) | (
        templates.pseudo_beta_mask | templates.backbone_mask
    ).any(axis=1)
    return TemplateFeatures(
        **{name: array[says_something] for name, array in vars(templates).items()}
    )


def _compare_names(
    tokens: Tokens, atoms: Atoms, official: Mapping[str, np.ndarray]
) -> Iterator[Comparison]:
    """Yields comparisons of the names of residues, chains and atoms."""
    is_atom = official["token_atoms_layout.atom_name"] != ""
    recorded = {
        column: official[f"token_atoms_layout.{column}"][is_atom]
        for column in ("atom_name", "atom_element", "res_name", "res_id", "chain_id")
    }
    ours = {
        "atom_name": atoms.name,
        "atom_element": atoms.element,
        "res_name": tokens.residue_name[atoms.token],
        "res_id": tokens.residue_id[atoms.token],
        "chain_id": tokens.chain_id[atoms.token],
    }
    for column, values in recorded.items():
        is_number = column == "res_id"
        values, own = (x.astype(int if is_number else str) for x in (values, ours[column]))
        yield compare_equal(f"layout.{column}", own, values)
    for kind in ("protein", "rna", "dna", "ligand"):
        own = np.array([molecule == kind for molecule in tokens.molecule_type])
        yield compare_equal(f"layout.is_{kind}", own, official[f"is_{kind}"].astype(bool))
