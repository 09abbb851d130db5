"""One odd job against the official program: what the golden cases have none of.

`expected.npz` is the official program's featurisation (v3.0.4, RDKit 2025.9.4, components of
biotite 2.0.0) of clusters and ions without an RDKit molecule, linear molecules, a molecule whose
charges RDKit moves, unknown and D-residues, an amino acid as a ligand, sugars (a user's own, and
one whose first atom is O1), a changed parent, odd bonds, a chain that is left out, and the largest
seed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from af3cli.chemistry import ComponentDictionary, open_dictionary
from af3cli.features.bonds import bond_features
from af3cli.features.frames import frame_features
from af3cli.features.reference import atom_features
from af3cli.job import Job, Ligand, read_job
from af3cli.tokens import tokenize
from tests.features.releases import same_releases

CASE = Path(__file__).parents[1] / "data" / "rules"


@pytest.fixture(scope="module")
def components() -> ComponentDictionary:
    return open_dictionary()


def assert_same(ours: object, expected: np.lib.npyio.NpzFile, names: tuple[str, ...]) -> None:
    for name in names:
        np.testing.assert_array_equal(getattr(ours, name), expected[name], err_msg=name)


@same_releases
def test_tokens_and_bonds(components: ComponentDictionary) -> None:
    job = read_job(CASE / "job.json")
    tokens, atoms = tokenize(job, components)
    bonds = bond_features(job, tokens, atoms, components.for_job(job))
    with np.load(CASE / "expected.npz") as expected:
        names = "chain_id", "residue_name", "residue_id", "residue_type", "entity_id", "sym_id"
        assert_same(tokens, expected, names)
        np.testing.assert_array_equal(atoms.name, expected["atom_name"])
        np.testing.assert_array_equal(atoms.token, expected["atom_token"])
        np.testing.assert_array_equal(bonds.tokens, expected["bonds"])


@same_releases
def test_reference_and_frames(components: ComponentDictionary) -> None:
    job = read_job(CASE / "job.json")
    tokens, atoms = tokenize(job, components)
    own = components.for_job(job)
    reference = atom_features(tokens, atoms, own, job.seeds[0])
    frames = frame_features(tokens, atoms, own)
    with np.load(CASE / "expected.npz") as expected:
        assert_same(reference, expected, ("ref_mask", "element", "charge", "name_chars"))
        np.testing.assert_allclose(
            reference.ref_position, expected["ref_position"], rtol=0, atol=1e-5
        )
        assert_same(frames, expected, ("pseudo_beta_atom", "has_frame"))


@same_releases
@pytest.mark.parametrize(("code", "without_frame"), [("EE8", [11, 13]), ("TJ8", []), ("YW9", [10])])
def test_frames_have_a_seed_of_their_own(
    components: ComponentDictionary, code: str, without_frame: list[int]
) -> None:
    """The official program's answer for components where another seed gives another answer."""
    job = Job("test", (1,), (Ligand(("A",), (code,)),))
    frames = frame_features(*tokenize(job, components), components.for_job(job))
    assert np.flatnonzero(~frames.has_frame).tolist() == without_frame
