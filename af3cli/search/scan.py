"""One pass over a database file for several queries at once, on all processors."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from af3cli.errors import InputError
from af3cli.search.fasta import BLOCK_BYTES, Block, fasta_blocks
from af3cli.search.hits import HitCollector, Row
from af3cli.search.hmmer import BlockHits, Query, search_records

# Blocks that are waiting or being searched, for each processor.
_BLOCKS_PER_PROCESSOR = 2


def num_processors() -> int:
    """Returns how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def scan(
    path: Path,
    queries: Sequence[Query],
    database_size: float | None = None,
    num_threads: int | None = None,
    on_progress: Callable[[int], None] = lambda bytes_read: None,
    block_bytes: int = BLOCK_BYTES,
) -> list[list[Row]]:
    """Searches a FASTA file, once, for all `queries` (of one molecule); returns each query's rows.

    The file is read in blocks, so that memory does not grow with it. Without `database_size`
    E-values are for the size of this file. `on_progress` is told how many bytes have been read.
    Raises `InputError` if the file is not a database of the queries' molecule.
    """
    collectors = [HitCollector(query.options, database_size) for query in queries]
    num_threads = num_threads or num_processors()

    def search(block: Block) -> list[BlockHits]:
        try:
            return search_records(queries, block.data)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    def collect(done: set[Future]) -> None:
        for future in done:
            for collector, found in zip(collectors, future.result(), strict=True):
                collector.add(found.hits, found.size)

    pool = ThreadPoolExecutor(num_threads, thread_name_prefix="search")
    try:
        running: set[Future] = set()
        for block in fasta_blocks(path, queries[0].molecule, block_bytes):
            if len(running) >= _BLOCKS_PER_PROCESSOR * num_threads:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                collect(done)
            running.add(pool.submit(search, block))
            on_progress(block.bytes_read)
        collect(running)
    finally:
        pool.shutdown(cancel_futures=True)
    return [collector.rows() for collector in collectors]
