"""Modules on a device: their parameters in the dtypes of a precision, their methods compiled."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, reduce, wraps
from operator import itemgetter

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from af3cli.inference.device import compiler_options
from af3cli.inference.precision import Precision
from af3cli.processors import num_processors
from af3cli.weights.aligned import aligned

_NORMALISATION = {"scale", "offset"}


def place_parameters(
    make_module: Callable[[], nnx.Module],
    parameters: Mapping[str, Mapping | np.ndarray],
    precision: Precision,
    float32_parts: Collection[str] = (),
) -> tuple[nnx.GraphDef, nnx.State]:
    """Returns the module's structure, and its parameters on the device.

    `parameters` is nested like the module; blocks of an unrolled stack are rows of their arrays'
    leading axis. Normalisations and the module's parts named in `float32_parts` are float32
    whatever the precision. A processor shares aligned arrays, which are not to be changed then.

    Raises `ValueError` if an array has another shape than the module gives it.
    """
    graph, state = nnx.split(make_module())

    def place(path: tuple[str | int, ...], slot: nnx.Param) -> nnx.Param:
        array = reduce(_branch, path, parameters)
        if array.shape != slot.shape:
            raise ValueError(f"{'/'.join(map(str, path))}: {array.shape} where {slot.shape} is due")
        stays = path[0] in float32_parts or path[-1] in _NORMALISATION
        dtype = jnp.float32 if stays else jnp.dtype(precision)
        return slot.replace(jax.device_put(aligned(array, dtype)))

    paths, slots = zip(*nnx.to_flat_state(state), strict=True)
    with ThreadPoolExecutor(num_processors()) as pool:
        placed = pool.map(place, paths, slots)
    return graph, nnx.from_flat_state(zip(paths, placed, strict=True))


def _branch(tree: Mapping[str, Mapping | np.ndarray], key: str | int) -> Mapping | np.ndarray:
    return tree[key] if isinstance(key, str) else jax.tree.map(itemgetter(key), tree)


@lru_cache(maxsize=64)
def compiled(
    graph: nnx.GraphDef, method: Callable, precision: Precision, **options: object
) -> Callable:
    """`method` of a module as a compiled function of the module's parameters and its arguments.

    With float32 as the model's precision, an accelerator is not to round products to TF32.
    `options` are those of `jax.jit`. Models of one structure share their compiled functions.
    """
    products = "highest" if precision == Precision.FLOAT32 else None

    @wraps(method)
    def run(self: nnx.State, *args: object, **kwargs: object) -> object:
        with jax.default_matmul_precision(products):
            return method(nnx.merge(graph, self), *args, **kwargs)

    return jax.jit(run, compiler_options=compiler_options(), **options)
