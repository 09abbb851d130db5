"""The alignment rows that a database has for queries: kept ones, or those of a new search."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from af3cli.search.cache import Cache, digest
from af3cli.search.catalogue import CATALOGUE, search_options
from af3cli.search.databases import Database, file_digest
from af3cli.search.events import ChainSearched, OnEvent, ScanAdvanced, ScanFinished, ScanStarted
from af3cli.search.hits import Row, merge_shards
from af3cli.search.hmmer import Query, database_size, sequence_query
from af3cli.search.plan import TEMPLATE_DATABASE
from af3cli.search.profile import profile_query
from af3cli.search.rna_alignment import align_to_query
from af3cli.search.scan import scan

# Changes when a search makes other rows of the same hits, so that older ones are not used.
_ROWS = "rows 2"


@dataclass(frozen=True)
class DatabaseRows:
    """Looks queries up in databases; every file is read once for all queries of a call."""

    cache: Cache
    on_event: OnEvent
    num_threads: int | None = None

    def find(self, database: Database, labels: Mapping[str, str]) -> dict[str, list[Row]]:
        """Returns each query's rows, best first.

        A query is a sequence, or an alignment (A3M) whose profile is searched for in the template
        database. `labels` says what to call each. Raises `InputError` if a file cannot be used;
        the results of files that were finished before are kept.
        """
        parts = [self._find_in_file(database, path, labels) for path in database.files]
        found = {}
        for query, label in labels.items():
            rows, was_cached = zip(*(part[query] for part in parts), strict=True)
            options = search_options(database.name, len(query))
            found[query] = merge_shards(rows, options) if database.is_sharded else rows[0]
            self.on_event(ChainSearched(label, database.name, len(found[query]), all(was_cached)))
        return found

    def _find_in_file(
        self, database: Database, path: Path, labels: Mapping[str, str]
    ) -> dict[str, tuple[list[Row], bool]]:
        """Each query's rows in one file, and whether they were known before."""
        keys = {query: _key(database, path, query) for query in labels}
        kept = {query: self.cache.rows(key) for query, key in keys.items()}
        missing = [query for query, rows in kept.items() if rows is None]
        found = {query: (rows, True) for query, rows in kept.items() if rows is not None}
        if missing:
            chains = tuple(labels[query] for query in missing)
            self.on_event(ScanStarted(database.name, path.name, path.stat().st_size, chains))
            start = time.monotonic()
            for query, rows in zip(missing, self._scan(database, path, missing), strict=True):
                self.cache.keep_rows(keys[query], rows)
                found[query] = rows, False
            self.on_event(ScanFinished(time.monotonic() - start))
        return found

    def _scan(self, database: Database, path: Path, queries: list[str]) -> list[list[Row]]:
        molecule = CATALOGUE[database.name].molecule
        size = None if database.z is None else database_size(database.z, molecule)
        found = scan(
            path,
            [_query(database.name, query) for query in queries],
            size,
            self.num_threads,
            lambda bytes_read: self.on_event(ScanAdvanced(bytes_read)),
        )
        if molecule == "rna":
            found = [
                align_to_query(query, rows) for query, rows in zip(queries, found, strict=True)
            ]
        return found


def _query(database: str, query: str) -> Query:
    if database == TEMPLATE_DATABASE:
        return profile_query(query)
    return sequence_query(query, CATALOGUE[database].molecule, search_options(database, len(query)))


def _key(database: Database, path: Path, query: str) -> str:
    options = asdict(search_options(database.name, len(query)))
    program = f"pyhmmer {version('pyhmmer')}"
    return digest(_ROWS, program, query, options, database.z, file_digest(path))
