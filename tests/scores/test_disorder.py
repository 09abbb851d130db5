"""Accessible areas and disorder against mkdssp.

`1cbs_with_loose_tail.npz` is the protein of PDB entry 1CBS, residues after 97 moved 9 Å apart from
one another along x and residue 60 renamed SEP, with the areas that mkdssp 4.2.2 printed for it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from af3cli.scores.disorder import MAX_ACCESSIBLE_AREA, accessible_area, fraction_disordered
from af3cli.tokens.types import Atoms, MoleculeType, Tokens

FILE = Path(__file__).parents[1] / "data" / "accessible_area" / "1cbs_with_loose_tail.npz"


@pytest.fixture(scope="module")
def protein() -> dict[str, np.ndarray]:
    with np.load(FILE) as arrays:
        return dict(arrays)


def tables(protein: dict[str, np.ndarray], chains: int = 1) -> tuple[Tokens, Atoms]:
    """Returns tables of `chains` copies of the protein, one token per residue."""
    residues, first, counts = np.unique(
        protein["residue_id"], return_index=True, return_counts=True
    )
    size = len(residues)
    zeros = np.zeros(size * chains, np.int32)
    counts = np.tile(counts, chains)
    asym_id = np.repeat(np.arange(1, chains + 1), size).astype(np.int32)
    names = np.tile(protein["residue_name"][first], chains).astype(object)
    tokens = Tokens(
        chain_id=np.array([chr(64 + i) for i in asym_id], dtype=object),
        asym_id=asym_id,
        entity_id=zeros + 1,
        sym_id=asym_id,
        molecule_type=np.full(size * chains, MoleculeType.PROTEIN, dtype=object),
        residue_id=np.tile(residues, chains).astype(np.int32),
        residue_name=names,
        atom_name=np.full(size * chains, "", dtype=object),
        is_modified=zeros > 0,
        residue_type=np.unique(names.astype(str), return_inverse=True)[1].astype(np.int32),
        ref_space_uid=np.arange(size * chains, dtype=np.int32),
        atom_start=(np.cumsum(counts) - counts).astype(np.int32),
        atom_count=counts.astype(np.int32),
        representative_atom=zeros,
    )
    atom_names = np.tile(protein["atom_name"], chains).astype(object)
    atoms = Atoms(
        token=np.repeat(np.arange(size * chains), counts).astype(np.int32),
        slot=np.zeros(len(atom_names), np.int32),
        name=atom_names,
        element=np.array([name[0] for name in atom_names], dtype=object),
    )
    return tokens, atoms


def expected_fraction(protein: dict[str, np.ndarray]) -> float:
    """The windowed mean of DSSP's areas, written out residue by residue."""
    first = np.unique(protein["residue_id"], return_index=True)[1]
    largest = [MAX_ACCESSIBLE_AREA.get(name, 106.0) for name in protein["residue_name"][first]]
    relative = [min(a / m, 1.0) for a, m in zip(protein["dssp_area"], largest, strict=True)]
    last = len(relative) - 1
    disordered = 0
    for centre in range(len(relative)):
        window = []
        for index in range(centre - 12, centre + 13):
            mirrored = abs(index) if index <= last else 2 * last - index
            window.append(relative[mirrored])
        disordered += sum(window) / 25 > 0.581
    return disordered / len(relative)


def test_areas_are_those_of_dssp(protein):
    area = accessible_area(protein["coordinates"], protein["atom_name"].astype(object))
    by_residue = np.bincount(protein["residue_id"] - 1, weights=area)
    assert np.array_equal(np.floor(by_residue + 0.5), protein["dssp_area"])


def test_fraction_is_that_of_dssps_areas(protein):
    expected = expected_fraction(protein)
    assert 0.2 < expected < 0.5
    assert fraction_disordered(*tables(protein), protein["coordinates"]) == pytest.approx(expected)


def test_coordinates_count_as_they_are_written(protein):
    """At the edge of an area that is rounded, a digit that no file has must not decide."""
    beyond = protein["coordinates"] + np.float32(4e-4) * np.sign(protein["coordinates"])
    written = np.array([[f"{x:.3f}" for x in row] for row in protein["coordinates"]], np.float32)
    assert (np.abs(beyond - written).max() < 5e-4) and not np.array_equal(beyond, written)
    expected = fraction_disordered(*tables(protein), protein["coordinates"])
    assert fraction_disordered(*tables(protein), beyond) == expected


def test_chains_do_not_cover_one_another_and_equal_ones_share_values(protein):
    once = fraction_disordered(*tables(protein), protein["coordinates"])
    scrambled = np.random.default_rng(0).normal(size=protein["coordinates"].shape) * 50
    coordinates = np.concatenate([protein["coordinates"], scrambled]).astype(np.float32)
    assert fraction_disordered(*tables(protein, chains=2), coordinates) == pytest.approx(once)


def test_residues_without_backbone_do_not_count(protein):
    tokens, atoms = tables(protein)
    capless = atoms.name.copy()
    capless[(tokens.residue_id[atoms.token] == 60) & (capless == "O")] = "OP"
    changed = Atoms(atoms.token, atoms.slot, capless, atoms.element)
    whole = fraction_disordered(tokens, atoms, protein["coordinates"])
    fraction = fraction_disordered(tokens, changed, protein["coordinates"])
    assert fraction * 136 == pytest.approx(round(fraction * 136))
    assert abs(fraction - whole) < 0.02


def test_nothing_is_disordered_without_protein(protein):
    tokens, atoms = tables(protein)
    tokens.molecule_type[:] = MoleculeType.RNA
    assert fraction_disordered(tokens, atoms, protein["coordinates"]) == 0.0


def test_atoms_far_apart_are_measured_by_themselves(protein: dict[str, np.ndarray]) -> None:
    """Half of the chain is tens of thousands of Å away: a box around all takes no memory."""
    coordinates = (np.round(protein["coordinates"] * 64) / 64).astype(np.float32)
    names = protein["atom_name"].astype(object)
    half = len(names) // 2
    apart = coordinates.copy()
    apart[half:] += np.float32(2**15)
    expected = [accessible_area(part, of) for part, of in (
        (coordinates[:half], names[:half]), (coordinates[half:], names[half:])
    )]  # fmt: skip
    np.testing.assert_allclose(accessible_area(apart, names), np.concatenate(expected), atol=1e-3)
