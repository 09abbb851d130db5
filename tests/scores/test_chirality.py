"""Chirality of ligands whose reference conformers, and their mirror images, are the prediction."""

from __future__ import annotations

import numpy as np
import pytest

from af3cli.chemistry import open_dictionary
from af3cli.job import Job, Ligand, read_job
from af3cli.scores import compare_chirality
from af3cli.tokens import tokenize
from tests.official_runs import DATA, OfficialRun


@pytest.fixture(scope="module")
def dictionary():
    return open_dictionary()


def reference_positions(run: OfficialRun) -> np.ndarray:
    """The official reference conformers: mirror images of nothing."""
    return run.features["ref_pos"][run.features["pred_dense_atom_mask"].astype(bool)]


@pytest.mark.parametrize(
    ("case", "expected", "mirrored"),
    [
        ("ptm_nad_mg", {"B": True, "C": True}, {"B": False, "C": True}),
        ("smiles_ligand", {"B": True}, {"B": False}),
        ("covalent_ligand", {"B": True}, {"B": False}),
        ("user_ccd", {"B": True}, {"B": True}),  # no chiral centre
        ("glycan", {}, {}),  # several residues are not compared
    ],
)
def test_mirror_images_do_not_match(case, expected, mirrored, dictionary):
    run = OfficialRun(case)
    components = dictionary.for_job(read_job(DATA / case / "job.json"))
    positions = reference_positions(run)
    assert compare_chirality(*run.tables, positions, components) == expected
    image = positions * np.float32([1, 1, -1])
    assert compare_chirality(*run.tables, image, components) == mirrored


def test_one_wrong_centre_is_enough(dictionary):
    run = OfficialRun("smiles_ligand")
    components = dictionary.for_job(read_job(DATA / "smiles_ligand" / "job.json"))
    tokens, atoms = run.tables
    positions = reference_positions(run).copy()
    # The side chain and the ring's next atom change places at the centre that bears the chain.
    first, second = (
        np.flatnonzero((tokens.chain_id[atoms.token] == "B") & (atoms.name == name))[0]
        for name in ("C5", "S1")
    )
    positions[[first, second]] = positions[[second, first]]
    assert compare_chirality(tokens, atoms, positions, components) == {"B": False}


def test_atoms_without_a_place_are_not_compared(dictionary):
    run = OfficialRun("smiles_ligand")
    components = dictionary.for_job(read_job(DATA / "smiles_ligand" / "job.json"))
    positions = reference_positions(run)
    positions[-1] = np.nan
    assert compare_chirality(*run.tables, positions, components) == {}


def test_rdkit_is_silent(dictionary, caplog, capfd):
    """It warns of a hydrogen that it leaves at an atom of another geometry than a tetrahedron."""
    job = Job("iridium", (1,), (Ligand(("A",), ccd_codes=("4KP",)),))
    tokens, atoms = tokenize(job, dictionary)
    compare_chirality(tokens, atoms, np.zeros((len(atoms), 3), np.float32), dictionary)
    assert (caplog.text, *capfd.readouterr()) == ("", "", "")
