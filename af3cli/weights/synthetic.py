"""Deterministic pseudo-random parameters: same function, meaningless predictions.

Every array depends only on its own name, so that anybody can make the same bytes. With the standard
normal draws n of `numpy.random.RandomState(crc32(name))`, in float64 and C order:

- scales of layer normalisations are 1 + 0.1 n, offsets and biases 0.1 n, less 1 for the biases of
  adaptive zero gates;
- weights are n · gain / sqrt(fan-in); fan-in is the first axis after the layer axes, the last for
  the transposed weights of triangle attention, both outer axes for an outer product.

They are rounded to float32 and then to the array's dtype. A stack cut short has the first layers
of the whole one.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from af3cli.model.config import OFFICIAL, ModelConfig
from af3cli.processors import num_processors
from af3cli.weights.aligned import aligned_empty
from af3cli.weights.records import DTYPES, Record, stand_in
from af3cli.weights.schema import IDENTIFIER, official_schema
from af3cli.weights.schema_blocks import ArraySpec, Shape

SYNTHETIC_IDENTIFIER = np.frombuffer(b"syntheticparams-" * 4, np.uint8)

# (pattern searched in an array's name, gain): the first that matches, else 1
_GAINS = tuple(
    (re.compile(pattern), gain)
    for pattern, gain in (
        (r"pair_attention[12]/output_projection", 1.5),
        (r"msa_attention1/output_projection", 1.0),
        (r"single_attention_transition2", 1.5),
        (r"/(output_projection|transition2):", 0.5),
        (r"(pair|single)_transition_[01]ffw_transition2", 0.5),
        (r"[qk]_projection:weights", 1.5),
        (r"pair_bias_projection|pair_logits", 1.5),
        (r"position_activations|msa_activations|distogram_feat_project", 4.0),
        (r"template_pair_embedding_[023]", 4.0),
        (r"embed_ref_element", 8.0),
        (r"embed_ref_atom_name", 6.0),
        (r"evoformer/(left|right)_single|_target_feat_project|extra_msa_target_feat", 2.0),
        (r"evoformer/single_activations", 3.0),
        (r"half_logits", 0.2),
        (r"(plddt|pae|resolved|distance)_logits:", 2.0),
    )
)
_TRANSPOSED = re.compile(r"pair_attention[12]/([qk]_projection|gating_query):")
_CHUNK = 2**18  # values drawn at a time, so that they stay in the processor's cache


def synthetic_parameters(
    config: ModelConfig = OFFICIAL, needed: Callable[[str], bool] = lambda name: True
) -> dict[str, np.ndarray]:
    """Returns the synthetic arrays of `config`, named `scope:name`, in the official order.

    Those that are not `needed`, by their names, have their place in the result but no values.
    """
    return dict(synthetic_records(config, needed))


def synthetic_records(
    config: ModelConfig = OFFICIAL, needed: Callable[[str], bool] = lambda name: True
) -> Iterator[Record]:
    """Yields the arrays of `synthetic_parameters`, made on all processors."""
    schema = official_schema(config)

    def make(name: str, spec: ArraySpec) -> np.ndarray:
        if needed(name):
            return _synthetic_array(name, spec)
        return stand_in(spec.shape, DTYPES[spec.dtype])

    with ThreadPoolExecutor(num_processors()) as pool:
        yield from map(Record, schema, pool.map(make, schema, schema.values()))


def _synthetic_array(name: str, spec: ArraySpec) -> np.ndarray:
    if name == IDENTIFIER:
        return SYNTHETIC_IDENTIFIER
    mean, deviation = _distribution(name, spec.shape)
    random = np.random.RandomState(zlib.crc32(name.encode()))
    values = aligned_empty((math.prod(spec.shape),), DTYPES[spec.dtype])
    for start in range(0, values.size, _CHUNK):
        chunk = values[start : start + _CHUNK]
        chunk[:] = (mean + deviation * random.standard_normal(chunk.size)).astype(np.float32)
    return values.reshape(spec.shape)


def _distribution(name: str, shape: Shape) -> tuple[float, float]:
    """Returns mean and standard deviation of an array's values."""
    scope, _, leaf = name.partition(":")
    if leaf == "scale":
        return 1.0, 0.1
    if leaf in ("offset", "bias", "output_b"):
        return (-1.0 if scope.endswith("adaptive_zero_cond") else 0.0), 0.1
    gain = next((gain for pattern, gain in _GAINS if pattern.search(name)), 1.0)
    return 0.0, gain / math.sqrt(_fan_in(name, shape))


def _fan_in(name: str, shape: Shape) -> int:
    axes = shape[name.count("__layer_stack") :]
    if name.endswith(":output_w"):
        return axes[0] * axes[1]
    if _TRANSPOSED.search(name):
        return axes[-1]
    return axes[0] if len(axes) > 1 else 1
