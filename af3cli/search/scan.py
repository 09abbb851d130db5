"""One pass over a database file for several queries at once, on all processors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event, Lock

from af3cli.processors import num_processors
from af3cli.search.fasta import Block, fasta_blocks, reading_errors
from af3cli.search.hits import HitCollector, Row
from af3cli.search.hmmer import Query, RecordSearch


def scan(
    path: Path,
    queries: Sequence[Query],
    database_size: float | None = None,
    num_threads: int | None = None,
    on_progress: Callable[[int], None] = lambda bytes_read: None,
    block_bytes: int | None = None,
) -> list[list[Row]]:
    """Searches a FASTA file, once, for all `queries` (of one molecule); returns each query's rows.

    Every thread takes block after block, so that memory does not grow with the file. Without
    `database_size` E-values are for the size of this file. `on_progress` is told, by one thread at
    a time, how many bytes have been read. Raises `InputError` if the file is not a database of the
    queries' molecule.
    """
    num_threads = num_threads or num_processors()
    collectors = [HitCollector(query.options, database_size) for query in queries]
    furthest = 0
    taking, collecting, stopped = Lock(), Lock(), Event()

    def work(blocks: Iterator[Block]) -> None:
        nonlocal furthest
        search = RecordSearch(queries)
        while not stopped.is_set():
            with taking:
                block = next(blocks, None)
            if block is None:
                return
            with reading_errors(path):
                found = search.run(block.records, path)
            with collecting:
                for collector, block_hits in zip(collectors, found, strict=True):
                    collector.add(block_hits.hits, block_hits.size)
                furthest = max(furthest, block.bytes_read)
                on_progress(furthest)

    with (
        fasta_blocks(path, queries[0].molecule, block_bytes) as blocks,
        ThreadPoolExecutor(num_threads, thread_name_prefix="search") as pool,
    ):
        threads = [pool.submit(work, blocks) for _ in range(num_threads)]
        try:
            wait(threads, return_when=FIRST_EXCEPTION)
        finally:
            stopped.set()
        for thread in threads:
            thread.result()
    return [collector.rows() for collector in collectors]
