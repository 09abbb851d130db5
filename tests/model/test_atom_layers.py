"""Windowed atom attention against float64: windows inside, over an end, and longer than all atoms.

Windows are of 4 queries and 12 keys, so that few atoms show every kind.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from af3cli.features.types import AtomFeatures, TokenFeatures
from af3cli.model.atom_encoder import AtomConditioning, AtomPairMlp, mean_over_atoms
from af3cli.model.atom_transformer import AtomTransformer, attended_keys, key_windows
from af3cli.model.config import OFFICIAL, AtomTransformerConfig
from tests.model import reference
from tests.model.modules import (
    assert_close,
    columns,
    exact,
    heads,
    layers_of,
    random_array,
    randomised,
)
from tests.model.test_conditioned_layers import norm_parameters, transition_parameters

QUERIES, KEYS = 4, 12
WINDOWS = AtomTransformerConfig(num_blocks=2, num_heads=3, query_window=QUERIES, key_window=KEYS)
SMALL = replace(
    OFFICIAL, atom_width=9, atom_pair_width=5, max_atoms_per_token=3, atom_transformer=WINDOWS
)
# Fewer atoms than a window, as many, one more, several windows; with and without padding.
SIZES = [(10, 12), (12, 12), (13, 20), (26, 28)]


@pytest.mark.parametrize("moved", [True, False])
@pytest.mark.parametrize(("num_atoms", "num_slots"), SIZES)
def test_windows(num_atoms: int, num_slots: int, moved: bool) -> None:
    config = replace(WINDOWS, shifted_windows=moved)
    windows = np.asarray(key_windows(num_slots, jnp.int32(num_atoms), config))
    assert windows.shape == (num_slots // QUERIES, KEYS)
    for atom in range(num_atoms):
        expected = reference.atom_window(atom, num_atoms, QUERIES, KEYS, moved)
        assert windows[atom // QUERIES].tolist() == expected


@pytest.mark.parametrize(("num_atoms", "num_slots"), [(50, 64), (104, 128), (128, 128), (300, 320)])
def test_windows_of_the_official_size(num_atoms: int, num_slots: int) -> None:
    windows = np.asarray(key_windows(num_slots, jnp.int32(num_atoms), OFFICIAL.atom_transformer))
    for atom in range(num_atoms):
        assert windows[atom // 32].tolist() == reference.atom_window(atom, num_atoms, 32, 128, True)


def atom_block(block, a: np.ndarray, s: np.ndarray, windows, biases, twice: bool) -> np.ndarray:
    """Algorithm 23, one block, on atoms; an empty atom has key and value zero."""
    num_heads, width = WINDOWS.num_heads, a.shape[1]
    for_queries = reference.adaptive_layer_norm(a, s, *norm_parameters(block.norm_query))
    for_keys = reference.adaptive_layer_norm(
        for_queries if twice else a, s, *norm_parameters(block.norm_key)
    )
    query = for_queries @ exact(block.query.weight) + exact(block.query.bias)
    key, value = (for_keys @ weight for weight in columns(block.expand_key, width, width))
    key, value = (np.vstack([x, np.zeros(width)]) for x in (key, value))
    gate = for_queries @ exact(block.gate.weight)
    mean = reference.gated_attention(
        *(heads(x, num_heads) for x in (query, key, value, gate)), attended=windows, biases=biases
    )
    out_gate = s @ exact(block.output.gate.weight) + exact(block.output.gate.bias)
    a = a + reference.sigmoid(out_gate) * (mean @ exact(block.output.contract.weight))
    transition = transition_parameters(block.transition)
    return a + reference.conditioned_transition(a, s, *transition)


@pytest.mark.parametrize(
    ("moved", "twice", "empty_attended"),
    [(True, False, True), (False, False, False), (True, True, False)],
)
@pytest.mark.parametrize(("num_atoms", "num_slots"), SIZES)
def test_atom_transformer(
    num_atoms: int, num_slots: int, moved: bool, twice: bool, empty_attended: bool
) -> None:
    config = replace(WINDOWS, shifted_windows=moved, twice_normalised_keys=twice)
    module = randomised(lambda: AtomTransformer(9, 5, config.num_blocks, config))
    a, s = random_array(num_slots, 9), random_array(num_slots, 9, seed=1)
    pairs = random_array(num_slots // QUERIES, QUERIES, KEYS, 5)

    bias = reference.layer_norm(pairs, exact(module.pair_norm.scale)) @ exact(
        module.pair_bias.weight
    )
    windows, biases = [], []
    for atom in range(num_atoms):
        window = np.array(reference.atom_window(atom, num_atoms, QUERIES, KEYS, moved))
        attended = np.full(KEYS, True) if empty_attended else window >= 0
        windows.append(window[attended])
        biases.append(bias[atom // QUERIES, atom % QUERIES, attended])
    expected = a[:num_atoms]
    for index, block in enumerate(layers_of(module.stack)):
        of_layer = [bias[:, 3 * index : 3 * index + 3] for bias in biases]
        expected = atom_block(block, expected, s[:num_atoms], windows, of_layer, twice)

    rows = key_windows(num_slots, jnp.int32(num_atoms), config)
    attended = attended_keys(rows, empty_attended)
    context = module.context(jnp.float32(s), jnp.float32(pairs), rows, attended)
    ours = module(jnp.float32(a), context)
    assert_close(ours[:num_atoms], expected)


def random_atoms(num_atoms: int, num_slots: int) -> tuple[AtomFeatures, TokenFeatures]:
    """Atoms in tokens of one to three; some tokens share a residue, some atoms have no conformer.

    The last two tokens are padding.
    """
    random = np.random.default_rng(num_atoms)
    counts = []
    while sum(counts) < num_atoms:
        counts.append(min(int(random.integers(1, 4)), num_atoms - sum(counts)))
    num_real, real = len(counts), np.arange(num_slots) < num_atoms
    counts = np.array([*counts, 0, 0])
    num_tokens = len(counts)

    def padded(values: np.ndarray) -> np.ndarray:
        margin = [(0, num_slots - num_atoms)] + [(0, 0)] * (values.ndim - 1)
        return np.pad(values, margin)

    starts = np.cumsum(counts) - counts
    token = np.repeat(np.arange(num_tokens), counts)
    zeros = np.zeros(num_tokens, np.int32)
    atoms = AtomFeatures(
        mask=real,
        token=padded(token).astype(np.int32),
        slot=padded(np.arange(num_atoms) - starts[token]).astype(np.int32),
        ref_position=padded(random.normal(size=(num_atoms, 3))).astype(np.float32),
        ref_mask=padded(random.random(num_atoms) < 0.8),
        element=padded(random.integers(1, 100, num_atoms)),
        charge=padded(random.integers(-2, 3, num_atoms)).astype(np.float32),
        name_chars=padded(random.integers(0, 80, (num_atoms, 4))),
    )
    tokens = TokenFeatures(
        mask=np.arange(num_tokens) < num_real,
        **dict.fromkeys(("token_index", "residue_index", "residue_type"), zeros),
        **dict.fromkeys(("asym_id", "entity_id", "sym_id"), zeros),
        ref_space_uid=(np.arange(num_tokens) // 2 * (counts > 0)).astype(np.int32),
        atom_start=(starts * (counts > 0)).astype(np.int32),
        atom_count=counts.astype(np.int32),
    )
    return atoms, tokens


def test_single_conditioning_is_one_projection_of_one_hot_features() -> None:
    """Algorithm 5, line 1: position, mask, element, asinh of the charge, characters of the name.

    There are 64 classes of characters, and others belong to none.
    """
    module = randomised(lambda: AtomConditioning(SMALL))
    atoms, _ = random_atoms(26, 28)
    features = np.concatenate(
        [
            atoms.ref_position,
            np.ones((28, 1)),
            np.eye(128)[atoms.element],
            np.arcsinh(atoms.charge.astype(np.float64))[:, None],
            np.eye(80)[atoms.name_chars, :64].reshape(28, -1),
        ],
        axis=1,
    )
    parts = module.position.weight, module.present, module.element, module.charge, module.name
    weight = np.vstack([exact(part).reshape(-1, 9) for part in parts])
    expected = (features * (atoms.ref_mask & atoms.mask)[:, None]) @ weight
    assert_close(module.single(atoms), expected)


@pytest.mark.parametrize("quirk", [True, False])
@pytest.mark.parametrize(("num_atoms", "num_slots"), SIZES)
def test_pair_conditioning(num_atoms: int, num_slots: int, quirk: bool) -> None:
    """Algorithm 5, lines 2 to 6, with the key's residue as the official program looks it up."""
    module = randomised(lambda: AtomConditioning(replace(SMALL, key_space_uid_quirk=quirk)))
    atoms, tokens = random_atoms(num_atoms, num_slots)
    single = random_array(num_slots, 9)
    uid = tokens.ref_space_uid
    slots = np.repeat(uid[tokens.mask], SMALL.max_atoms_per_token)
    by_distance, by_residue = exact(module.distance)

    def pair(query: int, key: int) -> np.ndarray:
        is_empty = key < 0
        key_position = np.zeros(3) if is_empty else atoms.ref_position[key].astype(np.float64)
        if quirk:
            key_uid = slots[-1] if is_empty else slots[key]
        else:
            key_uid = None if is_empty else uid[atoms.token[key]]
        offset = atoms.ref_position[query] - key_position
        result = reference.relu(single[query]) @ exact(module.from_query.weight)
        if not is_empty:
            result = result + reference.relu(single[key]) @ exact(module.from_key.weight)
        if uid[atoms.token[query]] == key_uid:
            closeness = 1 / (1 + offset @ offset)
            result = result + offset @ exact(module.offset.weight)
            result = result + closeness * by_distance + by_residue
        return result

    windows = key_windows(num_slots, jnp.int32(num_atoms), WINDOWS)
    ours = np.asarray(module.pairs(jnp.float32(single), atoms, tokens, windows))
    expected = np.array(
        [
            [pair(a, key) for key in reference.atom_window(a, num_atoms, QUERIES, KEYS, True)]
            for a in range(num_atoms)
        ]
    )
    assert_close(ours.reshape(-1, KEYS, 5)[:num_atoms], expected)


def test_pair_perceptron() -> None:
    module = randomised(lambda: AtomPairMlp(5))
    x = random_array(6, 5)
    update = x
    for linear in (module.first, module.second, module.third):
        update = reference.relu(update) @ exact(linear.weight)
    assert_close(module(jnp.float32(x)), x + update)


def test_tokens_take_the_mean_of_their_atoms() -> None:
    atoms, tokens = random_atoms(26, 28)
    values = random_array(28, 4)
    ours = np.asarray(mean_over_atoms(jnp.float32(values), tokens, SMALL.max_atoms_per_token))
    of_token = [values[:26][atoms.token[:26] == t] for t in range(len(tokens.mask) - 2)]
    assert_close(ours[:-2], np.array([rows.mean(axis=0) for rows in of_token]))
    assert not ours[-2:].any()
