"""The trunk, fed with the official features, against the arrays recorded of the official trunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float

from af3cli.features.msa_rows import msa_row_order
from af3cli.features.padding import Buckets, pad, sizes_of
from af3cli.features.types import Features
from af3cli.inference.parameters import compiled
from af3cli.inference.precision import Precision
from af3cli.inference.trunk import TrunkModel
from af3cli.model.trunk import Trunk, TrunkInputs
from tests.parity.comparison import Comparison, compare, compare_equal, missing

# Independent implementations reach 1e-6 in float32. In bfloat16, two compilations of the official
# graph differ by this much, and we must be as near to the float32 arrays.
BOUNDS = {
    "float32": dict.fromkeys(("target_feat", "single", "pair", "after_msa"), 5e-5),
    "bfloat16": {"target_feat": 2e-3, "single": 1.5e-2, "pair": 2e-2, "after_msa": 9e-3},
}
EXACT = Buckets(())


def compare_trunk(
    model: TrunkModel,
    features: Features,
    recorded: Mapping[str, np.ndarray],
    seed: int,
    buckets: Buckets = EXACT,
) -> Iterator[Comparison]:
    """Yields a comparison of every array that the trunk makes, and of the MSA rows it reads.

    `buckets` say what sizes the features are padded to, which changes no result. Only the stages
    of the first pass may be left out of a recording, all of them.
    """
    bounds = BOUNDS[model.precision]
    num_passes = len(recorded["recycle_keys"])
    own = sizes_of(features)
    order = msa_row_order(seed, num_passes, own.row, model.config.msa.max_rows)
    if own.row > order.shape[1]:
        yield compare_equal("msa_order", order, recorded["msa_order"])

    sizes = buckets.sizes(replace(own, row=order.shape[1]))
    inputs = model.inputs(model.parameters, pad(_with_rows(features, []), replace(sizes, row=0)))
    target_feat = inputs.target_feat[: own.token]
    official = recorded.get("target_feat")
    yield compare("target_feat", target_feat, official, bounds["target_feat"])

    single = jnp.zeros((sizes.token, model.config.single_width))
    pair = jnp.zeros((sizes.token, sizes.token, model.config.pair_width))
    for index, rows in enumerate(order):
        alignment = pad(_with_rows(features, rows), sizes).msa
        msa = model.embed_msa(model.parameters, inputs, alignment.rows, alignment.deletions)
        arguments = model.parameters, inputs, msa, alignment.row_mask
        if index == 0 and any(name.startswith("trunk0.pair_after_") for name in recorded):
            for stage, array in _compiled_stages(model.graph, model.precision)(
                *arguments, pair
            ).items():
                yield _compare_pair(f"trunk0.pair_{stage}", array, recorded, bounds["after_msa"])
        single, pair = model.run_pass(*arguments, single=single, pair=pair)
        name = f"trunk{index}.single"
        yield compare(name, single[: own.token], recorded.get(name), bounds["single"])
        yield _compare_pair(f"trunk{index}.pair", pair, recorded, bounds["pair"])


def _with_rows(features: Features, rows: Sequence[int]) -> Features:
    """Features with only these rows of their alignment."""
    msa, rows = features.msa, np.asarray(rows, int)
    msa = replace(
        msa, row_mask=msa.row_mask[rows], rows=msa.rows[rows], deletions=msa.deletions[rows]
    )
    return replace(features, msa=msa)


def _compare_pair(
    name: str, padded: Float[Array, "padded padded pair"], recorded: Mapping, bound: float
) -> Comparison:
    """Compares the rows of a pair representation that are recorded: all, or only `pair_rows`."""
    official = recorded.get(name)
    if official is None:
        return missing(name, bound)
    num_rows, num_tokens = official.shape[:2]
    rows = np.arange(num_tokens) if num_rows == num_tokens else recorded["pair_rows"]
    return compare(name, padded[rows, :num_tokens], official, bound)


@cache
def _compiled_stages(graph: nnx.GraphDef, precision: Precision) -> Callable[..., dict[str, Array]]:
    """The pair representation at stages of the first pass, by what they are called."""

    def stages(
        trunk: Trunk,
        inputs: TrunkInputs,
        msa: Float[Array, "row token msa"],
        row_mask: Bool[Array, "row"],
        pair: Float[Array, "token token pair"],
    ) -> dict[str, Array]:
        embedded = trunk.recycle_pair(inputs, pair)
        templated = trunk.template_embedder(embedded, inputs.templates, inputs.mask)
        return {
            "after_embed": embedded,
            "after_templates": templated,
            "after_msa": trunk.msa_stack(msa, templated, row_mask, inputs.mask),
        }

    return compiled(graph, stages, precision)
