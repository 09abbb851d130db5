"""A network of small widths, so that tests of files are fast."""

from __future__ import annotations

from dataclasses import replace

import pytest

from af3cli.model.config import OFFICIAL, ModelConfig, reduced


@pytest.fixture(scope="session")
def tiny_config() -> ModelConfig:
    """The reduced network at widths of a few channels."""
    small = reduced(OFFICIAL)
    stack = replace(
        small.pairformer, triangle_head_width=2, triangle_multiplication_width=8, single_heads=2
    )
    return replace(
        small,
        single_width=16,
        pair_width=8,
        atom_width=8,
        atom_pair_width=4,
        pairformer=stack,
        template=replace(
            small.template, width=4, stack=replace(stack, num_blocks=1, single_heads=16)
        ),
        msa=replace(small.msa, width=8, outer_product_width=2),
        diffusion=replace(small.diffusion, num_heads=2, token_width=16, noise_width=8),
    )
