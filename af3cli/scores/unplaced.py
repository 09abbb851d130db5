"""Telling a user why a sample has atoms without coordinates."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32

from af3cli.tokens.types import Atoms, Tokens


def explain_unplaced(
    tokens: Tokens,
    atoms: Atoms,
    coordinates: Float32[np.ndarray, "atom 3"],
    has_reference: Bool[np.ndarray, "atom"],
) -> str | None:
    """Returns a warning if some atoms came out without (finite) coordinates, else `None`.

    One residue without a reference conformer can leave the whole complex without coordinates, so
    the residues named are those without one; if all have one, those without coordinates.
    """
    unplaced = ~np.isfinite(coordinates).all(axis=1)
    if not unplaced.any():
        return None
    suspects = ~has_reference if not has_reference.all() else unplaced
    residues = dict.fromkeys(
        f"{tokens.chain_id[row]} {tokens.residue_id[row]} ({tokens.residue_name[row]})"
        for row in atoms.token[suspects]
    )
    cause = "without a reference conformer" if not has_reference.all() else "of residues"
    return (
        f"{unplaced.sum()} of {len(unplaced)} atoms have no coordinates, {cause}: "
        f"{', '.join(residues)}. Scores that need them are null. If the component is yours, give "
        "it ideal coordinates in userCCD."
    )
