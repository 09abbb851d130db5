"""How much memory a device has, what a task needs of it, and how many samples fit.

The parameters are counted. The rest is an estimate: what XLA allocates for the official widths,
measured (see `benchmarks/` and docs/performance.md) and put as bytes per pair of tokens, per token
and per atom, and what intermediates take that are computed in chunks. Wider pairs and deeper
alignments take so many times as much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from af3cli.errors import Af3cliError
from af3cli.features.padding import Sizes
from af3cli.inference.host_memory import host_bytes
from af3cli.inference.sampling import levels_at_once
from af3cli.model.attention import is_fused
from af3cli.model.chunking import chunk_budget
from af3cli.model.config import OFFICIAL, ModelConfig

if TYPE_CHECKING:
    from af3cli.inference.predict import PredictionModel
    from af3cli.inference.trunk import TrunkModel

# Of the device's memory, what may be planned with.
_USABLE_SHARE = 0.9

# Bytes for each token, where the alignment has so many rows.
_TRUNK_PER_TOKEN = 600_000
_TRUNK_ROWS = 1_024
# Bytes for each pair of tokens.
_TRUNK_PER_PAIR, _HEADS_PER_PAIR = 4_000, 5_500
_FUSED_TRUNK_PER_PAIR, _FUSED_HEADS_PER_PAIR = 1_680, 2_400
_CHUNKED_PER_PAIR, _SAMPLE_PER_PAIR = 5_000, 200
# Bytes for each atom.
_HEADS_PER_ATOM, _SAMPLE_PER_ATOM = 55_000, 20_000
# Bytes of libraries, compiler and compiled programs, which on a processor are in the same memory.
_TRUNK_PROGRAM, _WHOLE_PROGRAM = 850_000_000, 1_300_000_000


class DeviceMemoryError(Af3cliError):
    """A job does not fit into the memory of the device."""


@dataclass(frozen=True)
class MemoryNeed:
    """About how many bytes a task needs: parameters, what its samples share, its samples, and on a
    processor the program itself.
    """

    parameters: float
    representations: float
    samples: float
    program: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.parameters + self.representations + self.samples + self.program


def is_out_of_memory(error: Exception) -> bool:
    """Says whether this is what is raised when memory runs out, here or on the device."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)


def device_bytes() -> int:
    """Returns the memory that programs on the first device can use, in bytes."""
    statistics = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in statistics:
        return int(statistics["bytes_limit"])
    return host_bytes()


def trunk_memory(model: TrunkModel, sizes: Sizes) -> MemoryNeed:
    """Returns what the trunk needs for a job of these (padded) sizes."""
    per_pair = _FUSED_TRUNK_PER_PAIR if _is_fused(model) else _TRUNK_PER_PAIR
    num_rows = max(_TRUNK_ROWS, min(sizes.row, model.config.msa.max_rows))
    representations = (
        per_pair * _num_pairs(model.config, sizes)
        + _TRUNK_PER_TOKEN * sizes.token * num_rows / _TRUNK_ROWS
        + _chunk_bytes(model.config, sizes)
    )
    return MemoryNeed(
        _num_bytes(model.parameters), representations, 0, _on_processor(_TRUNK_PROGRAM)
    )


def prediction_memory(model: PredictionModel, sizes: Sizes, at_once: int) -> MemoryNeed:
    """Returns what the whole network needs for a job of these (padded) sizes."""
    config = model.trunk.config
    trunk = trunk_memory(model.trunk, sizes)
    per_pair = _FUSED_HEADS_PER_PAIR if _is_fused(model.trunk) else _HEADS_PER_PAIR
    heads = (
        per_pair * _num_pairs(config, sizes)
        + _HEADS_PER_ATOM * sizes.atom
        + _chunk_bytes(config, sizes)
        + _condition_bytes(config, sizes.token)
    )
    sample = _SAMPLE_PER_PAIR * sizes.token**2 + _SAMPLE_PER_ATOM * sizes.atom
    return MemoryNeed(
        parameters=trunk.parameters + _num_bytes(model.heads.parameters),
        representations=max(trunk.representations, heads),
        samples=at_once * sample,
        program=_on_processor(_WHOLE_PROGRAM),
    )


def samples_at_once(model: PredictionModel, sizes: Sizes) -> int:
    """Returns how many samples fit into the device's memory together, at least one."""
    one = prediction_memory(model, sizes, at_once=1)
    free = _USABLE_SHARE * device_bytes() - (one.total - one.samples)
    return max(1, int(free // one.samples))


def _is_fused(model: TrunkModel) -> bool:
    return is_fused(jnp.dtype(model.precision))


def _num_pairs(config: ModelConfig, sizes: Sizes) -> float:
    """Pairs of tokens, each counted as often as it is wider than the official ones."""
    return sizes.token**2 * config.pair_width / OFFICIAL.pair_width


def _chunk_bytes(config: ModelConfig, sizes: Sizes) -> float:
    """What the largest intermediate takes of those that are computed in chunks."""
    return min(chunk_budget(), _CHUNKED_PER_PAIR * _num_pairs(config, sizes))


def _condition_bytes(config: ModelConfig, num_tokens: int) -> int:
    """What the conditions of noise levels take that are computed together: six modulations in each
    block of the token transformer.
    """
    per_token = 4 * 6 * config.diffusion.num_blocks * config.diffusion.token_width
    return levels_at_once(num_tokens) * num_tokens * per_token


def _on_processor(num_bytes: float) -> float:
    return num_bytes if jax.default_backend() == "cpu" else 0


def _num_bytes(parameters: object) -> int:
    return sum(array.nbytes for array in jax.tree.leaves(parameters))
