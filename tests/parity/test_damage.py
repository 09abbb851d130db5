"""The comparisons see small damage: in the network, in what it is fed, and in the job."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner
from flax import nnx

from af3cli.features.types import Features
from af3cli.inference.heads import Heads
from af3cli.inference.trunk import TrunkModel
from af3cli.model.trunk import Trunk
from af3cli.weights.load import Weights
from tests.official import GOLDEN_CASES
from tests.parity import __main__ as command
from tests.parity.case import Case
from tests.parity.trunk import compare_trunk

CASES = {folder.name: folder for folder in GOLDEN_CASES}
ALL_PASSES = {"trunk0.single", "trunk0.pair", "trunk1.single", "trunk1.pair"}


def outside(comparisons) -> set[str]:
    """The names of the arrays that are out of bounds."""
    return {comparison.name for comparison in comparisons if not comparison.is_within}


def trunk_outside(model: TrunkModel, name: str, features: Features | None = None) -> set[str]:
    """What is out of bounds of a case's trunk arrays, with other features than the official."""
    case = Case(CASES[name])
    recorded = case.network_arrays("reduced")
    recorded = {key: array for key, array in recorded.items() if "_after_" not in key}
    features = features or case.official_features
    return outside(compare_trunk(model, features, recorded, case.job.seeds[0]))


def with_transposed(parameters: nnx.State, *path: str | int) -> nnx.State:
    """Parameters of which one square weight, of the first layer if it is of a stack, is turned."""

    def turned(weight: jnp.ndarray) -> jnp.ndarray:
        first = weight if weight.ndim == 2 else weight[0]
        assert first.shape[0] == first.shape[1]
        return first.T if weight.ndim == 2 else weight.at[0].set(first.T)

    flat = dict(nnx.to_flat_state(parameters))
    flat[path] = flat[path].replace(turned(flat[path][...]))
    return nnx.from_flat_state(list(flat.items()))


def with_programs(compiled: TrunkModel, model: TrunkModel, *but: str) -> TrunkModel:
    """`model` with the programs that another has compiled, but for those named."""
    for name in {"inputs", "embed_msa", "run_pass"} - {*but}:
        vars(model)[name] = getattr(compiled, name)
    return model


@pytest.mark.parametrize("name", ["covalent_ligand", "deep_msa", "template_5y2e"])
def test_without_damage_all_is_within_bounds(reduced_model: TrunkModel, name: str) -> None:
    assert not trunk_outside(reduced_model, name)


@pytest.mark.parametrize(
    "path",
    [
        ("atom_encoder", "pair_mlp", "second", "weight"),
        ("atom_encoder", "transformer", "stack", "blocks", "gate", "weight"),
        ("previous_single", "weight"),
        ("msa_stack", "stack", "blocks", "pair", "attend_ending", "contract", "weight"),
        ("template_embedder", "stack", "blocks", "multiply_incoming", "contract", "weight"),
        ("pairformer", "stack", "blocks", "attention", "query", "weight"),
    ],
    ids=".".join,
)
def test_one_transposed_weight(reduced_model: TrunkModel, path: tuple[str, ...]) -> None:
    parameters = with_transposed(reduced_model.parameters, *path)
    damaged = with_programs(reduced_model, replace(reduced_model, parameters=parameters))
    assert "trunk1.single" in trunk_outside(damaged, "deep_msa")


def test_a_transposed_weight_of_the_denoiser(
    reduced_model: TrunkModel, reduced_heads: Heads
) -> None:
    head = reduced_heads.diffusion
    path = ("transformer", "stack", "blocks", 0, "query", "weight")
    parameters = with_transposed(head.parameters, *path)
    damaged = replace(reduced_heads, diffusion=replace(head, parameters=parameters))
    names = outside(Case(CASES["deep_msa"]).compare_heads(reduced_model, damaged, "reduced"))
    assert len(names) == 3 and all(name.startswith("diff") for name in names)


@pytest.mark.parametrize(
    ("case", "quirk"),
    [
        ("deep_msa", "key_space_uid_quirk"),
        ("deep_msa", "empty_atom_keys_quirk"),
        ("covalent_ligand", "one_way_bonds_quirk"),
    ],
)
def test_an_official_accident_left_out(reduced_model: TrunkModel, case: str, quirk: str) -> None:
    config = replace(reduced_model.config, **{quirk: False})
    graph = nnx.graphdef(Trunk(config))
    corrected = with_programs(reduced_model, replace(reduced_model, graph=graph), "inputs")
    assert trunk_outside(corrected, case) >= ALL_PASSES


def drop_bond(features: Features) -> Features:
    """Without the bond between polymer and ligand; another takes its place."""
    tokens = features.bonds.tokens.copy()
    tokens[0] = tokens[1]
    return replace(features, bonds=replace(features.bonds, tokens=tokens))


def shift_residue_index(features: Features) -> Features:
    index = features.tokens.residue_index.copy()
    index[5] += 1
    return replace(features, tokens=replace(features.tokens, residue_index=index))


def change_msa_letter(features: Features) -> Features:
    rows = features.msa.rows.copy()
    rows[4, 20] = 0 if rows[4, 20] else 1
    return replace(features, msa=replace(features.msa, rows=rows))


def move_template_atom(features: Features) -> Features:
    backbone = features.templates.backbone.copy()
    backbone[0, 12, 1, 0] += 0.1
    return replace(features, templates=replace(features.templates, backbone=backbone))


def raise_charge(features: Features) -> Features:
    charge = features.atoms.charge.copy()
    charge[-1] += 1
    return replace(features, atoms=replace(features.atoms, charge=charge))


@pytest.mark.parametrize(
    ("case", "damage"),
    [
        ("covalent_ligand", drop_bond),
        ("deep_msa", shift_residue_index),
        ("deep_msa", raise_charge),
        ("template_5y2e", change_msa_letter),
        ("template_5y2e", move_template_atom),
    ],
)
def test_one_wrong_input(
    reduced_model: TrunkModel, case: str, damage: Callable[[Features], Features]
) -> None:
    names = trunk_outside(reduced_model, case, damage(Case(CASES[case]).official_features))
    assert names >= {"trunk0.pair", "trunk1.pair"}


def without_bond(job: dict) -> None:
    del job["bondedAtomPairs"]


def with_another_residue(job: dict) -> None:
    protein = job["sequences"][0]["protein"]
    protein["sequence"] = "W" + protein["sequence"][1:]


@pytest.mark.parametrize(
    ("damage", "array"),
    [(None, None), (without_bond, "bonds.tokens"), (with_another_residue, "tokens.residue_type")],
)
def test_the_command_fails_for_a_damaged_job(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reduced_weights: Weights,
    reduced_model: TrunkModel,
    damage: Callable[[dict], None] | None,
    array: str | None,
) -> None:
    monkeypatch.setattr(command, "load_weights", lambda name: reduced_weights)
    monkeypatch.setattr(command, "load_model", lambda weights, precision: reduced_model)
    monkeypatch.setattr(command, "load_heads", lambda weights, precision: None)
    folder = tmp_path / "case"
    shutil.copytree(CASES["covalent_ligand"], folder, ignore=shutil.ignore_patterns("run"))
    job = json.loads((folder / "job.json").read_text())
    if damage:
        damage(job)
    (folder / "job.json").write_text(json.dumps(job))

    result = CliRunner().invoke(command.main, [str(folder), "--parameters", "reduced"])

    assert result.exit_code == (1 if damage else 0), result.output
    bad_lines = [line for line in result.output.splitlines() if "OUT OF BOUNDS" in line]
    assert (array in "".join(bad_lines)) if damage else not bad_lines
    assert np.isin("trunk1.pair", result.output.split())
