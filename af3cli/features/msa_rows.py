"""Which alignment rows each pass of the trunk reads, drawn as the official program draws them."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32, UInt32

from af3cli.features.conventions import MAX_ROWS

_NEVER = -1e6


def msa_row_order(
    seed: int, num_passes: int, num_rows: int, max_rows: int = 1024
) -> Int32[np.ndarray, "pass read_row"]:
    """Returns the rows that each trunk pass reads.

    Alignments of at most `max_rows` rows are read whole, in their own order, which does not
    matter. Of deeper ones each pass reads `max_rows`, sampled anew without replacement: equal
    seeds give equal rows, bit for bit those of the official program on a processor.
    """
    if num_rows <= max_rows:
        return np.tile(np.arange(num_rows, dtype=np.int32), (num_passes, 1))
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        key = jax.random.PRNGKey(seed, impl="threefry2x32")
        return np.asarray(_sample_rows(key, num_passes, num_rows))[:, :max_rows]


@partial(jax.jit, static_argnums=1)
def _sample_rows(
    key: UInt32[Array, "2"], num_passes: int, num_rows: Int32[Array, ""]
) -> Int32[Array, "pass row"]:
    """Returns a random order of rows per pass, the first `num_rows` rows before all others.

    Rows are sorted by Gumbel noise. As the sort is not stable, the order of equal noise depends
    on the length of the array, which therefore is the official one whatever the depth.
    """
    row = jnp.arange(MAX_ROWS, dtype=jnp.int32)
    logits = jnp.where(row < num_rows, 0.0, _NEVER)

    def one_pass(
        key: UInt32[Array, "2"], _: None
    ) -> tuple[UInt32[Array, "2"], Int32[Array, "row"]]:
        key, pass_key = jax.random.split(key)
        after_templates, _ = jax.random.split(pass_key)
        _, sample_key = jax.random.split(after_templates)
        row_keys = jax.vmap(jax.random.fold_in, (None, 0))(sample_key, row)
        noise = jax.vmap(jax.random.gumbel)(row_keys)
        _, order = jax.lax.sort_key_val(logits + noise, row, is_stable=False)
        return key, order[::-1]

    first_key = jax.random.split(key)[1]
    return jax.lax.scan(one_pass, first_key, length=num_passes)[1]
