"""Compares `af3cli.search` with HMMER's jackhmmer on the same database, in one run.

Makes a protein database by mutation (2 GB by default), then searches it with both, with the
options of the official data pipeline and the same number of processors, and prints residues of the
database searched per second and peak memory. Each search is a process of its own. Run with:

    python benchmarks/search.py [--gigabytes 2] [--folder DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
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


def measure(command: list[str]) -> tuple[float, float, float, str]:
    """Runs a process; returns its seconds, processor seconds, peak memory in MB and output."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed")
    seconds = time.perf_counter() - start
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output


def jackhmmer(folder: Path, database: Path, query: str, num_threads: int) -> tuple:
    """Seconds, processor seconds, peak memory in MB, and the names of the alignment's rows."""
    fasta, stockholm = folder / "query.fasta", folder / "out.sto"
    fasta.write_text(f">query\n{query}\n")
    filters = ["--F1", "0.0005", "--F2", "5e-05", "--F3", "5e-07"]
    evalues = ["-N", "1", "-E", "0.0001", "--incE", "0.0001", "--cpu", str(num_threads)]
    command = ["jackhmmer", "-o", "/dev/null", "-A", str(stockholm), "--noali", *filters, *evalues]
    *figures, _ = measure([*command, str(fasta), str(database)])
    lines = stockholm.read_text().splitlines()
    names = [line.split()[1] for line in lines if line.startswith("#=GS")]
    return *figures, names[:9_999]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--cpus", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    table = np.repeat(AMINO_ACIDS, FREQUENCIES)
    queries = [rng.choice(table, length).tobytes().decode() for length in QUERY_LENGTHS]
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        database = folder / "database.fasta"
        with ProcessPoolExecutor(1) as pool:  # a child starts with its parent's peak memory
            made = pool.submit(make_database, database, options.gigabytes * 1e9, queries)
            num_residues = made.result()
        print(
            f"{database.stat().st_size / 1e9:.2f} GB, {num_residues:,} residues, on {options.cpus}"
        )
        ours = [sys.executable, "-c", _OURS, str(database), str(options.cpus)]
        total = 0.0
        for query in queries:
            *theirs, expected = jackhmmer(folder, database, query, options.cpus)
            *figures, output = measure([*ours, query])
            total += theirs[0]
            show(f"jackhmmer, query of {len(query)}", num_residues, *theirs)
            show(f"af3cli, query of {len(query)}", num_residues, *figures)
            (names,) = json.loads(output)
            print(f"  rows: {len(names)}, {'equal' if names == expected else 'DIFFERENT'}")
        *figures, _ = measure([*ours, *queries])
        show("af3cli, all queries at once", num_residues * len(queries), *figures)
        print(f"  jackhmmer one by one: {total:.1f} s")


def show(what: str, num_residues: int, seconds: float, processor: float, memory: float) -> None:
    rate = num_residues / seconds / 1e6
    print(
        f"{what:<28} {seconds:7.1f} s ({processor:6.1f} s of processor) "
        f"{rate:7.1f} million residues/s {memory:6.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
