"""Confidences as the official program's JSON files: the same keys, order, decimals and layout.

Matrices of thousands of tokens are formatted by looking hundredths up in a table of texts, not by a
JSON library: 5,000 tokens take 4 s and make 0.25 GB of text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Float64, Int64, Shaped

from af3cli.scores.types import SampleConfidences, SampleScores
from af3cli.tokens.types import Atoms, Tokens

# Texts of 0.00 to 99.99 without a second zero after the point, then of an unknown value.
_MAX_HUNDREDTHS = 9999
_NULL = _MAX_HUNDREDTHS + 1


def confidences_json(tokens: Tokens, atoms: Atoms, confidences: SampleConfidences) -> bytes:
    """Returns the file of whole arrays: pLDDT, PAE, contact probabilities, whose rows are whose.

    Values are cut to what their decimals can show (pLDDT 99.99, PAE 99.9 Å); NaN becomes null.
    """
    table = _texts()
    parts = {
        "atom_chain_ids": _compact(tokens.chain_id[atoms.token].tolist()),
        "atom_plddts": _row(table, _hundredths(confidences.plddt, 99.99, 100)),
        "contact_probs": _matrix(table, confidences.contact_probs, 1.0, 100),
        "pae": _matrix(table, confidences.pae, 99.9, 10),
        "token_chain_ids": _compact(tokens.chain_id.tolist()),
        "token_res_ids": _compact(tokens.residue_id.tolist()),
    }
    lines = [b'  "%s": %s' % (key.encode(), text) for key, text in parts.items()]
    return b"{\n" + b",\n".join(lines) + b"\n}"


def summary_json(tokens: Tokens, scores: SampleScores) -> bytes:
    """Returns the file of summary figures, rounded to hundredths; NaN becomes null."""
    figures = {
        "chain_ids": tokens.chain_id.tolist(),
        **{name: _rounded(value) for name, value in vars(scores).items()},
    }
    return json.dumps(figures, sort_keys=True, indent=1, separators=(",", ": ")).encode()


def confidences_bytes(num_tokens: int, num_atoms: int) -> int:
    """Returns about how large `confidences_json` of a complex is: ten bytes a pair of tokens."""
    return 10 * num_tokens**2 + 12 * (num_tokens + num_atoms)


def _compact(values: Sequence[str | int]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode()


def _rounded(value: float | Float64[np.ndarray, "..."]) -> object:
    """Returns a number, or nested lists of them, with None for NaN."""
    rounded = np.round(np.asarray(value, np.float64), 2)
    return np.where(np.isnan(rounded), None, rounded.astype(object)).tolist()


def _texts() -> Shaped[np.ndarray, "value"]:
    """Returns the texts with a comma after each, as bytes of one length, zeros after the end."""
    texts = [f"{number / 100:.2f}" for number in range(_NULL)]
    texts = [text[:-1] if text.endswith("0") else text for text in texts]
    return np.array([*(f"{text}," for text in texts), "null,"], dtype="S6")


def _hundredths(
    values: Float32[np.ndarray, "..."], largest: float, steps: int
) -> Int64[np.ndarray, "..."]:
    """Returns rows of the table of texts, for values rounded to 1/`steps` in single precision."""
    known = np.clip(values.astype(np.float32), np.float32(0), np.float32(largest))
    scaled = (known * np.float32(steps)).astype(np.float64)
    whole = np.floor(np.where(np.isnan(scaled), 0, scaled) + 0.5).astype(np.int64)
    return np.where(np.isnan(scaled), _NULL, whole * (100 // steps))


def _row(table: Shaped[np.ndarray, "value"], indices: Int64[np.ndarray, "column"]) -> bytes:
    """Returns a list of numbers."""
    return b"[" + table[indices].tobytes().translate(None, b"\0")[:-1] + b"]"


def _matrix(
    table: Shaped[np.ndarray, "value"],
    values: Float32[np.ndarray, "row column"],
    largest: float,
    steps: int,
) -> bytes:
    """Returns a list of lists of numbers."""
    rows = (_row(table, _hundredths(row, largest, steps)) for row in values)
    return b"[" + b",".join(rows) + b"]"
