"""Telling a user which residues the network knew too little of to place them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32

from af3cli.tokens.types import Atoms, Tokens

_ADVICE = "If the component is yours, give it ideal coordinates in userCCD."


def explain_conformers(
    tokens: Tokens, atoms: Atoms, has_conformer: Bool[np.ndarray, "atom"]
) -> str | None:
    """Returns a warning that names the residues without a reference conformer, if there are any."""
    if has_conformer.all():
        return None
    return (
        f"no reference conformer is known of {_residues(tokens, atoms, ~has_conformer)}: where "
        f"these atoms are placed means little, and confidences that need frames of them are null. "
        f"{_ADVICE}"
    )


def explain_unplaced(
    tokens: Tokens,
    atoms: Atoms,
    coordinates: Float32[np.ndarray, "atom 3"],
    has_conformer: Bool[np.ndarray, "atom"],
) -> str | None:
    """Returns a warning if some atoms came out without (finite) coordinates, else `None`.

    One residue without a reference conformer can leave the whole complex without coordinates, so
    the residues named are those without one; if all have one, those without coordinates.
    """
    unplaced = ~np.isfinite(coordinates).all(axis=1)
    if not unplaced.any():
        return None
    suspects = ~has_conformer if not has_conformer.all() else unplaced
    cause = "without a reference conformer" if not has_conformer.all() else "of residues"
    return (
        f"{unplaced.sum()} of {len(unplaced)} atoms have no coordinates, {cause}: "
        f"{_residues(tokens, atoms, suspects)}. Confidences and scores are null. {_ADVICE}"
    )


def _residues(tokens: Tokens, atoms: Atoms, which: Bool[np.ndarray, "atom"]) -> str:
    """Returns the residues of some atoms, such as B 1 (ATP)."""
    names = (
        f"{tokens.chain_id[row]} {tokens.residue_id[row]} ({tokens.residue_name[row]})"
        for row in atoms.token[which]
    )
    return ", ".join(dict.fromkeys(names))
