"""Compares `af3cli.search` with HMMER's jackhmmer on the same database, in one run.

Makes a protein database by mutation (2 GB by default), then searches it with both in turn, with the
options of the official data pipeline and the same number of processors. Prints the best of some
rounds: time, processor time, residues of the database searched per second, and peak memory, and the
ratios of the two. Each search is a process of its own, start and end included. On Linux only:

    python benchmarks/search.py [--gigabytes 2] [--rounds 3] [--folder DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

AMINO_ACIDS = np.frombuffer(b"ACDEFGHIKLMNPQRSTVWY", np.uint8)
FREQUENCIES = (83, 14, 55, 67, 39, 71, 23, 59, 58, 97, 24, 41, 47, 39, 55, 66, 53, 69, 11, 29)
QUERY_LENGTHS = (76, 150, 300, 600)
RECORDS_PER_RELATIVE = 500
RECORDS_AT_ONCE = 20_000

_OURS = """
import json, sys
from pathlib import Path
from af3cli.search.catalogue import search_options
from af3cli.search.hmmer import sequence_query
from af3cli.search.scan import scan
database, num_threads, *queries = sys.argv[1:]
made = [sequence_query(q, "protein", search_options("uniref90", len(q))) for q in queries]
rows = scan(Path(database), made, num_threads=int(num_threads))
print(json.dumps([[row.name for row in part] for part in rows]))
"""


def make_database(path: Path, num_bytes: float, queries: list[str]) -> int:
    """Writes random proteins and relatives of the queries; returns the number of residues."""
    rng = np.random.default_rng(1)
    table = np.repeat(AMINO_ACIDS, FREQUENCIES)
    num_residues = number = 0
    with path.open("wb") as file:
        while file.tell() < num_bytes:
            lengths = rng.integers(60, 660, RECORDS_AT_ONCE)
            letters = table[rng.integers(0, len(table), lengths.sum())].tobytes()
            ends = np.cumsum(lengths)
            records = []
            for start, end in zip(ends - lengths, ends, strict=True):
                sequence = letters[start:end]
                if number % RECORDS_PER_RELATIVE == 0:
                    sequence = mutated(rng, queries[number // RECORDS_PER_RELATIVE % len(queries)])
                num_residues += len(sequence)
                records.append(b">seq%d protein %d\n%s\n" % (number, number, sequence))
                number += 1
            file.write(b"".join(records))
    return num_residues


def mutated(rng: np.random.Generator, query: str) -> bytes:
    """A relative with a third of its residues changed, and one deletion."""
    letters = np.frombuffer(query.encode(), np.uint8).copy()
    changed = rng.random(len(letters)) < 0.35
    letters[changed] = rng.choice(AMINO_ACIDS, changed.sum())
    cut = int(rng.integers(1, len(letters) - 5))
    return letters[:cut].tobytes() + letters[cut + 4 :].tobytes()


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds by the clock, processor seconds of user and system, and peak memory in MB."""

    seconds: float
    processor: float
    memory: float


def measure(command: list[str], output: Path) -> Figures:
    """Runs a process, whose output goes to a file."""
    start = time.perf_counter()
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file)
    memory, ended = 0.0, 0
    while not ended:
        memory = max(memory, peak_memory(process.pid))
        time.sleep(0.01)
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed")
    seconds = time.perf_counter() - start
    return Figures(seconds, usage.ru_utime + usage.ru_stime, memory)


def peak_memory(process: int) -> float:
    """Peak resident memory so far in MB; what `wait4` tells includes that of this process."""
    status = Path(f"/proc/{process}/status").read_text()
    return sum(
        float(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")
    )


def jackhmmer(
    folder: Path, database: Path, queries: list[str], num_threads: int
) -> tuple[Figures, list[list[str]]]:
    """The figures, and the names of the rows of each query's alignment."""
    fasta, stockholm = folder / "query.fasta", folder / "out.sto"
    fasta.write_text("".join(f">query{i}\n{query}\n" for i, query in enumerate(queries)))
    filters = ["--F1", "0.0005", "--F2", "5e-05", "--F3", "5e-07"]
    evalues = ["-N", "1", "-E", "0.0001", "--incE", "0.0001", "--cpu", str(num_threads)]
    command = ["jackhmmer", "-o", "/dev/null", "-A", str(stockholm), "--noali", *filters, *evalues]
    figures = measure([*command, str(fasta), str(database)], folder / "out.txt")
    alignments = stockholm.read_text().split("# STOCKHOLM")[1:]
    names = [
        [line.split()[1] for line in alignment.splitlines() if line.startswith("#=GS")]
        for alignment in alignments
    ]
    return figures, [part[:9_999] for part in names]


def ours(
    folder: Path, database: Path, queries: list[str], num_threads: int
) -> tuple[Figures, list[list[str]]]:
    """The figures, and the names of the rows of each query's alignment."""
    output = folder / "out.json"
    command = [sys.executable, "-c", _OURS, str(database), str(num_threads), *queries]
    return measure(command, output), json.loads(output.read_text())


def compare(
    folder: Path, database: Path, queries: list[str], num_residues: int, options: argparse.Namespace
) -> None:
    """Searches for the queries with both programs in turn and prints the best figures."""
    lengths = ", ".join(str(len(query)) for query in queries)
    print(f"{'queries' if len(queries) > 1 else 'query'} of {lengths} residues", flush=True)
    best: dict[str, Figures] = {}
    for _ in range(options.rounds):
        names = []
        for program, search in (("jackhmmer", jackhmmer), ("af3cli", ours)):
            figures, found = search(folder, database, queries, options.cpus)
            best[program] = least(best.get(program, figures), figures)
            names.append(found)
        if names[0] != names[1]:
            raise SystemExit("the rows are DIFFERENT")
    for program, figures in best.items():
        rate = num_residues * len(queries) / figures.seconds / 1e6
        print(
            f"  {program:<10} {figures.seconds:8.2f} s {figures.processor:8.2f} s of processor "
            f"{rate:8.1f} million residues/s {figures.memory:6.0f} MB"
        )
    theirs, mine = best.values()
    print(
        f"  ratio      {mine.seconds / theirs.seconds:8.3f}   "
        f"{mine.processor / theirs.processor:8.3f}; "
        f"rows equal: {', '.join(str(len(part)) for part in names[0])}",
        flush=True,
    )


def least(first: Figures, second: Figures) -> Figures:
    """The best of both in time, and the worst in memory."""
    return Figures(
        min(first.seconds, second.seconds),
        min(first.processor, second.processor),
        max(first.memory, second.memory),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--cpus", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    table = np.repeat(AMINO_ACIDS, FREQUENCIES)
    queries = [rng.choice(table, length).tobytes().decode() for length in QUERY_LENGTHS]
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        database = folder / "database.fasta"
        num_residues = make_database(database, options.gigabytes * 1e9, queries)
        size = database.stat().st_size / 1e9
        print(f"{size:.2f} GB, {num_residues:,} residues, {options.cpus} processors")
        for query in queries:
            compare(folder, database, [query], num_residues, options)
        compare(folder, database, queries, num_residues, options)


if __name__ == "__main__":
    main()
