"""`pad` and `trim`: features at the size of a bucket, and back at their own.

All padding is added by `pad_array` and cut off by `trim_array`. Which axes an array of features has
is read off its type in `af3cli.features.types`.
"""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Callable
from functools import cache
from itertools import pairwise, zip_longest
from typing import get_args, get_type_hints

import numpy as np
from jaxtyping import Shaped

from af3cli.errors import InputError
from af3cli.features.types import Array, Features

# Those of the official program.
TOKEN_BUCKETS = (
    *(128, 256, 384, 512, 768, 1024, 1280, 1536),
    *(2048, 2560, 3072, 3584, 4096, 4608, 5120),
)

# The atom attention works on blocks of 32 atoms, each of which sees 128.
_ATOM_BLOCK, _MIN_ATOMS = 32, 128
_ATOMS_PER_TOKEN_STEP = 2
_MIN_ROWS = 16
_MIN_BONDS = 16
_TEMPLATE_SLOTS = 4


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The lengths of the axes of `Features`, by the names that its types give them."""

    token: int
    atom: int
    row: int
    template: int
    bond: int


@dataclasses.dataclass(frozen=True)
class Buckets:
    """The sizes that features are padded to, few so that few programs are compiled.

    `tokens` are increasing; larger jobs, and all jobs if it is empty, keep their own number of
    tokens.
    """

    tokens: tuple[int, ...] = TOKEN_BUCKETS

    @classmethod
    def parse(cls, text: str) -> Buckets:
        """Returns the buckets that a user wrote: numbers separated by commas, or "exact".

        Raises `InputError` unless the numbers are positive and increase.
        """
        if text.strip() == "exact":
            return cls(())
        try:
            tokens = tuple(int(number) for number in text.split(","))
        except ValueError:
            tokens = (0,)
        if tokens[0] < 1 or not all(low < high for low, high in pairwise(tokens)):
            raise InputError(
                f"buckets {text!r}: give increasing numbers of tokens, such as 128,256,512, "
                "or exact for none."
            )
        return cls(tokens)

    def sizes(self, own: Sizes) -> Sizes:
        """Returns the sizes to pad features of `own` sizes to.

        Atoms come in steps of twice the number of tokens, rows and bonds in powers of two. Fewer
        than four templates are followed by at least one that is empty.
        """
        place = bisect.bisect_left(self.tokens, own.token)
        token = self.tokens[place] if place < len(self.tokens) else own.token
        atom_step = _round_up(_ATOMS_PER_TOKEN_STEP * token, _ATOM_BLOCK)
        return Sizes(
            token=token,
            atom=max(_MIN_ATOMS, _round_up(own.atom, atom_step if self.tokens else _ATOM_BLOCK)),
            row=max(_MIN_ROWS, _power_of_two(own.row)),
            template=_TEMPLATE_SLOTS if own.template else 1,
            bond=max(_MIN_BONDS, _power_of_two(own.bond)),
        )


def sizes_of(features: Features) -> Sizes:
    """Returns the sizes of what features hold, without their padding."""
    return Sizes(
        token=int(np.sum(features.tokens.mask)),
        atom=int(np.sum(features.atoms.mask)),
        row=int(np.sum(features.msa.row_mask)),
        template=int(np.sum(features.templates.mask)),
        bond=int(np.sum(features.bonds.mask)),
    )


def pad(features: Features, sizes: Sizes) -> Features:
    """Returns features with zeros (masks: false) after the end of each axis, up to `sizes`.

    Raises `ValueError` if an axis is longer than that.
    """
    return _map_arrays(pad_array, features, sizes)


def trim(features: Features) -> Features:
    """Returns features without their padding: the inverse of `pad`."""
    return _map_arrays(trim_array, features, sizes_of(features))


def pad_array(
    array: Shaped[np.ndarray, "*own"], *lengths: int | None
) -> Shaped[np.ndarray, "*padded"]:
    """Returns `array` with zeros after the end of its first axes, up to `lengths` (None: as it is).

    Raises `ValueError` if an axis is longer than that.
    """
    margins = [
        (0, 0 if length is None else length - own)
        for length, own in zip_longest(lengths, array.shape)
    ]
    return np.pad(array, margins)


def trim_array(array: Shaped[Array, "*padded"], *lengths: int | None) -> Shaped[Array, "*own"]:
    """Returns `array` cut to `lengths` along its first axes: the inverse of `pad_array`."""
    return array[tuple(slice(length) for length in lengths)]


def _map_arrays(function: Callable[..., np.ndarray], features: Features, sizes: Sizes) -> Features:
    """Returns features whose arrays are those of `features` under a function of array and lengths.

    Axes that `sizes` does not name have the length None.
    """
    return Features(
        **{
            name: type(part)(
                **{
                    field: function(
                        getattr(part, field), *(getattr(sizes, axis, None) for axis in axes)
                    )
                    for field, axes in _axes(type(part)).items()
                }
            )
            for name, part in vars(features).items()
        }
    )


@cache
def _axes(part: type) -> dict[str, tuple[str, ...]]:
    """Returns the names of the axes of each array, as in `Float32[Array, "atom 3"]`."""
    hints = get_type_hints(part)  # of arrays of NumPy or of JAX, with the same axes
    return {name: tuple(get_args(hint)[0].dim_str.split()) for name, hint in hints.items()}


def _round_up(number: int, step: int) -> int:
    return -(-number // step) * step


def _power_of_two(number: int) -> int:
    """Returns the smallest power of two that is not below `number`, 1 for 0."""
    return 1 << max(0, number - 1).bit_length()
