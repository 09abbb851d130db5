"""How much there is to compute, in floating-point operations of matrix products.

Estimates of the time left rest on these, and so do the rates that `benchmarks/` tells.
"""

from __future__ import annotations

from af3cli.features.padding import Sizes
from af3cli.model.config import ModelConfig, PairStackConfig


def pass_cost(config: ModelConfig, sizes: Sizes) -> int:
    """Returns the cost of one trunk pass, which reads `config.msa.max_rows` of the alignment."""
    template, pairs = config.template, sizes.token**2
    template_block = _pair_operations(sizes.token, template.width, template.stack)
    templates = min(sizes.template, template.slots) * template.stack.num_blocks * template_block
    templates += 2 * pairs * 2 * config.pair_width * template.width
    recycling = 2 * (pairs * config.pair_width**2 + sizes.token * config.single_width**2)
    msa_block = _msa_block_operations(config, sizes.token, min(sizes.row, config.msa.max_rows))
    msa = config.msa.num_blocks * msa_block
    pairformer = config.pairformer.num_blocks * _block_operations(config, sizes.token)
    return templates + recycling + msa + pairformer


def step_cost(config: ModelConfig, sizes: Sizes, num_samples: int = 1) -> int:
    """Returns the cost of one denoising step of samples that are computed together.

    They share the modulations of the token blocks; those of the atom blocks are made once a job.
    """
    diffusion, atoms = config.diffusion, config.atom_transformer
    width, factor = diffusion.token_width, diffusion.transition_factor
    token_block = _conditioned_operations(sizes.token, width, factor, sizes.token)
    atom_block = _conditioned_operations(
        sizes.atom, config.atom_width, atoms.transition_factor, atoms.key_window
    )
    # Scale, offset and gate of the attention, and those of the transition.
    modulation = 6 * 2 * sizes.token * config.single_width * width
    of_sample = diffusion.num_blocks * token_block + 2 * diffusion.num_atom_blocks * atom_block
    return diffusion.num_blocks * modulation + num_samples * of_sample


def confidence_cost(config: ModelConfig, sizes: Sizes) -> int:
    """Returns the cost of the confidences of one sample."""
    return config.confidence.num_blocks * _block_operations(config, sizes.token)


def _conditioned_operations(num_rows: int, width: int, factor: int, num_keys: int) -> int:
    """Operations of one block of conditioned attention and transition, given its modulation."""
    attention = 5 * width + 2 * num_keys  # query, key, value, gate, output; logits and means
    return 2 * num_rows * width * (attention + 3 * factor * width)


def _block_operations(config: ModelConfig, num_tokens: int) -> int:
    """Operations of one pairformer block."""
    width, stack = config.single_width, config.pairformer
    attention = 5 * num_tokens * width**2 + 2 * num_tokens**2 * width
    bias = num_tokens**2 * config.pair_width * stack.single_heads
    transition = 3 * num_tokens * width * stack.transition_factor * width
    pair = _pair_operations(num_tokens, config.pair_width, stack)
    return pair + 2 * (attention + bias + transition)


def _msa_block_operations(config: ModelConfig, num_tokens: int, num_rows: int) -> int:
    """Operations of one MSA block, with its pair half."""
    msa, outer = config.msa.width, config.msa.outer_product_width
    cells = num_rows * num_tokens
    products = num_tokens**2 * outer**2 * (num_rows + config.pair_width) + 2 * cells * msa * outer
    averaging = num_tokens**2 * (config.pair_width * config.msa.num_heads + num_rows * msa)
    projections = 3 * cells * msa**2
    transition = 3 * cells * config.msa.transition_factor * msa**2
    pair = _pair_operations(num_tokens, config.pair_width, config.pairformer)
    return pair + 2 * (products + averaging + projections + transition)


def _pair_operations(num_tokens: int, width: int, stack: PairStackConfig) -> int:
    """Operations of triangle multiplications, triangle attentions and transition of one block."""
    pairs, triples = num_tokens**2, num_tokens**3
    hidden = stack.triangle_multiplication_width
    heads = stack.triangle_heads * stack.triangle_head_width
    multiplication = pairs * width * (5 * hidden + width) + triples * hidden
    attention = pairs * width * (5 * heads + stack.triangle_heads) + 2 * triples * heads
    transition = 3 * pairs * width * stack.transition_factor * width
    return 2 * (2 * multiplication + 2 * attention + transition)
