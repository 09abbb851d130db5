"""Biological assemblies: which chains of a structure file are there how many times."""

from __future__ import annotations

import itertools
import re

import gemmi

from af3cli.errors import InputError

MAX_COPIES = 10_000


def assembly_copies(block: gemmi.cif.Block, assembly: str, source: str) -> dict[str, list[str]]:
    """The operators, by name, that an assembly applies to each chain label.

    Raises `InputError` if the file has no such assembly, or one of more than `MAX_COPIES` chains.
    """
    tags = ["assembly_id", "oper_expression", "asym_id_list"]
    rows = [
        [row.str(i) for i in range(3)] for row in block.find("_pdbx_struct_assembly_gen.", tags)
    ]
    copies: dict[str, list[str]] = {}
    num_copies = 0
    for identifier, expression, labels in rows:
        if identifier != assembly:
            continue
        operators = _expand(expression, source)
        for label in labels.split(","):
            num_copies += len(operators)
            if num_copies > MAX_COPIES:
                raise InputError(f"{source}: assembly {assembly} has more than {MAX_COPIES} chains")
            copies.setdefault(label.strip(), []).extend(operators)
    if not copies:
        known = ", ".join(dict.fromkeys(row[0] for row in rows)) or "none"
        raise InputError(f"{source}: has no assembly {assembly!r}; it has: {known}")
    return copies


def _expand(expression: str, source: str) -> list[str]:
    """Names of the operators that an expression such as `1,2` or `(1-60)(P,Q)` stands for."""
    groups = re.findall(r"\(([^()]*)\)", expression) or [expression]
    names = [_expand_group(group, source) for group in groups]
    if any(len(group) > MAX_COPIES for group in names):
        raise InputError(f"{source}: the assembly's operators {expression[:40]!r} are too many")
    products = itertools.islice(itertools.product(*names), MAX_COPIES + 1)
    return ["x".join(product) for product in products]


def _expand_group(group: str, source: str) -> list[str]:
    names: list[str] = []
    for part in group.split(","):
        bounds = re.fullmatch(r"\s*(\d{1,6})\s*-\s*(\d{1,6})\s*", part)
        if bounds:
            names += map(str, range(int(bounds[1]), int(bounds[2]) + 1))
        elif part.strip():
            names.append(part.strip())
        else:
            raise InputError(f"{source}: {group[:40]!r} is no list of assembly operators")
    return names
