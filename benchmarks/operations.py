"""How many floating point operations the matrix products of one trunk pass take."""

from __future__ import annotations

from af3cli.model.config import ModelConfig, PairStackConfig


def pair_block_operations(num_tokens: int, width: int, config: PairStackConfig) -> int:
    """Operations of triangle multiplications, triangle attentions and transition of one block."""
    pairs, triples = num_tokens**2, num_tokens**3
    hidden = config.triangle_multiplication_width
    heads = config.triangle_heads * config.triangle_head_width
    multiplication = pairs * width * (5 * hidden + width) + triples * hidden
    attention = pairs * width * (5 * heads + config.triangle_heads) + 2 * triples * heads
    transition = 3 * pairs * width * config.transition_factor * width
    return 2 * (2 * multiplication + 2 * attention + transition)


def single_block_operations(num_tokens: int, config: ModelConfig) -> int:
    """Operations of the single half of one pairformer block."""
    width, heads = config.single_width, config.pairformer.single_heads
    attention = 5 * num_tokens * width**2 + 2 * num_tokens**2 * width
    bias = num_tokens**2 * config.pair_width * heads
    transition = 3 * num_tokens * width * 4 * width
    return 2 * (attention + bias + transition)


def msa_block_operations(num_tokens: int, num_rows: int, config: ModelConfig) -> int:
    """Operations of one MSA block, with its pair half."""
    msa, outer = config.msa.width, config.msa.outer_product_width
    cells = num_rows * num_tokens
    products = num_tokens**2 * outer**2 * (num_rows + config.pair_width) + 2 * cells * msa * outer
    averaging = num_tokens**2 * (config.pair_width * config.msa.num_heads + num_rows * msa)
    projections = 3 * cells * msa**2
    transition = 3 * cells * config.msa.transition_factor * msa**2
    pair = pair_block_operations(num_tokens, config.pair_width, config.pairformer)
    return pair + 2 * (products + averaging + projections + transition)


def trunk_pass_operations(
    num_tokens: int, num_rows: int, num_templates: int, config: ModelConfig
) -> int:
    """Operations of one pass. Empty templates count as one, unless all slots are taken."""
    template = config.template
    rounds = min(num_templates + 1, template.slots)
    pairs = num_tokens**2
    template_block = pair_block_operations(num_tokens, template.width, template.stack)
    templates = rounds * template.stack.num_blocks * template_block
    templates += 2 * pairs * 2 * config.pair_width * template.width
    recycling = 2 * (pairs * config.pair_width**2 + num_tokens * config.single_width**2)
    msa = config.msa.num_blocks * msa_block_operations(num_tokens, num_rows, config)
    pair_block = pair_block_operations(num_tokens, config.pair_width, config.pairformer)
    block = pair_block + single_block_operations(num_tokens, config)
    return templates + recycling + msa + config.pairformer.num_blocks * block
