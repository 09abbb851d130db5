"""How much there is to compute, in floating-point operations: what estimates of time rest on."""

from __future__ import annotations

from af3cli.model.config import ModelConfig

# The template stack: two narrower blocks, four times.
_TEMPLATE_BLOCKS = 2


def pass_cost(config: ModelConfig, num_tokens: int) -> float:
    """Returns the cost of one trunk pass, without what the alignment's depth adds."""
    num_blocks = config.pairformer.num_blocks + config.msa.num_blocks + _TEMPLATE_BLOCKS
    return num_blocks * _pair_block_cost(config, num_tokens)


def confidence_cost(config: ModelConfig, num_tokens: int) -> float:
    """Returns the cost of the confidences of one sample."""
    return config.confidence.num_blocks * _pair_block_cost(config, num_tokens)


def step_cost(config: ModelConfig, num_tokens: int, num_atoms: int) -> float:
    """Returns the cost of one denoising step of one sample."""
    width, condition = config.diffusion.token_width, config.single_width
    atom_width, keys = config.atom_width, config.atom_transformer.key_window
    per_token = 22 * width**2 + 12 * condition * width + 4 * num_tokens * width
    per_atom = 38 * atom_width**2 + 4 * keys * atom_width
    num_atom_blocks = 2 * config.atom_transformer.num_blocks
    return (
        config.diffusion.num_blocks * num_tokens * per_token
        + num_atom_blocks * num_atoms * per_atom
    )


def _pair_block_cost(config: ModelConfig, num_tokens: int) -> float:
    """Returns the cost of a pairformer block: projections of pairs, and sums over triangles."""
    width = config.pair_width
    return 68 * width**2 * num_tokens**2 + 12 * width * num_tokens**3
