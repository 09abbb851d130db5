"""Token features: the numbers of `Tokens` that the network reads."""

from __future__ import annotations

import numpy as np

from af3cli.features.types import TokenFeatures
from af3cli.tokens.types import Tokens


def token_features(tokens: Tokens) -> TokenFeatures:
    """Returns the token features at natural size."""
    return TokenFeatures(
        mask=np.ones(len(tokens), bool),
        token_index=np.arange(1, len(tokens) + 1, dtype=np.int32),
        residue_index=tokens.residue_id,
        residue_type=tokens.residue_type,
        asym_id=tokens.asym_id,
        entity_id=tokens.entity_id,
        sym_id=tokens.sym_id,
        ref_space_uid=tokens.ref_space_uid,
        atom_start=tokens.atom_start,
        atom_count=tokens.atom_count,
    )
