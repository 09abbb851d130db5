"""Runs the trunk on a device: features of one job in, trimmed embeddings out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float32, Int8, Int32

from af3cli.features.msa_rows import msa_row_order
from af3cli.features.padding import Buckets, Sizes, pad, pad_array, sizes_of, trim_array
from af3cli.features.types import Features
from af3cli.inference.parameters import compiled, place_parameters
from af3cli.inference.precision import Precision, choose_precision
from af3cli.model.config import ModelConfig
from af3cli.model.trunk import Trunk, TrunkInputs
from af3cli.weights.load import Weights, load_weights
from af3cli.weights.official_trunk import trunk_parameters
from af3cli.weights.schema import is_of_trunk

DEFAULT_BUCKETS = Buckets()


@dataclass(frozen=True)
class Embeddings:
    """What the trunk says of one job; no row belongs to padding."""

    single: Float32[np.ndarray, "token single"]
    pair: Float32[np.ndarray, "token token pair"]
    target_feat: Float32[np.ndarray, "token target"]


@dataclass(frozen=True)
class TrunkOutput:
    """The last pass's representations on the device, padded."""

    single: Float32[Array, "token single"]
    pair: Float32[Array, "token token pair"]
    target_feat: Float32[Array, "token target"]

    def trimmed(self, num_tokens: int) -> Embeddings:
        """What there is of the first `num_tokens` tokens, in the host's memory."""
        return Embeddings(
            single=np.asarray(trim_array(self.single, num_tokens)),
            pair=np.asarray(trim_array(self.pair, num_tokens, num_tokens)),
            target_feat=np.asarray(trim_array(self.target_feat, num_tokens)),
        )


@dataclass(frozen=True)
class TrunkModel:
    """The trunk with its parameters on the device.

    `weights` says where the parameters come from; its arrays have been let go of.
    """

    weights: Weights
    precision: Precision
    graph: nnx.GraphDef
    parameters: nnx.State

    @property
    def config(self) -> ModelConfig:
        return self.weights.config

    @cached_property
    def inputs(self) -> Callable[[nnx.State, Features], TrunkInputs]:
        """`Trunk.inputs`, compiled."""
        return self._compiled(Trunk.inputs)

    @cached_property
    def embed_msa(self) -> Callable[..., Array]:
        """`Trunk.embed_msa`, compiled."""
        return self._compiled(Trunk.embed_msa)

    @cached_property
    def run_pass(self) -> Callable[..., tuple[Array, Array]]:
        """One trunk pass, compiled; the representations passed to it are overwritten."""
        return self._compiled(Trunk.__call__, donate_argnames=("single", "pair"))

    def _compiled(self, method: Callable, **options: object) -> Callable:
        return compiled(self.graph, method, self.precision, **options)


def load_model(
    weights: str | Path | Weights | None = None,
    *,
    precision: str = "auto",
    weights_dir: str | Path | None = None,
) -> TrunkModel:
    """Loads parameters (a path, a name of the catalogue, or already read) for the trunk.

    `precision` is float32, bfloat16, or auto: bfloat16 on an accelerator, float32 on a processor.
    Arrays that were read already may be shared with the model: they are not to be changed then.

    Raises:
        WeightsError: the parameters are not found, or are not whole.
        InputError: there is no such precision.
    """
    chosen = choose_precision(precision)
    if not isinstance(weights, Weights):
        weights = load_weights(weights, weights_dir, needed=is_of_trunk)
    graph, parameters = place_parameters(
        lambda: Trunk(weights.config),
        trunk_parameters(weights.arrays),
        chosen,
        float32_parts={"atom_encoder"},
    )
    return TrunkModel(replace(weights, arrays={}), chosen, graph, parameters)


def run_trunk(
    model: TrunkModel,
    features: Features,
    *,
    seed: int,
    num_recycles: int | None,
    buckets: Buckets,
    on_pass: Callable[[int], None] | None = None,
) -> TrunkOutput:
    """Runs the trunk on one job's unpadded features; see `embed` for the arguments."""
    num_passes = 1 + (model.config.defaults.recycles if num_recycles is None else num_recycles)
    own = sizes_of(features)
    order = msa_row_order(seed, num_passes, own.row, model.config.msa.max_rows)
    sizes = buckets.sizes(replace(own, row=order.shape[1]))
    inputs = model.inputs(model.parameters, padded_but_for_rows(features, buckets))
    config, num_tokens = model.config, sizes.token
    single = jnp.zeros((num_tokens, config.single_width), jnp.float32)
    pair = jnp.zeros((num_tokens, num_tokens, config.pair_width), jnp.float32)
    row_mask = pad_array(np.ones(order.shape[1], bool), sizes.row)
    msa, embedded = None, None
    for index, rows in enumerate(order):
        if embedded is None or not np.array_equal(rows, embedded):
            msa = model.embed_msa(model.parameters, inputs, *_msa_rows(features, rows, sizes))
            embedded = rows
        single, pair = model.run_pass(
            model.parameters, inputs, msa, row_mask, single=single, pair=pair
        )
        if on_pass is not None:
            pair.block_until_ready()
            on_pass(index)
    return TrunkOutput(single, pair, inputs.target_feat)


def embed(
    model: TrunkModel,
    features: Features,
    *,
    seed: int,
    num_recycles: int | None = None,
    buckets: Buckets = DEFAULT_BUCKETS,
    on_pass: Callable[[int], None] | None = None,
) -> Embeddings:
    """Runs the trunk `num_recycles + 1` times on one job and trims what comes out.

    Without `num_recycles`, as often as the model's own program does.

    `seed` chooses the rows of alignments that are deeper than what a pass reads. `on_pass(index)`
    is called after each pass. The result does not depend on `buckets`, which say what sizes
    programs are compiled for.
    """
    output = run_trunk(
        model, features, seed=seed, num_recycles=num_recycles, buckets=buckets, on_pass=on_pass
    )
    return output.trimmed(len(features.tokens.mask))


def padded_but_for_rows(features: Features, buckets: Buckets) -> Features:
    """Returns padded features whose alignment has no rows, which only `embed_msa` reads.

    So a program that takes them is not compiled again for each depth.
    """
    msa = features.msa
    none = replace(msa, row_mask=msa.row_mask[:0], rows=msa.rows[:0], deletions=msa.deletions[:0])
    features = replace(features, msa=none)
    return pad(features, replace(buckets.sizes(sizes_of(features)), row=0))


def _msa_rows(
    features: Features, rows: Int32[np.ndarray, "read_row"], sizes: Sizes
) -> tuple[Int8[np.ndarray, "row token"], Int8[np.ndarray, "row token"]]:
    """The alignment rows and deletions that one pass reads, padded."""
    msa, lengths = features.msa, (sizes.row, sizes.token)
    return pad_array(msa.rows[rows], *lengths), pad_array(msa.deletions[rows], *lengths)
