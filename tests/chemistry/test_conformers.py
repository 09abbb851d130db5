"""Molecules and reference conformers against RDKit, and what is taken where RDKit fails."""

from __future__ import annotations

import datetime
import logging
import time
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from rdkit import Chem, rdBase

from af3cli.chemistry import (
    Component,
    ComponentDictionary,
    conformers,
    molecule,
    one_letter,
    open_dictionary,
    reference_conformers,
)
from af3cli.chemistry.quiet_rdkit import quiet_rdkit
from af3cli.chemistry.smiles import component_from_smiles
from af3cli.errors import InputError

FULLERENE = (
    "C12=C3C4=C5C6=C1C7=C8C9=C1C%10=C%11C(=C29)C3=C2C3=C4C4=C5C5=C9C6=C7C6=C7C8=C1C1=C8C%10="
    "C%10C%11=C2C2=C3C3=C4C4=C5C5=C%11C%12=C(C6=C95)C7=C1C1=C%12C5=C%11C4=C3C3=C5C(=C81)C%10=C23"
)


@pytest.fixture(scope="module")
def components() -> ComponentDictionary:
    return open_dictionary()


@pytest.fixture(scope="module")
def serine(components: ComponentDictionary) -> Component:
    return components.get("SER")


def distances(position: np.ndarray) -> np.ndarray:
    return np.array([np.linalg.norm(a - b) for a, b in combinations(position, 2)])


@pytest.mark.parametrize(
    ("code", "smiles"),
    [
        ("SER", "N[C@@H](CO)C(=O)O"),
        ("DAL", "C[C@@H](N)C(=O)O"),
        ("BTN", "O=C1N[C@@H]2[C@@H](SC[C@@H]2N1)CCCCC(=O)O"),
    ],
)
def test_molecules_have_the_stereochemistry_of_the_dictionary(
    components: ComponentDictionary, code: str, smiles: str
) -> None:
    mol = molecule(components.get(code)).mol
    assert Chem.MolToSmiles(Chem.RemoveHs(mol)) == Chem.CanonSmiles(smiles)


def test_atoms_of_molecules_are_in_the_order_of_their_names(serine: Component) -> None:
    made = molecule(serine)
    names = serine.atom_name[made.component_row].tolist()
    assert names == sorted(serine.atom_name)
    numbers = [atom.GetAtomicNum() for atom in made.mol.GetAtoms()]
    table = Chem.GetPeriodicTable()
    assert numbers == [table.GetAtomicNumber(serine.element[row]) for row in made.component_row]


def test_there_is_no_molecule_of_what_is_not_known_or_not_possible(serine: Component) -> None:
    def without(name: str) -> Component:
        array = getattr(serine, name).copy()
        array[0] = 0 if name == "bond_order" else np.nan
        return replace(serine, **{name: array})

    for name in ("ideal_position", "charge", "bond_order"):
        assert molecule(without(name)) is None
    assert molecule(replace(serine, element=np.full(len(serine.element), "QQ", object))) is None
    assert molecule(replace(serine, bond_order=np.full_like(serine.bond_order, 3))) is None


def test_charges_are_those_after_sanitisation() -> None:
    component = component_from_smiles("LIG_A", "CN(=O)=O")
    found = reference_conformers([component], 1)
    np.testing.assert_array_equal(found.charge[:4], [0, 1, -1, 0])


def test_conformers_are_right_molecules_at_random_places(serine: Component) -> None:
    found = reference_conformers([serine] * 3, 1)
    each = [found.position[start : start + len(serine.atom_name)] for start in found.start]
    bonded = tuple(serine.bond_atoms.T)
    for position in each:
        lengths = np.linalg.norm(position[bonded[0]] - position[bonded[1]], axis=1)
        ideal = serine.ideal_position[bonded[0]] - serine.ideal_position[bonded[1]]
        np.testing.assert_allclose(lengths, np.linalg.norm(ideal, axis=1), atol=0.1)
    assert np.abs(each[0] - each[1]).max() > 0.1
    again = reference_conformers([serine] * 3, 1)
    np.testing.assert_array_equal(found.position, again.position)
    other = reference_conformers([serine] * 3, 2)
    assert np.abs(found.position - other.position).max() > 0.1


def test_unwanted_residues_take_their_numbers_from_the_stream(
    components: ComponentDictionary,
) -> None:
    residues = [components.get(code) for code in ("GLY", "SF4", "MG", "ALA")]
    everything = reference_conformers(residues, 5)
    wanted = np.array([False, True, False, True])
    some = reference_conformers(residues, 5, wanted)
    rows = np.repeat(wanted, [len(residue.atom_name) for residue in residues])
    np.testing.assert_array_equal(some.position[rows], everything.position[rows])
    assert not some.position[~rows].any()


@pytest.mark.parametrize(
    ("modified", "kind"),
    [("2021-09-29", "model"), ("2021-09-30", "ideal"), (None, "ideal")],
)
def test_dictionary_coordinates_where_rdkit_fails(
    serine: Component, modified: str | None, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    ideal = serine.ideal_position.copy()
    ideal[3] = np.nan
    component = replace(
        serine,
        ideal_position=ideal,
        modified=modified and datetime.date.fromisoformat(modified),
    )
    conformers._warn_once.cache_clear()
    found = reference_conformers([component], 1).position
    expected = {"model": serine.model_position, "ideal": np.nan_to_num(ideal)}[kind]
    np.testing.assert_allclose(distances(found), distances(expected), atol=1e-4)
    assert f"SER: RDKit makes no conformer of it; it has {kind} coordinates" in caplog.text


def test_a_molecule_that_takes_too_long_is_tried_once(
    components: ComponentDictionary, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def slow(molecule: object, seed: int, timeout: float) -> None:
        tries.append(seed)
        time.sleep(1.1 * timeout)

    monkeypatch.setattr(conformers, "_embed", slow)
    monkeypatch.setattr(conformers, "EMBEDDING_TIMEOUT", 0.01)
    monkeypatch.setattr(conformers, "num_processors", lambda: 1)
    serine = components.get("SER")
    found = reference_conformers([serine] * 3, 1)
    assert len(tries) == 1
    np.testing.assert_allclose(
        distances(found.position[:10]), distances(serine.ideal_position[:10]), atol=1e-4
    )


def test_rdkit_gives_up_in_time() -> None:
    fullerene = molecule(component_from_smiles("LIG_A", FULLERENE))
    start = time.monotonic()
    assert conformers._embed(fullerene, 7, 1) is None
    assert time.monotonic() - start < 20


def test_rdkit_is_silent_in_every_thread(
    components: ComponentDictionary, capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Embeddings at once switch RDKit's messages on; of magnesium there would be two each time."""
    monkeypatch.setattr(conformers, "num_processors", lambda: 4)
    codes = ("GLY", "ALA", "MG", "GLY", "ALA", "MG", "GLY", "ALA")
    residues = [components.get(code) for code in codes]
    for seed in range(1, 80):
        reference_conformers(residues, seed)
    with pytest.raises(InputError, match="RDKit cannot make a molecule"):
        component_from_smiles("LIG_A", "C(C")
    assert "".join(capfd.readouterr()) == ""


def test_rdkit_speaks_where_others_call_it(caplog: pytest.LogCaptureFixture) -> None:
    with quiet_rdkit():
        pass
    rdBase.EnableLog("rdApp.error")  # embeddings at once, of other tests, may have left it off
    logger = logging.getLogger("rdkit")
    logger.addHandler(caplog.handler)
    try:
        assert Chem.MolFromSmiles("C(C") is None
    finally:
        logger.removeHandler(caplog.handler)
    assert "SMILES Parse Error" in caplog.text


def test_one_letter_codes() -> None:
    codes = ("ALA", "SEP", "MSE", "DA", "PSU", "DAL", "UNK", "ATP")
    assert "".join(map(one_letter, codes)) == "ASMAUAXX"
