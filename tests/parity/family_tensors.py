"""Deterministic pseudo-random tensors of other checkpoint families.

The arrays recorded of those families' own networks were made with the same ones. Every tensor
depends only on its own name and shape. With the standard normal draws n of
`numpy.random.RandomState(crc32(name))`, in float64: weights of layer normalisations are 1 + 0.1 n,
biases 0.1 n, less 1 for those of adaptive zero gates, all other weights n · gain / sqrt(inputs).
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

_DATA = Path(__file__).parents[1] / "data" / "weights"
_BLOCK = re.compile(r"(.*?)\.blocks\.(\d+)\.")

Shape = tuple[int, ...]


@dataclass(frozen=True)
class TensorRecipe:
    """How one family's tensors are made.

    `schema` is a file with names and shapes of a network cut short. `gains` are patterns of names:
    the first that matches counts, else the gain is 1. `norm` and `zero_gate` are patterns of the
    weights of normalisations and of adaptive zero gates' biases. `constants` are made, from a
    random state and a shape, in a way of their own.
    """

    schema: str
    gains: tuple[tuple[str, float], ...]
    norm: str
    zero_gate: str
    constants: Mapping[str, Callable[[np.random.RandomState, Shape], np.ndarray]]

    def tensors(self, depths: Mapping[str, int] | None = None) -> dict[str, np.ndarray]:
        """Returns all tensors by name, float32; see `shapes` for `depths`."""
        return {name: self._tensor(name, shape) for name, shape in self.shapes(depths).items()}

    def shapes(self, depths: Mapping[str, int] | None = None) -> dict[str, Shape]:
        """Returns the shape of each tensor, with as many blocks as `depths` says of a stack.

        Stacks that it does not name have as many as in the schema.
        """
        shapes: dict[str, Shape] = {}
        lines = (line.split("\t") for line in (_DATA / self.schema).read_text().splitlines())
        entries = [(line[0], tuple(int(n) for n in line[1].split(",") if n)) for line in lines]
        for stack, members in groupby(entries, lambda entry: _stack_and_block(entry[0])[0]):
            members = dict(members)
            if stack in (depths or {}):
                members = _with_depth(members, depths[stack])
            shapes |= members
        return shapes

    def _tensor(self, name: str, shape: Shape) -> np.ndarray:
        random = np.random.RandomState(zlib.crc32(name.encode()))
        for pattern, make in self.constants.items():
            if re.search(pattern, name):
                return make(random, shape).astype(np.float32)
        normal = random.standard_normal(shape)
        if name.endswith(".bias"):
            values = 0.1 * normal - (1.0 if re.search(self.zero_gate, name) else 0.0)
        elif re.search(self.norm, name):
            values = 1.0 + 0.1 * normal
        else:
            gain = next((gain for pattern, gain in self.gains if re.search(pattern, name)), 1.0)
            values = normal * (gain / math.sqrt(shape[1]))
        return values.astype(np.float32)


def _stack_and_block(name: str) -> tuple[str, int]:
    match = _BLOCK.match(name)
    return (match[1], int(match[2])) if match else ("", -1)


def _with_depth(members: Mapping[str, Shape], depth: int) -> dict[str, Shape]:
    """Returns a stack's shapes with another number of blocks: the first ones, and then the last."""
    last = max(_stack_and_block(name)[1] for name in members)
    shapes = {}
    for block in range(depth):
        like = last if block == depth - 1 else 0
        for name, shape in members.items():
            if _stack_and_block(name)[1] == like:
                shapes[name.replace(f".blocks.{like}.", f".blocks.{block}.", 1)] = shape
    return shapes


OPENFOLD3 = TensorRecipe(
    schema="openfold3_reduced_schema.tsv",
    gains=(
        (r"tri_att_(start|end)\.mha\.linear_o|attn_pair_bias\.mha\.linear_o", 1.5),
        (r"msa_att_row\.linear_o|outer_product_mean\.linear_out", 1.0),
        (r"tri_mul_(in|out)\.linear_z|(pair|single|msa)_transition\.linear_out", 0.5),
        (r"diffusion_conditioning\.transition_[sz]\.\d+\.linear_out", 0.5),
        (r"mha\.linear_[qk]\.weight", 1.5),
        (r"(tri_att_(start|end)|attn_pair_bias|attention_pair_bias|msa_att_row)\.linear_z", 1.5),
        (r"input_embedder\.linear_relpos|msa_module_embedder\.linear_m|linear_distance", 4.0),
        (r"dgram_linear|aatype_linear", 4.0),
        (r"linear_ref_element", 8.0),
        (r"linear_ref_atom_chars", 6.0),
        (r"input_embedder\.linear_z_[ij]|linear_s_input|pairformer_embedding\.linear_[ij]", 2.0),
        (r"input_embedder\.linear_s\.", 3.0),
        (r"aux_heads\.distogram\.", 0.2),
        (r"aux_heads\.(plddt|pae|pde|experimentally_resolved)\.linear", 2.0),
    ),
    norm=r"layer_norm\w*\.weight$",
    zero_gate=r"linear_ada_out\.|conditioned_transition\.linear_g\.",
    constants={
        r"^version_tensor$": lambda random, shape: np.array([2.0, 0.0, 0.0]),
        r"fourier_emb\.b$": np.random.RandomState.random_sample,
        r"fourier_emb\.w$": np.random.RandomState.standard_normal,
    },
)

PROTENIX = TensorRecipe(
    schema="protenix_reduced_schema.tsv",
    gains=(
        (r"linear_no_bias_d_wo_onehot", 0.05),
        (r"confidence_head\.linear_no_bias_d\.", 4.0),
        (r"atom_attention_encoder\.linear_no_bias_d\.|linear_no_bias_ref_pos", 0.5),
        (r"atom_attention_encoder\.linear_no_bias_f\.", 8.0),
        (r"(relative_position_encoding|relpe)\.linear_no_bias", 4.0),
        (r"msa_module\.linear_no_bias_m\.|template_embedder\.linear_no_bias_a\.", 4.0),
        (r"(msa_module\.linear_no_bias_s|confidence_head\.linear_no_bias_s[12])\.", 2.0),
        (r"^linear_no_bias_sinit", 2.0),
        (r"tri_att_(start|end)\.(mha\.linear_[qko]|linear)\.", 1.5),
        (r"attention_pair_bias\.(attention\.linear_[qk]|linear_nobias_z)\.weight", 1.5),
        (r"attention_pair_bias\.attention\.linear_o", 1.5),
        (r"msa_pair_weighted_averaging\.linear_no_bias_(z|out)", 1.5),
        (r"tri_mul_(out|in)\.linear_z|outer_product_mean_msa\.linear_out", 0.7),
        (r"conditioned_transition_block\.linear_nobias_b", 0.7),
        (r"distogram_head", 0.3),
        (r"linear_no_bias_p[ad]e|(plddt|resolved)_weight", 2.0),
    ),
    norm=r"(layernorm\w*|_ln|_norm\w*)\.weight$",
    zero_gate=r"linear_a_last|conditioned_transition_block\.linear_s\.",
    constants={
        r"fourier_embedding": np.random.RandomState.standard_normal,
        r"lower_bins": lambda random, shape: _bin_edges()[:-1],
        r"upper_bins": lambda random, shape: _bin_edges()[1:],
    },
)


def _bin_edges() -> np.ndarray:
    """Returns the edges of Protenix's distance bins in Å; the last bin has no upper one."""
    return np.append(np.arange(39, dtype=np.float32) * 1.25 + 3.25, 1e6)
