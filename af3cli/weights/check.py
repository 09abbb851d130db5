"""Comparison of arrays with what a model needs; every problem is told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from af3cli.errors import WeightsError
from af3cli.weights.schema import Schema
from af3cli.wording import printable

_SHOWN = 12


@dataclass
class Problems:
    """What is wrong with the arrays of a file, by kind, each with the array's name."""

    truncated: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    misshapen: list[str] = field(default_factory=list)
    wrong_dtype: list[str] = field(default_factory=list)
    not_finite: list[str] = field(default_factory=list)

    def raise_if_any(self, path: Path) -> None:
        """Raises one `WeightsError` that lists all problems, if there are any."""
        kinds = {
            "cut short": self.truncated,
            "arrays twice in it": self.repeated,
            "missing arrays": self.missing,
            "unexpected arrays": self.unexpected,
            "arrays of another shape": self.misshapen,
            "arrays of another dtype": self.wrong_dtype,
            "arrays with infinite values or none (NaN)": self.not_finite,
        }
        lines = [line for kind, names in kinds.items() for line in _listed(kind, names)]
        if lines:
            raise WeightsError("\n".join([f"{path} is not a whole set of parameters:", *lines]))


def _listed(kind: str, names: list[str]) -> list[str]:
    if not names:
        return []
    hidden = len(names) - _SHOWN
    more = [f"    … and {hidden} more"] if hidden > 0 else []
    return [
        f"  {kind} ({len(names)}):",
        *(f"    {printable(name)}" for name in names[:_SHOWN]),
        *more,
    ]


def is_finite(array: np.ndarray) -> bool:
    """Returns whether all of an array's floating-point numbers are finite.

    What is not has the largest bits of its sign, so that nothing but maxima of integers is needed.
    """
    if not array.size:
        return True
    infinities = np.array([np.inf, -np.inf], array.dtype)
    for sign, kind in enumerate("iu"):  # as unsigned integers, negative numbers are the largest
        bits = np.dtype(f"{kind}{array.itemsize}")
        if array.view(bits).max() >= infinities.view(bits)[sign]:
            return False
    return True


def check_arrays(
    arrays: Mapping[str, np.ndarray],
    schema: Schema,
    problems: Problems,
    may_be_float32: bool = False,
) -> None:
    """Adds to `problems` what `arrays` lack of `schema`, and what of them differs from it."""
    for name, spec in schema.items():
        if name not in arrays:
            problems.missing.append(name)
            continue
        array = arrays[name]
        if array.shape != spec.shape:
            problems.misshapen.append(f"{name} is {list(array.shape)}, not {list(spec.shape)}")
        if array.dtype != spec.dtype and not (may_be_float32 and array.dtype == "float32"):
            problems.wrong_dtype.append(f"{name} is {array.dtype}, not {spec.dtype}")
