"""Disorder of proteins, told from their solvent-accessible surface.

AlphaFold-RSA: Piovesan, Monzon and Tosatto 2022 (doi:10.1002/pro.4466). Areas are those of DSSP
(Kabsch and Sander 1983): its radii, its probe, its 401 points on a sphere.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64, Int64, Shaped
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from af3cli.tokens.types import Atoms, MoleculeType, Tokens

DISORDERED_ABOVE = 0.581
WINDOW = 25
_DECIMALS = 3

# Largest accessible areas in Å² (Rost and Sander 1994, doi:10.1002/prot.340200303)
MAX_ACCESSIBLE_AREA = {
    "ALA": 106.0, "ARG": 248.0, "ASN": 157.0, "ASP": 163.0, "CYS": 135.0,
    "GLN": 198.0, "GLU": 194.0, "GLY": 84.0, "HIS": 184.0, "ILE": 169.0,
    "LEU": 164.0, "LYS": 205.0, "MET": 188.0, "PHE": 197.0, "PRO": 136.0,
    "SER": 130.0, "THR": 142.0, "TRP": 227.0, "TYR": 222.0, "VAL": 142.0,
}  # fmt: skip

# Å; every other atom is a side-chain atom
_BACKBONE_RADII = {"N": 1.65, "CA": 1.87, "C": 1.76, "O": 1.4}
_SIDE_CHAIN_RADIUS = 1.8
_WATER_RADIUS = 1.4
_SPHERE_POINTS = 401
# Å; atoms further apart than the sum of the two largest radii and two probes cover nothing of
# each other.
_REACH = 2 * (max(_BACKBONE_RADII.values()) + _WATER_RADIUS)


def fraction_disordered(
    tokens: Tokens, atoms: Atoms, coordinates: Float32[np.ndarray, "atom 3"]
) -> float:
    """Returns the fraction of protein residues that are disordered; 0 without a protein.

    Coordinates are in Å and finite; they are rounded as in structure files, which the official
    program computes this from. Each chain is taken by itself, and chains of one sequence share
    the values of the first of them. Residues without a whole backbone do not count.
    """
    coordinates = np.round(coordinates.astype(np.float64), _DECIMALS).astype(np.float32)
    atom_chain = tokens.asym_id[atoms.token]
    is_protein = tokens.molecule_type == MoleculeType.PROTEIN
    exposure_of: dict[bytes, np.ndarray] = {}
    exposures = []
    for asym_id in np.unique(tokens.asym_id[is_protein]):
        sequence = _sequence(tokens, asym_id)
        if sequence not in exposure_of:
            rows = np.flatnonzero(atom_chain == asym_id)
            exposure_of[sequence] = _exposure(tokens, atoms, coordinates, rows)
        exposures.append(exposure_of[sequence])
    exposure = np.concatenate([*exposures, np.empty(0)])
    return float(np.mean(exposure > DISORDERED_ABOVE)) if len(exposure) else 0.0


def _sequence(tokens: Tokens, asym_id: int) -> bytes:
    """Returns what is equal in chains of one sequence; modified residues count as their parents."""
    rows = np.flatnonzero(tokens.asym_id == asym_id)
    _, first = np.unique(tokens.residue_id[rows], return_index=True)
    return tokens.residue_type[rows[first]].tobytes()


def _exposure(
    tokens: Tokens,
    atoms: Atoms,
    coordinates: Float32[np.ndarray, "atom 3"],
    rows: Int64[np.ndarray, "chain_atom"],
) -> Float64[np.ndarray, "residue"]:
    """Returns relative accessibility, smoothed along the sequence, of the chain of these atoms."""
    names = atoms.name[rows]
    _, first, residue = np.unique(
        tokens.residue_id[atoms.token[rows]], return_index=True, return_inverse=True
    )
    backbone = np.bincount(residue, weights=np.isin(names, list(_BACKBONE_RADII)))
    whole = backbone == len(_BACKBONE_RADII)
    if not whole.any():
        return np.empty(0)
    kept = whole[residue]
    area = accessible_area(coordinates[rows[kept]], names[kept])
    area = np.floor(np.bincount(residue[kept], weights=area, minlength=len(whole))[whole] + 0.5)
    largest = [
        MAX_ACCESSIBLE_AREA.get(name, MAX_ACCESSIBLE_AREA["ALA"])
        for name in tokens.residue_name[atoms.token[rows[first[whole]]]]
    ]
    padded = np.pad(np.minimum(area / largest, 1.0), WINDOW // 2, mode="reflect")
    return np.convolve(padded, np.full(WINDOW, 1 / WINDOW), mode="valid")


def accessible_area(
    coordinates: Float32[np.ndarray, "atom 3"], names: Shaped[np.ndarray, "atom"]
) -> Float32[np.ndarray, "atom"]:
    """Returns the solvent-accessible area in Å² of each atom of one protein chain, as DSSP does.

    Coordinates are in Å; `names` are the atoms' names.
    """
    radii = np.array([_BACKBONE_RADII.get(name, _SIDE_CHAIN_RADIUS) for name in names])
    area = np.empty(len(coordinates), np.float32)
    for members in _clusters(coordinates):
        area[members] = _cluster_area(coordinates[members], radii[members])
    return area


def _clusters(coordinates: Float32[np.ndarray, "atom 3"]) -> list[Int64[np.ndarray, "member"]]:
    """Returns the atoms of each cluster whose members cover parts of one another.

    The library's memory grows with the volume that all atoms span, so atoms far apart are not
    handed to it together.
    """
    near = cKDTree(coordinates).query_pairs(_REACH, output_type="ndarray")
    num_atoms = len(coordinates)
    graph = coo_array((np.ones(len(near)), near.T), shape=(num_atoms, num_atoms))
    num_clusters, cluster = connected_components(graph, directed=False)
    return np.split(
        np.argsort(cluster, kind="stable"),
        np.cumsum(np.bincount(cluster, minlength=num_clusters))[:-1],
    )


def _cluster_area(
    coordinates: Float32[np.ndarray, "member 3"], radii: Float64[np.ndarray, "member"]
) -> Float32[np.ndarray, "member"]:
    import biotite.structure as structure

    atom_array = structure.AtomArray(len(coordinates))
    atom_array.coord = coordinates - coordinates[0]
    return structure.sasa(
        atom_array,
        probe_radius=_WATER_RADIUS,
        ignore_ions=False,
        point_number=_SPHERE_POINTS,
        point_distr=_fibonacci_sphere,
        vdw_radii=radii,
    )


def _fibonacci_sphere(num_points: int) -> Float64[np.ndarray, "point 3"]:
    """Returns an odd number of points on the unit sphere, symmetric about its equator."""
    step = np.arange(num_points) - num_points // 2
    longitude = step * (4 * np.pi / (1 + np.sqrt(5)))
    height = 2 * step / num_points
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.sin(longitude), radius * np.cos(longitude), height], axis=1)
