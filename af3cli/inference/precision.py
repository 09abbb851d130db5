"""Which number format the network computes in."""

from __future__ import annotations

from enum import StrEnum

from af3cli.errors import InputError


class Precision(StrEnum):
    """The dtype of matrix products in the trunk and in the confidence head's stack.

    Atom encoders, the other heads, what the heads put out, and all sums are float32.
    """

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


def choose_precision(name: str = "auto") -> Precision:
    """Returns the precision called `name`; "auto" is bfloat16 on a GPU or TPU, else float32.

    Raises:
        InputError: there is no precision of that name.
    """
    if name != "auto":
        try:
            return Precision(name)
        except ValueError:
            choices = ", ".join(["auto", *Precision])
            raise InputError(f"precision {name!r} is not one of: {choices}") from None
    import jax

    return Precision.FLOAT32 if jax.default_backend() == "cpu" else Precision.BFLOAT16
