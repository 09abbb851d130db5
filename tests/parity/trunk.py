"""The trunk, fed with the official features, against the arrays recorded of the official trunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from af3cli.features.msa_rows import msa_row_order
from af3cli.features.padding import Buckets, pad, sizes_of
from af3cli.features.types import Features
from af3cli.inference.parameters import compiled
from af3cli.inference.trunk import TrunkModel
from af3cli.model.trunk import Trunk
from tests.parity.comparison import Comparison, compare, compare_equal

# Independent implementations reach 1e-6 in float32. In bfloat16, two compilations of the official
# graph differ by this much, and we must be as near to the float32 arrays.
BOUNDS = {
    "float32": dict.fromkeys(("target_feat", "single", "pair", "after_msa"), 5e-5),
    "bfloat16": {"target_feat": 2e-3, "single": 1.5e-2, "pair": 2e-2, "after_msa": 9e-3},
}


def compare_trunk(
    model: TrunkModel, features: Features, recorded: Mapping[str, np.ndarray], seed: int
) -> Iterator[Comparison]:
    """Yields a comparison of every array that the trunk makes, and of the MSA rows it reads."""
    bounds = BOUNDS[model.precision]
    num_passes = len(recorded["recycle_keys"])
    own = sizes_of(features)
    order = msa_row_order(seed, num_passes, own.row, model.config.msa.max_rows)
    if own.row > order.shape[1]:
        yield compare_equal("msa_order", order, recorded["msa_order"])

    features = pad(features, replace(Buckets(()).sizes(own), row=own.row, bond=own.bond))
    inputs = model.inputs(model.parameters, features)
    yield compare("target_feat", inputs.target_feat, recorded["target_feat"], bounds["target_feat"])

    kept = np.asarray(recorded["pair_rows"])
    single = jnp.zeros((own.token, model.config.single_width))
    pair = jnp.zeros((own.token, own.token, model.config.pair_width))
    for index, rows in enumerate(order):
        msa = model.embed_msa(
            model.parameters, inputs, features.msa.rows[rows], features.msa.deletions[rows]
        )
        row_mask = np.ones(len(rows), bool)
        if index == 0:
            yield from _compare_stages(model, inputs, msa, row_mask, pair, recorded, kept)
        single, pair = model.run_pass(
            model.parameters, inputs, msa, row_mask, single=single, pair=pair
        )
        yield compare(
            f"trunk{index}.single", single, recorded[f"trunk{index}.single"], bounds["single"]
        )
        if f"trunk{index}.pair" in recorded:
            recorded_pair = recorded[f"trunk{index}.pair"]
            ours = pair if len(recorded_pair) == own.token else pair[kept]
            yield compare(f"trunk{index}.pair", ours, recorded_pair, bounds["pair"])


def _compare_stages(
    model: TrunkModel,
    inputs: object,
    msa: jax.Array,
    row_mask: np.ndarray,
    pair: jax.Array,
    recorded: Mapping[str, np.ndarray],
    kept: np.ndarray,
) -> Iterator[Comparison]:
    """Yields comparisons of the pair representation at stages of the first pass, if recorded."""

    def stages(trunk: Trunk, inputs: object, msa: jax.Array, pair: jax.Array) -> dict:
        embedded = trunk.recycle_pair(inputs, pair)
        templated = embedded + trunk.template_embedder(embedded, inputs.templates, inputs.mask)
        return {
            "after_embed": embedded,
            "after_templates": templated,
            "after_msa": trunk.msa_stack(msa, templated, row_mask, inputs.mask),
        }

    names = [name for name in recorded if name.startswith("trunk0.pair_after_")]
    if not names:
        return
    ours = compiled(model.graph, stages)(model.parameters, inputs, msa, pair)
    for name in sorted(names):
        stage = name.removeprefix("trunk0.pair_")
        array = ours[stage]
        array = array if len(recorded[name]) == len(array) else array[kept]
        yield compare(name, array, recorded[name], BOUNDS[model.precision]["after_msa"])
