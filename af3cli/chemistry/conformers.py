"""Reference conformers: one for each residue, from the official program's stream of randomness.

RDKit embeds the component (ETKDGv3; Wang et al. 2020, doi:10.1021/acs.jcim.0c00025). Where it
fails, the ideal coordinates of the dictionary are taken, or, of components that are old enough,
those of a model. Each conformer is then turned and shifted at random.
"""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Float32, Int32

from af3cli.chemistry.component import Component
from af3cli.chemistry.molecules import Molecule, molecule
from af3cli.chemistry.quiet_rdkit import quiet_rdkit
from af3cli.processors import num_processors

EMBEDDING_TIMEOUT = 60
"""Seconds. RDKit can be at one component for many minutes."""

MODEL_COORDINATES_BEFORE = datetime.date(2021, 9, 30)
"""Model coordinates are used of components last modified before this date."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Conformers:
    """Positions (Å, in a random frame of each residue) and formal charges of residues' atoms.

    `start` is the row of each residue's first atom; atoms are in the order of its component.
    """

    start: Int32[np.ndarray, "residue"]
    position: Float32[np.ndarray, "atom 3"]
    charge: Float32[np.ndarray, "atom"]


@dataclass(frozen=True)
class _Draw:
    """The random numbers of one residue; `seed` is absent where there is no molecule to embed."""

    seed: int | None
    axes: Float[np.ndarray, "2 3"]
    translation: Float[np.ndarray, "3"]


def reference_conformers(
    components: Sequence[Component],
    seed: int,
    wanted: Bool[np.ndarray, "residue"] | None = None,
    needs_ideal: bool = True,
) -> Conformers:
    """Returns the conformer of each residue; those that are not `wanted` are all zero.

    RDKit embeds a component if all its ideal coordinates are known; if it `needs_ideal` ones no
    more, it embeds the others as well, and those of models are never taken.

    Every residue takes its numbers from the stream that `seed` starts, wanted or not, so that a
    conformer depends on `seed`, on its component, and on which residues come before it.
    """
    molecules = [molecule(component, needs_ideal=needs_ideal) for component in components]
    draws = _draw(molecules, seed)
    num_atoms = np.array([len(component.atom_name) for component in components])
    start = (np.cumsum(num_atoms) - num_atoms).astype(np.int32)
    position = np.zeros((num_atoms.sum(), 3), np.float32)
    charge = np.zeros(num_atoms.sum(), np.float32)
    embedder = _Embedder(takes_models=needs_ideal)

    def conform(residue: int) -> None:
        rows = slice(start[residue], start[residue] + num_atoms[residue])
        position[rows], charge[rows] = embedder.conformer(
            components[residue], molecules[residue], draws[residue]
        )

    from rdkit.rdBase import BlockLogs

    # Embeddings at once leave RDKit's switches for messages anyhow; this sets them back.
    with BlockLogs(), ThreadPoolExecutor(num_processors()) as pool:
        residues = range(len(components)) if wanted is None else np.flatnonzero(wanted)
        for _ in pool.map(conform, residues):
            pass  # raises what the thread raised
    return Conformers(start, position, charge)


def _draw(molecules: Sequence[Molecule | None], seed: int) -> list[_Draw]:
    random = np.random.RandomState(seed)
    return [
        _Draw(
            seed=None if molecule is None else int(random.randint(1, 1 << 31)),
            axes=random.normal(size=(2, 3)),
            translation=random.normal(size=3),
        )
        for molecule in molecules
    ]


class _Embedder:
    """Makes conformers; a component that once took too long is not tried again."""

    def __init__(self, takes_models: bool) -> None:
        self._takes_models = takes_models
        self._too_slow: set[Component] = set()

    def conformer(
        self, component: Component, molecule: Molecule | None, draw: _Draw
    ) -> tuple[Float32[np.ndarray, "atom 3"], Float32[np.ndarray, "atom"]]:
        """Returns positions and charges."""
        position, charge = None, np.nan_to_num(component.charge)
        if molecule is not None and component not in self._too_slow:
            start = time.monotonic()
            position = _embed(molecule, draw.seed, EMBEDDING_TIMEOUT)
            if position is not None:
                charge = molecule.charge
            elif time.monotonic() - start > EMBEDDING_TIMEOUT:
                self._too_slow.add(component)
        if position is None:
            position, kind = _dictionary_positions(component, self._takes_models)
            _warn_once(component.code, kind)
        return _augment(position, draw), charge


@lru_cache(maxsize=1024)
def _warn_once(code: str, kind: str) -> None:
    _logger.warning(
        "component %s: RDKit makes no conformer of it; it has %s coordinates instead", code, kind
    )


@lru_cache(maxsize=16384)
def _embed(molecule: Molecule, seed: int, timeout: int) -> Float32[np.ndarray, "atom 3"] | None:
    """Returns positions in the component's order, `None` if RDKit finds none in time."""
    from rdkit.Chem import Mol
    from rdkit.Chem.rdDistGeom import EmbedMolecule, ETKDGv3

    parameters = ETKDGv3()
    parameters.randomSeed = seed
    parameters.timeout = timeout
    mol = Mol(molecule.mol)
    try:
        with quiet_rdkit():
            conformer = mol.GetConformer(EmbedMolecule(mol, parameters))
    except (ValueError, RuntimeError):  # there is none
        return None
    position = np.empty((mol.GetNumAtoms(), 3), np.float32)
    position[molecule.component_row] = conformer.GetPositions()
    return position


def _dictionary_positions(
    component: Component, takes_models: bool
) -> tuple[Float32[np.ndarray, "atom 3"], str]:
    """Returns the positions that the dictionary has, zero where it has none, and their kind."""
    position, kind = component.ideal_position, "ideal"
    is_old = component.modified is not None and component.modified < MODEL_COORDINATES_BEFORE
    if takes_models and is_old and np.isnan(position).any():
        position, kind = component.model_position, "model"
    if np.isnan(position).all():
        kind = "no"
    return np.nan_to_num(position), kind


def _augment(position: Float32[np.ndarray, "atom 3"], draw: _Draw) -> Float32[np.ndarray, "atom 3"]:
    """Returns the positions centred, turned, and shifted."""
    first, second = draw.axes
    first = first / max(1e-10, np.linalg.norm(first))
    second = second - first * np.dot(second, first)
    second = second / max(1e-10, np.linalg.norm(second))
    rotation = np.stack([first, second, np.cross(first, second)])
    centred = position - position.mean(axis=0)
    return (centred @ rotation.T + draw.translation).astype(np.float32)
