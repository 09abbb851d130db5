"""Rules for the blocks that OpenFold3 and Protenix share, with their different names filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from af3cli.model.config import OFFICIAL
from af3cli.weights.conversion import (
    Rule,
    constant,
    input_rows,
    regrouped,
    rules,
    transposed,
)
from af3cli.weights.schema import (
    CONFIDENCE_PAIRFORMER,
    DIFFUSION,
    DIFFUSION_BLOCK,
    MSA_STACK,
    PAIRFORMER,
    TEMPLATE_STACK,
)


@dataclass(frozen=True, kw_only=True)
class FamilyNames:
    """What a family calls the modules of its blocks.

    They fill in the named `{...}` of the tables below, which show what each of them is; a bare `{}`
    stays for the number of the block.
    """

    stacks: Mapping[str, str]
    pair: str
    triangle_bias: str
    attention: str
    heads: str
    norm: str
    pair_bias: str
    transition_norm: str
    transition_a: str
    transition_b: str
    transition_out: str
    outer: str
    averaging: str
    averaging_bias: str
    averaging_value: str
    averaging_gate: str
    averaging_out: str
    msa_transition: str
    adaptive_scale: str
    adaptive_shift: str
    zero_gate: str
    ffw: str
    ffw_norm: str
    ffw_a: str
    ffw_b: str
    ffw_out: str
    ffw_zero_gate: str
    fourier: str
    condition_norm: str
    condition_projection: str
    condition_transition: str

    def blocks(self, stack: str) -> str:
        """Returns what names of a stack's blocks begin with, `{}` for the block's number."""
        return f"{self.stacks[stack]}.blocks.{{}}."

    def fill(self, table: str, **others: str) -> str:
        """Returns a table of rules with these names, and `others`, in place of its `{...}`."""
        return table.format(**vars(self), **others)


# Their residue class of each of ours. Theirs: 20 amino acids, unknown, A G C U, unknown RNA,
# A G C T of DNA, unknown DNA, gap. Ours: the official 31, whose 30 is unknown DNA, and unknown RNA.
CLASSES = [*range(21), 31, *range(21, 25), *range(26, 30), 30, 25]
_SINGLE_WIDTH = OFFICIAL.single_width  # and that of the atom encoding
# Their target features are the atom encoding, residue type, profile, mean deletion.
TARGET_ROWS = [
    *(_SINGLE_WIDTH + residue_class for residue_class in CLASSES),
    *(_SINGLE_WIDTH + len(CLASSES) + residue_class for residue_class in CLASSES),
    _SINGLE_WIDTH + 2 * len(CLASSES),
    *range(_SINGLE_WIDTH),
]
TARGET_WIDTH = _SINGLE_WIDTH + 2 * len(CLASSES) + 1
SINGLE_CONDITION_ROWS = [*range(_SINGLE_WIDTH), *(_SINGLE_WIDTH + row for row in TARGET_ROWS)]
MSA_ROWS = [*CLASSES, -1, 32, 33]
ELEMENTS = 128

_TRIANGLE_MULTIPLICATION = """
norm    left_norm_input    layer_norm_in
mixed   projection         linear_{first}_p linear_{second}_p
mixed   gate               linear_{first}_g linear_{second}_g
norm    center_norm        layer_norm_out
linear  output_projection  linear_z
linear  gating_linear      linear_g
"""

_TRIANGLE_ATTENTION = """
norm    act_norm               layer_norm
linear  pair_bias_projection   {triangle_bias}
as_is   q_projection           mha.linear_q
as_is   k_projection           mha.linear_k
linear  v_projection           mha.linear_v
as_is   gating_query           mha.linear_g
linear  output_projection      mha.linear_o
"""

_SINGLE_TRACK = """
norm    single_attention_layer_norm     {attention}.{norm}_a
biased  single_attention_q_projection   {attention}.{heads}.linear_q
linear  single_attention_k_projection   {attention}.{heads}.linear_k
linear  single_attention_v_projection   {attention}.{heads}.linear_v
linear  single_attention_gating_query   {attention}.{heads}.linear_g
linear  single_attention_transition2    {attention}.{heads}.linear_o
norm    single_pair_logits_norm         {attention}.{norm}_z
linear  single_pair_logits_projection   {attention}.{pair_bias}
"""

_TRANSITION = """
norm    {target_norm}   {source}.{transition_norm}
glu     {target}1       {source}.{transition_a} {source}.{transition_b}
linear  {target}2       {source}.{transition_out}
"""

_OUTER_PRODUCT = """
norm    outer_product_mean/layer_norm_input   {outer}.layer_norm
linear  outer_product_mean/left_projection    {outer}.linear_1
linear  outer_product_mean/right_projection   {outer}.linear_2
"""

_MSA_UPDATE = """
norm    msa_attention1/act_norm            {averaging}.{norm}_m
norm    msa_attention1/pair_norm           {averaging}.{norm}_z
linear  msa_attention1/pair_logits         {averaging}.{averaging_bias}
linear  msa_attention1/v_projection        {averaging}.{averaging_value}
linear  msa_attention1/gating_query        {averaging}.{averaging_gate}
linear  msa_attention1/output_projection   {averaging}.{averaging_out}
"""

_ADAPTIVE_NORM = """
scale   single_cond_layer_norm   {norm}_s
biased  single_cond_scale        {adaptive_scale}
linear  single_cond_bias         {adaptive_shift}
"""

_CONDITIONED_BLOCK = """
biased  q_projection             attention_pair_bias.{heads}.linear_q
linear  k_projection             attention_pair_bias.{heads}.linear_k
linear  v_projection             attention_pair_bias.{heads}.linear_v
linear  gating_query             attention_pair_bias.{heads}.linear_g
linear  transition2              attention_pair_bias.{heads}.linear_o
biased  adaptive_zero_cond       attention_pair_bias.{zero_gate}
glu     ffw_transition1          {ffw}.{ffw_a} {ffw}.{ffw_b}
linear  ffw_transition2          {ffw}.{ffw_out}
biased  ffw_adaptive_zero_cond   {ffw}.{ffw_zero_gate}
"""


def stacks(names: FamilyNames) -> Iterator[Rule]:
    """Yields the rules of all stacks on the pair representation: template, MSA, pairformers."""
    yield from _pair_block(TEMPLATE_STACK, names.blocks("template"), names)
    for stack, source in (
        (PAIRFORMER, names.blocks("pairformer")),
        (CONFIDENCE_PAIRFORMER, names.blocks("confidence")),
    ):
        yield from _pair_block(stack, f"{source}{names.pair}", names)
        yield from rules(names.fill(_SINGLE_TRACK), f"{stack}/", source)
        yield from _stacked_transition(stack, "single_transition", source, names)
    yield from _msa_stack(names)


def _pair_block(stack: str, source: str, names: FamilyNames) -> Iterator[Rule]:
    for direction, module, first, second in (
        ("outgoing", "tri_mul_out", "a", "b"),
        ("incoming", "tri_mul_in", "b", "a"),
    ):
        table = _TRIANGLE_MULTIPLICATION.format(first=first, second=second)
        yield from rules(
            table, f"{stack}/triangle_multiplication_{direction}/", f"{source}{module}."
        )
    for index, module in ((1, "tri_att_start"), (2, "tri_att_end")):
        table = names.fill(_TRIANGLE_ATTENTION)
        yield from rules(table, f"{stack}/pair_attention{index}/", f"{source}{module}.")
    yield from _stacked_transition(stack, "pair_transition", source, names)


def _stacked_transition(
    stack: str,
    name: str,
    source: str,
    names: FamilyNames,
    module: str | None = None,
    **options: bool,
) -> Iterator[Rule]:
    table = names.fill(
        _TRANSITION, target_norm="input_layer_norm", target="transition", source=module or name
    )
    yield from rules(table, f"{stack}/{name}/", source, **options)


def diffusion_conditioning(names: FamilyNames) -> Iterator[Rule]:
    """Yields the rules of the conditioning that are more than a row of a table."""
    source = "diffusion_module.diffusion_conditioning."
    for leaf, letter in (("frequency", "w"), ("phase", "b")):
        tensor = f"{source}{names.fourier}.{letter}"
        yield Rule(f"{DIFFUSION}/noise_embedding:{leaf}", (tensor,), regrouped)
    for target, module in (
        ("norm:scale", names.condition_norm),
        ("projection:weights", names.condition_projection),
    ):
        yield Rule(
            f"{DIFFUSION}/single_cond_initial_{target}",
            (f"{source}{module}.weight",),
            input_rows(SINGLE_CONDITION_ROWS),
        )
    for name, letter in (("pair", "z"), ("single", "s")):
        for index in (0, 1):
            module = names.condition_transition.format(letter=letter, index=index, number=index + 1)
            target = f"{DIFFUSION}/{name}_transition_{index}ffw"
            yield from _condition_transition(target, f"{source}{module}", names)


def _condition_transition(target: str, source: str, names: FamilyNames) -> Iterator[Rule]:
    table = names.fill(_TRANSITION, target_norm="_layer_norm", target="_transition", source=source)
    yield from rules(table, target)


def _msa_stack(names: FamilyNames) -> Iterator[Rule]:
    source, target = names.blocks("msa"), f"{MSA_STACK}/"
    yield from _pair_block(MSA_STACK, f"{source}pair_stack.", names)
    yield from rules(names.fill(_OUTER_PRODUCT), target, source)
    product = f"{source}{names.outer}.linear_out"
    yield Rule(f"{target}outer_product_mean:output_w", (f"{product}.weight",), transposed)
    yield Rule(f"{target}outer_product_mean:output_b", (f"{product}.bias",), regrouped)
    yield from rules(names.fill(_MSA_UPDATE), target, source, optional=True)
    yield from _stacked_transition(
        MSA_STACK, "msa_transition", source, names, names.msa_transition, optional=True
    )


def conditioned_blocks(
    target: str, source: str, norms: Mapping[str, str], names: FamilyNames
) -> Iterator[Rule]:
    """Yields the rules of attention blocks conditioned on the single representation.

    `norms` are the first normalisations: what their official names begin with, and theirs.
    """
    for prefix, module in norms.items():
        module = f"{source}attention_pair_bias.{module}."
        yield from rules(names.fill(_ADAPTIVE_NORM), f"{target}{prefix}", module)
    yield from rules(names.fill(_CONDITIONED_BLOCK), target, source)
    module = f"{source}{names.ffw}.{names.ffw_norm}."
    yield from rules(names.fill(_ADAPTIVE_NORM), f"{target}ffw_", module)


def token_transformer(norm: str, names: FamilyNames) -> Iterator[Rule]:
    """Yields the rules of the blocks of the diffusion transformer."""
    yield from conditioned_blocks(DIFFUSION_BLOCK, names.blocks("diffusion"), {"": norm}, names)


def atom_transformer(
    scope: str, source: str, norms: Mapping[str, str], names: FamilyNames
) -> Iterator[Rule]:
    """Yields the rules of the blocks of an atom transformer."""
    target = f"{scope}/__layer_stack_with_per_layer/{scope.rsplit('/', 1)[-1]}"
    yield from conditioned_blocks(target, source, norms, names)


def unused_atom_arrays(prefix: str) -> Iterator[Rule]:
    """Yields zeros for the arrays of an atom encoder that the official network never uses."""
    for name in (
        "embed_pair_offsets",
        "embed_pair_distances",
        "single_to_pair_cond_row",
        "single_to_pair_cond_col",
    ):
        yield Rule(f"{prefix}_{name}:weights", (), constant(0.0))


def input_rule(target: str, source: str, indices: list[int]) -> Rule:
    """Returns the rule of a linear layer whose inputs are ordered otherwise."""
    return Rule(f"{target}:weights", (f"{source}.weight",), input_rows(indices))
