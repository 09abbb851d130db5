"""A small real entry to write: two residues and a ligand, with arrays of realistic size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from af3cli.output.embeddings_format import EntryHeader, FileHeader
from af3cli.search.chain_inputs import ChainInputs

NUM_TOKENS = 70  # more than one chunk


@pytest.fixture
def file_header() -> FileHeader:
    return FileHeader(
        weights_name="alphafold3",
        weights_family="alphafold3",
        weights_checkpoint="af3.bin.zst",
        weights_sha256="ab" * 32,
        weights_cutoff="2021-09-30",
        weights_licence="non-commercial",
        num_recycles=10,
        precision="float32",
    )


@pytest.fixture
def entry() -> EntryHeader:
    return EntryHeader(
        name="2PV7",
        job_name="2PV7",
        seed=1,
        num_tokens=NUM_TOKENS,
        input_sha256="cd" * 32,
        dtype="float16",
        include=("single", "pair"),
        ccd_source="biotite 2.0.0",
        ccd_date="2026-10-09",
        ccd_sha256="ef" * 32,
        rdkit_version="2025.9.4",
        chains=ChainInputs(
            chain_id=("A", "B"),
            unpaired_msa_depth=(23, 0),
            paired_msa_depth=(0, 0),
            num_templates=(1, 0),
            msa_source=("searched: uniref90 (uniref90.fa)", ""),
            template_source=("given", ""),
        ),
    )


@pytest.fixture
def tokens() -> np.ndarray:
    """Chain A has 60 residues, chain B is a ligand of ten atoms with odd names."""
    is_ligand = np.arange(NUM_TOKENS) >= 60
    columns = {
        "chain_id": np.where(is_ligand, "B", "A").astype(object),
        "asym_id": 1 + is_ligand.astype(np.int32),
        "entity_id": 1 + is_ligand.astype(np.int32),
        "sym_id": np.ones(NUM_TOKENS, np.int32),
        "molecule_type": np.where(is_ligand, "ligand", "protein").astype(object),
        "residue_id": np.where(is_ligand, 1, np.arange(NUM_TOKENS) + 1).astype(np.int32),
        "residue_name": np.where(is_ligand, "LIG_B", "ALA").astype(object),
        "atom_name": np.array([f"C{i}'β" if i >= 60 else "" for i in range(NUM_TOKENS)], object),
        "is_modified": np.zeros(NUM_TOKENS, bool),
    }
    table = np.empty(NUM_TOKENS, [(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        table[name] = column
    return table


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    return random_arrays(0)


def random_arrays(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = {
        "single": (NUM_TOKENS, 384),
        "pair": (NUM_TOKENS, NUM_TOKENS, 128),
        "target_feat": (NUM_TOKENS, 447),
    }
    return {name: 30 * rng.standard_normal(s, dtype=np.float32) for name, s in shapes.items()}


def named(entry: EntryHeader, name: str) -> EntryHeader:
    return replace(entry, name=name, job_name=name)
