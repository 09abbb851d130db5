"""A small job for `af3 predict`, and what a run leaves of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import gemmi
import numpy as np
from click.testing import Result

Predict = Callable[..., Result]
NAME = "mini_job"
PROTEIN = {"id": "A", "sequence": "ACDEFG", "unpairedMsa": "", "pairedMsa": "", "templates": []}
LACTATE = {"id": "B", "smiles": "C[C@H](O)C(=O)O"}


def settings(weights: Path) -> tuple[object, ...]:
    few = ("--recycles", 0, "--steps", 3, "--samples-at-once", 1)
    return ("--weights", weights, *few, "--buckets", 12)


def write_job(folder: Path, seeds: list[int], *ligands: dict, **fields: object) -> Path:
    """Writes a job of six residues and a ligand."""
    entities = [{"protein": PROTEIN}, *({"ligand": ligand} for ligand in ligands or (LACTATE,))]
    content = {
        **{"name": "mini job", "modelSeeds": seeds, "sequences": entities},
        **{"dialect": "alphafold3", "version": 3},
    }
    path = folder / "job.json"
    path.write_text(json.dumps(content | fields))
    return path


def sample_file(folder: Path, seed: int, sample: int, ending: str) -> Path:
    stem = f"seed-{seed}_sample-{sample}"
    return folder / NAME / stem / f"{NAME}_{stem}_{ending}"


def coordinates(folder: Path, seed: int, sample: int) -> np.ndarray:
    structure = gemmi.read_structure(str(sample_file(folder, seed, sample, "model.cif")))
    return np.array([cra.atom.pos.tolist() for cra in structure[0].all()])


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(".lock")
    }
