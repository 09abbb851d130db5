"""Every width, depth and checkpoint-family difference of the network, as named fields.

The defaults are those of the official AlphaFold 3 parameters (supplementary information of
Abramson et al. 2024, doi:10.1038/s41586-024-07487-w, and the released code's configuration).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

from af3cli.features.conventions import FeatureConventions

# Classes of distances between two tokens, in templates and in the confidence head's input.
NUM_DISTANCE_BINS = 39

# The standard deviation of atoms' positions, in Å; noise levels are in its units.
SIGMA_DATA = 16.0


@dataclass(frozen=True)
class PairStackConfig:
    """A stack of triangle updates on the pair representation, with or without a single track."""

    num_blocks: int
    triangle_heads: int = 4
    triangle_head_width: int = 32
    triangle_multiplication_width: int = 128
    transition_factor: int = 4
    single_heads: int = 16

    # The bias of the ending-node attention is that of the transposed pair representation.
    transposed_ending_bias: bool = False


@dataclass(frozen=True)
class AtomTransformerConfig:
    """Sequence-local attention of the atom encoders and the atom decoder (algorithms 5 to 7)."""

    num_blocks: int = 3
    num_heads: int = 4
    query_window: int = 32
    key_window: int = 128
    transition_factor: int = 2

    # Key windows at both ends are moved to lie inside the atoms, else what is outside is masked.
    shifted_windows: bool = True
    # Keys and values are normalised for the queries first, then once more for themselves.
    twice_normalised_keys: bool = False


@dataclass(frozen=True)
class TemplateConfig:
    """The template embedder (algorithm 16)."""

    width: int = 64
    slots: int = 4
    stack: PairStackConfig = field(
        default_factory=lambda: PairStackConfig(
            num_blocks=2,
            triangle_head_width=16,
            triangle_multiplication_width=64,
            transition_factor=2,
        )
    )


@dataclass(frozen=True)
class MsaConfig:
    """The MSA stack (algorithm 8). `max_rows` is how many alignment rows each pass reads."""

    num_blocks: int = 4
    width: int = 64
    num_heads: int = 8
    outer_product_width: int = 32
    transition_factor: int = 4
    max_rows: int = 1024


@dataclass(frozen=True)
class DiffusionConfig:
    """The diffusion module (algorithm 20)."""

    num_blocks: int = 24
    blocks_per_pair_projection: int = 4
    num_heads: int = 16
    token_width: int = 768
    noise_width: int = 256
    transition_factor: int = 2
    num_atom_blocks: int = 3

    # Frequencies and phases of the noise embedding are parameters, not the tabulated constants.
    learned_noise_embedding: bool = False
    # Relative positions are projected to the pair width before they condition the pair.
    projected_relative_positions: bool = False


@dataclass(frozen=True)
class ConfidenceConfig:
    """The confidence head (algorithm 31)."""

    num_blocks: int = 4
    num_plddt_bins: int = 50
    num_pae_bins: int = 64
    num_pde_bins: int = 64

    # The single representation is clipped to ±512 and normalised first.
    normalised_single: bool = False
    # The pair representation also gets the distance itself, in Å, besides its bin.
    distance_input: bool = False
    # PDE logits are read from the sum of the pair and its transpose, not summed afterwards.
    symmetric_pde_input: bool = False
    # An atom's pLDDT is read at its rank among its token's present atoms, not at its slot.
    atoms_by_rank: bool = False


@dataclass(frozen=True)
class SamplerConfig:
    """Constants of the sampler (algorithm 18). Noise levels are in units of `SIGMA_DATA`."""

    steps: int = 200
    sigma_max: float = 160.0
    sigma_min: float = 4e-4
    exponent: float = 7.0
    gamma: float = 0.8
    gamma_above: float = 1.0
    noise_scale: float = 1.003
    step_scale: float = 1.5
    # The last noise level is none at all, not `sigma_min`.
    ends_at_zero: bool = False


@dataclass(frozen=True)
class RunDefaults:
    """What a run does if nothing else is asked for, as the family's own program does it.

    `recycles` are trunk passes after the first, `samples` structures for each seed.
    """

    recycles: int = 10
    samples: int = 5
    sampler: SamplerConfig = field(default_factory=SamplerConfig)


@dataclass(frozen=True)
class ModelConfig:
    """The whole network.

    The fields named `..._quirk` are accidents of the official program that its published
    parameters were trained with.
    """

    single_width: int = 384
    pair_width: int = 128
    atom_width: int = 128
    atom_pair_width: int = 16
    max_atoms_per_token: int = 24
    max_relative_residue: int = 32
    max_relative_chain: int = 2
    num_distogram_bins: int = 64
    atom_transformer: AtomTransformerConfig = field(default_factory=AtomTransformerConfig)
    template: TemplateConfig = field(default_factory=TemplateConfig)
    msa: MsaConfig = field(default_factory=MsaConfig)
    pairformer: PairStackConfig = field(default_factory=lambda: PairStackConfig(num_blocks=48))
    diffusion: DiffusionConfig = field(default_factory=DiffusionConfig)
    confidence: ConfidenceConfig = field(default_factory=ConfidenceConfig)
    features: FeatureConventions = field(default_factory=FeatureConventions)
    defaults: RunDefaults = field(default_factory=RunDefaults)

    # The distogram's logits have a bias, which symmetrisation adds twice.
    distogram_bias: bool = False
    # Bonds fill the contact matrix in one direction only.
    one_way_bonds_quirk: bool = True
    # A key atom's residue is looked up in the 24-slot layout with its flat index.
    key_space_uid_quirk: bool = True
    # Atoms without a place in the reference conformer have no activations at all.
    masked_reference_atoms: bool = True
    # Inputs of fewer than 128 atoms attend to empty atoms, whose keys and values are zero.
    empty_atom_keys_quirk: bool = True

    @property
    def num_residue_types(self) -> int:
        """How many residue classes features have."""
        return self.features.num_residue_types

    @property
    def num_relative_classes(self) -> int:
        """Columns of the classes of relative residue, token and chain and of the same entity."""
        return 2 * (2 * self.max_relative_residue + 2) + 1 + 2 * self.max_relative_chain + 2

    @property
    def target_width(self) -> int:
        """Width of the target features: residue type, profile, deletion mean, atom encoding."""
        return 2 * self.num_residue_types + 1 + self.single_width


OFFICIAL = ModelConfig()


def reduced(config: ModelConfig) -> ModelConfig:
    """Returns `config` with its stacks cut short and its widths kept, for fast tests."""
    return with_depths(config, pairformer=2, msa=1, template=1, confidence=1, diffusion=8)


# The field that each stack's number of blocks is in.
_DEPTH_FIELDS = {
    "pairformer": "pairformer.num_blocks",
    "msa": "msa.num_blocks",
    "template": "template.stack.num_blocks",
    "confidence": "confidence.num_blocks",
    "diffusion": "diffusion.num_blocks",
}


def depths(config: ModelConfig) -> dict[str, int]:
    """Returns how many blocks each stack has."""
    return {stack: attrgetter(name)(config) for stack, name in _DEPTH_FIELDS.items()}


def with_depths(config: ModelConfig, **blocks: int) -> ModelConfig:
    """Returns `config` with so many blocks in the stacks that are named, as by `depths`."""
    return with_fields(config, {_DEPTH_FIELDS[stack]: depth for stack, depth in blocks.items()})


def with_fields(config: Any, values: Mapping[str, Any]) -> Any:
    """Returns `config` with new values of fields, named as in "template.stack.num_blocks"."""
    for name, value in values.items():
        first, _, rest = name.partition(".")
        inner = with_fields(getattr(config, first), {rest: value}) if rest else value
        config = replace(config, **{first: inner})
    return config
