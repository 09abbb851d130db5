"""Pairing of alignment rows across chains by species.

Rows of one species in several chains are likely to be of one genome, so they are put side by side
(supplementary information of Abramson et al. 2024, section 2.3; Evans et al. 2021,
doi:10.1101/2021.10.04.463034).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int32, Shaped

MAX_PAIRED_ROWS = 8192
_MAX_ROWS_PER_SPECIES = 600
_NO_ROW = -1

# UniProt headers: database|accession (with isoform)|entry name, which ends in the species.
_UNIPROT_HEADER = re.compile(r"(?:sp|tr)\|[A-Z0-9]{6,10}(?:_\d+)?\|[A-Z0-9]{1,10}_([A-Z0-9]{1,5})")


def species_of(headers: Sequence[str]) -> Shaped[np.ndarray, "row"]:
    """Returns the UniProt species code of each header as `str` objects, "" where there is none."""
    matches = [_UNIPROT_HEADER.match(header.strip()) for header in headers]
    return np.array([match[1] if match else "" for match in matches], dtype=object)


def pair_rows(species: Sequence[Shaped[np.ndarray, "row"]]) -> Int32[np.ndarray, "row chain"]:
    """Returns which row of each chain's alignment stands in each paired row, -1 for none.

    `species` has one array of species codes per chain. The first paired row is the queries. Then
    come the species that most chains have; among those of equally many chains, rows that stand
    high in their alignments come first. Within a species rows pair in their order, as many as the
    chain with the fewest has.

    Sorting follows numpy's default, which is not stable: ties come as the official program on the
    same machine has them.
    """
    rows_of = [_rows_by_species(codes) for codes in species]
    num_chains = Counter(code for rows in rows_of for code in rows if code)
    blocks = [np.zeros((1, len(species)), np.int32)]
    for count in sorted(set(num_chains.values()) - {1}, reverse=True):
        if sum(map(len, blocks[1:])) >= MAX_PAIRED_ROWS:
            break
        shared = [code for code, chains in num_chains.items() if chains == count]
        block = np.concatenate([_pair_species(code, rows_of) for code in shared])
        with np.errstate(over="ignore"):
            rank = np.abs(np.prod(block.astype(np.float32), axis=1))
        blocks.append(block[np.argsort(rank)])
    return np.concatenate(blocks)[:MAX_PAIRED_ROWS]


def _rows_by_species(
    codes: Shaped[np.ndarray, "row"],
) -> dict[str, Int32[np.ndarray, "species_row"]]:
    if len(codes) == 1 and not codes[0]:
        return {}
    order = codes.argsort()
    names, starts = np.unique(codes[order], return_index=True)
    return dict(zip(names, np.split(order.astype(np.int32), starts[1:]), strict=True))


def _pair_species(
    code: str, rows_of: Sequence[dict[str, Int32[np.ndarray, "species_row"]]]
) -> Int32[np.ndarray, "paired_row chain"]:
    depth = min(_MAX_ROWS_PER_SPECIES, *(len(rows[code]) for rows in rows_of if code in rows))
    none = np.full(depth, _NO_ROW, np.int32)
    return np.stack([rows.get(code, none)[:depth] for rows in rows_of], axis=1)
