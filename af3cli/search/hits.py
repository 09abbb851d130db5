"""What a search finds, and how what is found becomes rows of an alignment."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from af3cli.search.catalogue import SearchOptions


@dataclass(frozen=True, slots=True)
class Region:
    """One aligned region of a target.

    `aligned` is a row of A3M over the columns of the query. `pvalue` is of the region alone.
    """

    start: int
    end: int
    pvalue: float
    aligned: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A target with those of its regions that may be significant.

    `score` is in bits. `evalue` is that of a database of the size 1, see `HitCollector`.
    """

    name: str
    description: str
    score: float
    evalue: float
    regions: tuple[Region, ...]

    @property
    def order(self) -> tuple[float, str, bool, int]:
        """Sort key: best score first, then as HMMER breaks ties: name, strand, position."""
        start, end = (self.regions[0].start, self.regions[0].end) if self.regions else (0, 0)
        return -self.score, self.name, start > end, start


@dataclass(frozen=True, slots=True)
class Row:
    """One row of an alignment, with the E-value and the score (bits) of its whole target."""

    name: str
    description: str
    evalue: float
    score: float
    aligned: str

    @property
    def header(self) -> str:
        return f"{self.name} {self.description}".rstrip()


class HitCollector:
    """Keeps the best hits of one query while a database goes by.

    E-values scale with the size of the database, which is known at its end only. Hits come with
    the E-value for size 1; `database_size` fixes the size beforehand. Memory is bounded: no more
    targets are kept than there may be rows, which the official program does too.
    """

    def __init__(self, options: SearchOptions, database_size: float | None) -> None:
        self._options = options
        self._fixed_size = database_size
        self._seen = 0.0
        self._hits: list[Hit] = []
        self._evalues: list[float] = []

    def add(self, hits: Iterable[Hit], size: float) -> None:
        """Takes the hits of a part of the database that is `size` large."""
        self._seen += size
        bound = self._options.evalue / self._size
        new = [hit for hit in hits if hit.evalue <= bound]
        self._evalues += [hit.evalue for hit in new]
        self._hits += new
        limit = self._options.max_rows
        if limit is not None and len(self._hits) > 2 * limit:
            self._hits = sorted(self._hits, key=lambda hit: hit.order)[:limit]

    def rows(self) -> list[Row]:
        """The rows of the hits that are significant in the whole database, best first."""
        options, size = self._options, self._size
        num_reported = sum(evalue * size <= options.evalue for evalue in self._evalues)
        region_size = num_reported if self._fixed_size is None else size
        rows = []
        for hit in sorted(self._hits, key=lambda hit: hit.order)[: options.max_rows]:
            if hit.evalue * size > options.evalue:
                continue
            rows += [
                Row(
                    f"{hit.name}/{region.start}-{region.end}",
                    hit.description,
                    hit.evalue * size,
                    hit.score,
                    region.aligned,
                )
                for region in hit.regions
                if region.pvalue * region_size <= options.region_evalue
            ]
        return rows[: None if options.max_rows is None else options.max_rows - 1]

    @property
    def _size(self) -> float:
        return self._seen if self._fixed_size is None else self._fixed_size


def merge_shards(shards: Sequence[Sequence[Row]], options: SearchOptions) -> list[Row]:
    """Returns the rows of all shards of one database, best first, cut to the limit.

    The official program compares E-values (and scores of proteins) as HMMER prints them, then
    names; so do we, as else rows of nearly equal significance would come in another order.
    """

    def order(row: Row) -> tuple[float, float, str]:
        printed = float(f"{row.evalue:.2g}")
        if options.tool == "nhmmer":
            return printed, 0.0, row.name
        return printed, -float(f"{row.score:.1f}"), row.name.rpartition("/")[0]

    merged = list(heapq.merge(*shards, key=order))
    return merged[: None if options.max_rows is None else options.max_rows - 1]
