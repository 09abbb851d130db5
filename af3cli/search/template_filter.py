"""Which hits of a template search are used, and how their residues stand for the query's.

Limits are those of the official data pipeline (google-deepmind/alphafold3 v3.0.4).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from af3cli.errors import InputError
from af3cli.job.limits import MAX_TEMPLATES
from af3cli.job.types import Template
from af3cli.search.hits import Row
from af3cli.wording import counted

_MIN_HIT_LENGTH = 10
_MIN_ALIGNED_FRACTION = 0.1
# Hits that are this much of the query, letter by letter, may be the structure asked for.
_MAX_COPY_FRACTION = 0.95

# 4pqx_A/2-217 [subseq from] mol:protein length:217  free text
_PDB_HEADER = re.compile(
    r"(?P<entry>[a-z0-9]{4,})_(?P<chain>\w+)/(?P<start>\d+)-(?P<end>\d+)"
    r" .* length:(?P<length>[0-9]{1,9})\b"
)


@dataclass(frozen=True, slots=True)
class StructureChain:
    """A chain of a PDB entry: letters of all its residues, 0-based indices of those not seen.

    `template` is the chain by itself; its index lists are not yet those of a query.
    """

    sequence: str
    unresolved: frozenset[int]
    release_date: date
    template: Template


@dataclass(frozen=True, slots=True)
class TemplateHit:
    """A hit in a database of PDB sequences; `start` and `end` are 0-based, end exclusive.

    `full_length` is that of the whole PDB sequence, `aligned` a row of A3M over the query.
    """

    entry: str
    chain: str
    start: int
    end: int
    full_length: int
    aligned: str

    @property
    def sequence(self) -> str:
        """The residues of the hit, without gaps."""
        return self.aligned.replace("-", "").upper()

    def columns(self) -> dict[int, int]:
        """Which residue of the hit (from 0) stands in each column of the query."""
        places: dict[int, int] = {}
        column = residue = 0
        for letter in self.aligned:
            if letter.isupper():
                places[column] = residue
            column += not letter.islower()
            residue += letter != "-"
        return places


# The chain of a PDB entry by the entry's id and the author's chain id; `None` if there is none.
FetchChain = Callable[[str, str], StructureChain | None]


def choose_templates(
    query: str,
    rows: Sequence[Row],
    fetch: FetchChain,
    latest: date,
    on_note: Callable[[str], None],
) -> tuple[Template, ...]:
    """Returns the first hits that pass all filters, at most four, no two alike for the network.

    `rows` are those of a search of PDB sequences with the profile of `query`, best first.
    Structures released after `latest` are not used. Records that are no PDB chains are told with
    `on_note` and passed over. Raises `InputError` if all are, which is another database.
    """
    chosen: dict[str, Template] = {}
    for hit in _pdb_hits(rows, on_note):
        if not _is_useful(hit, query):
            continue
        chain = fetch(hit.entry, hit.chain)
        if chain is None or chain.release_date > latest:
            continue
        mapping = residue_mapping(hit, chain.sequence)
        if mapping is None or not set(mapping.values()) - chain.unresolved:
            continue
        if len(mapping) <= _MIN_ALIGNED_FRACTION * len(query):
            continue
        letters = ["-"] * len(query)
        for column, residue in mapping.items():
            letters[column] = chain.sequence[residue]
        chosen.setdefault("".join(letters), _template(chain, mapping))
        if len(chosen) == MAX_TEMPLATES:
            break
    return tuple(chosen.values())


def _pdb_hits(rows: Sequence[Row], on_note: Callable[[str], None]) -> list[TemplateHit]:
    """The hits of rows that are PDB chains; see `choose_templates`."""
    hits = [_hit(row) for row in rows]
    foreign = [row for row, hit in zip(rows, hits, strict=True) if hit is None]
    if foreign:
        problem = (
            f"the template database has a record {foreign[0].name.rpartition('/')[0]!r} that is no "
            "PDB chain; its headers must be like '>4pqx_A mol:protein length:217'"
        )
        if len(foreign) == len(rows):
            raise InputError(problem)
        on_note(f"{problem}; {counted(len(foreign), 'such hit')} of {len(rows)} passed over")
    return [hit for hit in hits if hit is not None]


def _hit(row: Row) -> TemplateHit | None:
    """The hit that a row is, `None` if it is no PDB chain.

    A record that goes on beyond the length in its header is at least as long as the hit goes.
    """
    header = _PDB_HEADER.match(row.header)
    if header is None:
        return None
    end = int(header["end"])
    return TemplateHit(
        entry=header["entry"],
        chain=header["chain"],
        start=int(header["start"]) - 1,
        end=end,
        full_length=max(int(header["length"]), end),
        aligned=row.aligned,
    )


def _is_useful(hit: TemplateHit, query: str) -> bool:
    """Whether a hit is long enough, and no near-complete copy of the query."""
    is_copy = len(hit.sequence) > _MAX_COPY_FRACTION * len(query) and hit.sequence in query
    return len(hit.sequence) >= _MIN_HIT_LENGTH and not is_copy


def _template(chain: StructureChain, mapping: dict[int, int]) -> Template:
    return replace(
        chain.template,
        query_indices=tuple(mapping),
        template_indices=tuple(mapping.values()),
    )


def residue_mapping(hit: TemplateHit, structure: str) -> dict[int, int] | None:
    """Returns which residue of a structure (from 0) stands in each column of the query.

    `structure` has the letters of all residues of the chain in the structure file. Where these are
    fewer than in the sequence database, the hit is aligned to them: residues may be missing from
    the structure anywhere. `None` if the structure has more residues than the database.
    """
    columns = hit.columns()
    is_same = hit.sequence == structure[hit.start : hit.end]
    if is_same or hit.full_length == len(structure):
        return {column: residue + hit.start for column, residue in columns.items()}
    num_missing = hit.full_length - len(structure)
    if num_missing < 0:
        return None
    best_matches, best_start, best_places = -1, 0, {}
    for before in range(min(hit.start, num_missing) + 1):
        start = hit.start - before
        part = structure[start : hit.end - before]
        places, matches = _align_with_gaps(hit.sequence, part, num_missing - before)
        if matches >= best_matches:
            best_matches, best_start, best_places = matches, start, places
    return {
        column: best_places[residue] + best_start
        for column, residue in columns.items()
        if residue in best_places
    }


def _align_with_gaps(hit: str, structure: str, max_gaps: int) -> tuple[dict[int, int], int]:
    """Walks along both, skipping residues of the hit where that makes the next letters equal.

    Returns the structure's residue for each of the hit's, and how many of them are equal.
    """
    places: dict[int, int] = {}
    matches = position = 0
    for residue, letter in enumerate(structure):
        if position >= len(hit):
            break
        skipped = hit[position : position + max_gaps + 1].find(letter)
        if skipped > 0:
            position += skipped
            max_gaps -= skipped
        places[position] = residue
        matches += hit[position] == letter
        position += 1
    return places, matches
