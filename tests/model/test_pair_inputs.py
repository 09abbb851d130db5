"""Relative positions, bonds and template features against float64."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from af3cli.features.types import BondFeatures, TemplateFeatures, TokenFeatures
from af3cli.model.config import OFFICIAL, PairStackConfig, TemplateConfig
from af3cli.model.pair_embedding import RelativePositions, contact_matrix, relative_one_hot
from af3cli.model.template import (
    NUM_DISTANCE_BINS,
    TemplateEmbedder,
    distance_bins,
    template_geometry,
    unit_vectors,
)
from tests.model import reference
from tests.model.blocks import pair_block
from tests.model.modules import (
    assert_close,
    exact,
    layers_of,
    norm_of,
    random_array,
    randomised,
)

COLUMNS = ("token_index", "residue_index", "asym_id", "entity_id", "sym_id")


def tokens_with(num_tokens: int, **columns: np.ndarray) -> TokenFeatures:
    zeros = np.zeros(num_tokens, np.int32)
    rest = ("token_index", "residue_index", "residue_type", "asym_id", "entity_id", "sym_id")
    names = (*rest, "ref_space_uid", "atom_start", "atom_count")
    return TokenFeatures(
        mask=np.ones(num_tokens, bool), **{name: columns.get(name, zeros) for name in names}
    )


def test_relative_positions() -> None:
    """Chains of one and of several entities, ligands with many tokens per residue, far residues."""
    sizes = [12, 5, 4, 4, 4, 3, 70]
    asym_id = np.repeat(np.arange(1, 8), sizes)
    num_tokens = len(asym_id)
    columns = {
        "token_index": np.arange(1, num_tokens + 1),
        "residue_index": np.where(asym_id == 1, 7 * np.arange(num_tokens), asym_id % 3),
        "asym_id": asym_id,
        "entity_id": np.array([0, 1, 1, 1, 1, 1, 2, 3])[asym_id],
        "sym_id": np.array([0, 1, 2, 3, 4, 5, 1, 1])[asym_id],
    }
    tokens = tokens_with(num_tokens, **columns)
    rows = [{name: int(columns[name][i]) for name in COLUMNS} for i in range(num_tokens)]
    expected = np.array([[reference.relative_position(i, j, 32, 2) for j in rows] for i in rows])
    np.testing.assert_array_equal(relative_one_hot(tokens, tokens, 32, 2), expected)
    assert expected.any(axis=(0, 1))[66:].all()

    module = randomised(lambda: RelativePositions(replace(OFFICIAL, pair_width=11)))
    assert_close(module(tokens), expected @ exact(module.weight))


@pytest.mark.parametrize("one_way", [True, False])
def test_contacts(one_way: bool) -> None:
    bonds = BondFeatures(
        mask=np.array([True, True, True, False]),
        tokens=np.array([[3, 1], [0, 2], [2, 3], [1, 4]], np.int32),
    )
    contacts = np.asarray(contact_matrix(bonds, 5, one_way))
    expected = np.zeros((5, 5))
    for i, j in [(3, 1), (0, 2), (2, 3)]:
        expected[i, j] = 1
        expected[j, i] = max(expected[j, i], not one_way)
    np.testing.assert_array_equal(contacts, expected)


@pytest.mark.parametrize(
    "distance",
    [
        *(0.0, 3.2, 3.25, 3.2501, 4.4999, 4.5, 4.5001, 20.0, 49.49, 49.51),
        *(50.7499, 50.75, 50.7501, 1234.5, 9999.0, 10000.0, 10001.0, 2e5),
    ],
)
def test_distance_bins_are_open(distance: float) -> None:
    positions = jnp.array([[0.0, 0.0, 0.0], [distance, 0.0, 0.0]])
    ours = int(distance_bins(positions)[0, 1])
    expected = reference.distance_bin(distance)
    assert ours == (NUM_DISTANCE_BINS if expected is None else expected)


def test_distance_bins_of_random_points() -> None:
    positions = random_array(30, 3) * 25
    ours = np.asarray(distance_bins(jnp.float32(positions)))
    for i, first in enumerate(positions):
        for j, second in enumerate(positions):
            expected = reference.distance_bin(float(np.linalg.norm(first - second)))
            assert ours[i, j] == (NUM_DISTANCE_BINS if expected is None else expected)


def test_unit_vectors() -> None:
    backbone = 4 * random_array(6, 3, 3)
    backbone[5, 1] = backbone[4, 1]
    ours = np.asarray(unit_vectors(jnp.float32(backbone)))
    expected = np.array(
        [[reference.unit_vector(frame, other[1]) for other in backbone] for frame in backbone]
    )
    assert_close(ours, expected, 1e-6)
    assert not ours[range(6), range(6)].any() and not ours[4, 5].any()


def test_unit_vectors_do_not_turn_with_the_structure() -> None:
    backbone = 4 * random_array(6, 3, 3)
    rotation = np.linalg.qr(random_array(3, 3))[0]
    rotation *= np.sign(np.linalg.det(rotation))
    ours = unit_vectors(jnp.float32(backbone))
    turned = unit_vectors(jnp.float32(backbone @ rotation + 10))
    np.testing.assert_allclose(ours, turned, atol=2e-6)


def test_unit_vectors_of_missing_atoms_are_finite() -> None:
    assert np.isfinite(unit_vectors(jnp.zeros((3, 3, 3)))).all()


TOKENS, WIDTH, PAIR_WIDTH = 5, 6, 10
STACK = PairStackConfig(
    num_blocks=2,
    triangle_heads=2,
    triangle_head_width=3,
    triangle_multiplication_width=7,
    transition_factor=3,
)


@pytest.mark.parametrize("num_real", [0, 1, 4])
def test_template_embedder(num_real: int) -> None:
    """Algorithm 16 over four templates: real ones, then empty ones, which count."""
    config = replace(OFFICIAL, pair_width=PAIR_WIDTH, template=TemplateConfig(WIDTH, 4, STACK))
    module = randomised(lambda: TemplateEmbedder(config))
    random = np.random.default_rng(num_real)
    chain = np.array([1, 1, 1, 2, 2])
    shape = (4, TOKENS)
    is_real = np.arange(4) < num_real

    def of_real(values: np.ndarray) -> np.ndarray:
        return (values * is_real.reshape(4, *[1] * (values.ndim - 1))).astype(values.dtype)

    templates = TemplateFeatures(
        mask=is_real,
        residue_type=of_real(random.integers(0, 22, shape)),
        pseudo_beta=of_real(random.normal(size=(*shape, 3)) * 8).astype(np.float32),
        pseudo_beta_mask=of_real(random.random(shape) < 0.8),
        backbone=of_real(random.normal(size=(*shape, 3, 3)) * 5).astype(np.float32),
        backbone_mask=of_real(random.random(shape) < 0.8),
    )
    pair = random_array(TOKENS, TOKENS, PAIR_WIDTH)

    weights = np.vstack(
        [exact(module.geometric), exact(module.type_column), exact(module.type_row)]
    )
    query = reference.layer_norm(pair, *norm_of(module.query_norm)) @ exact(module.query.weight)
    total = np.zeros_like(query)
    for t in range(4):
        activations = query + np.array(
            [
                [template_features(templates, t, i, j, chain) @ weights for j in range(TOKENS)]
                for i in range(TOKENS)
            ]
        )
        for block in layers_of(module.stack):
            activations = pair_block(block, activations, range(TOKENS))
        total += reference.layer_norm(activations, *norm_of(module.norm))
    update = reference.relu(total / 4) @ exact(module.contract.weight)

    tokens = tokens_with(TOKENS, asym_id=chain)
    geometry = template_geometry(*jax.tree.map(jnp.asarray, (templates, tokens)), 0)
    ours = module(jnp.float32(pair), geometry, jnp.ones(TOKENS, bool))
    assert_close(ours - pair, update)


def template_features(
    templates: TemplateFeatures, t: int, i: int, j: int, chain: np.ndarray
) -> np.ndarray:
    """The concatenated features of one token pair: bins, mask, direction, mask, residue types."""
    same_chain = chain[i] == chain[j]
    has_beta = same_chain and templates.pseudo_beta_mask[t, [i, j]].all()
    has_backbone = same_chain and templates.backbone_mask[t, [i, j]].all()
    beta, backbone = (x.astype(np.float64)[t] for x in (templates.pseudo_beta, templates.backbone))
    bins, vector = np.zeros(39), np.zeros(3)
    if has_beta:
        index = reference.distance_bin(float(np.linalg.norm(beta[i] - beta[j])))
        bins[[] if index is None else index] = 1
    if has_backbone:
        vector = reference.unit_vector(backbone[i], backbone[j, 1])
    types = [np.eye(31)[templates.residue_type[t, k]] for k in (j, i)]
    return np.concatenate([bins, [has_beta], vector, [has_backbone], *types])
