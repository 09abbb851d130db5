"""The HMMER programs, called with the options of the official data pipeline.

Their output is turned into A3M here by a second, plain implementation: this is the reference.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

needs_hmmer = pytest.mark.skipif(
    any(
        shutil.which(name) is None
        for name in ("jackhmmer", "nhmmer", "hmmbuild", "hmmalign", "hmmsearch")
    ),
    reason="the HMMER programs are not installed (apt-get install hmmer)",
)


def jackhmmer(folder: Path, query: str, database: Path, *options: str) -> list[tuple[str, str]]:
    """Header and row of each line of the alignment below the query."""
    fasta, stockholm = _query_file(folder, query), folder / "out.sto"
    filters = ("--F1", "0.0005", "--F2", "5e-05", "--F3", "5e-07")
    evalues = ("-E", "0.0001", "--incE", "0.0001")
    output = ("-o", "/dev/null", "--noali", "-A", stockholm)
    _run(
        "jackhmmer", *output, *filters, "--cpu", "1", "-N", "1", *evalues, *options, fasta, database
    )
    return _a3m(stockholm, first_is_query=True)[1:]


def nhmmer(folder: Path, query: str, database: Path, *options: str) -> list[tuple[str, str]]:
    """Header and row of each line of the alignment below the query."""
    fasta, stockholm, profile = _query_file(folder, query), folder / "out.sto", folder / "q.hmm"
    stockholm.touch()
    f3 = "0.02" if len(query) < 50 else "1e-05"
    output = ("-o", "/dev/null", "--noali", "-A", stockholm)
    _run(
        "nhmmer",
        *output,
        "--cpu",
        "1",
        "-E",
        "0.001",
        "--rna",
        "--F3",
        f3,
        *options,
        fasta,
        database,
    )
    hits = _a3m(stockholm, first_is_query=False)
    if not hits:
        return []
    sequences = folder / "hits.fasta"
    sequences.write_text("".join(f">{name}\n{row.replace('-', '')}\n" for name, row in hits))
    _run("hmmbuild", "--informat", "afa", "--rna", profile, fasta)
    aligned = _run("hmmalign", "--outformat", "A2M", profile, sequences)
    return _fasta(aligned)


def hmmsearch(folder: Path, stockholm_query: str, database: Path) -> list[tuple[str, str]]:
    """Header and row of each hit, over the columns that the query's reference line marks."""
    query, profile, stockholm = folder / "query.sto", folder / "q.hmm", folder / "out.sto"
    query.write_text(stockholm_query)
    _run("hmmbuild", "--informat", "stockholm", "--hand", "--amino", profile, query)
    evalues = [part for name in ("-E", "--incE", "--domE", "--incdomE") for part in (name, "100")]
    filters = [part for name in ("--F1", "--F2", "--F3") for part in (name, "0.1")]
    _run("hmmsearch", "--noali", *filters, *evalues, "-A", stockholm, profile, database)
    return _a3m(stockholm, first_is_query=False)


def _run(*command: str | Path) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def _query_file(folder: Path, query: str) -> Path:
    path = folder / "query.a3m"
    lines = [query[i : i + 80] for i in range(0, len(query), 80)]
    path.write_text("\n".join([">query", *lines]) + "\n")
    return path


def _a3m(stockholm: Path, first_is_query: bool) -> list[tuple[str, str]]:
    """Rows of a Stockholm file; with a query, columns in which it has a gap are insertions."""
    rows: dict[str, str] = {}
    descriptions: dict[str, str] = {}
    for line in stockholm.read_text().splitlines():
        if line.startswith("#=GS"):
            _, name, feature, *rest = line.split(maxsplit=3)
            if feature == "DE":
                descriptions[name] = rest[0].strip() if rest else ""
        elif line.strip() and not line.startswith(("#", "//")):
            name, part = line.split()
            rows[name] = rows.get(name, "") + part
    if first_is_query:
        query = next(iter(rows.values()))
        rows = {name: _over_query(row, query) for name, row in rows.items()}
    return [
        (f"{name} {descriptions.get(name, '')}".strip(), row.replace(".", ""))
        for name, row in rows.items()
    ]


def _over_query(row: str, query: str) -> str:
    return "".join(
        letter if column != "-" else letter.lower().replace("-", "")
        for letter, column in zip(row, query, strict=True)
    )


def _fasta(text: str) -> list[tuple[str, str]]:
    records = []
    for record in text.split(">")[1:]:
        header, _, body = record.partition("\n")
        records.append((header.strip(), body.replace("\n", "")))
    return records


def evalues_and_scores(folder: Path, query: str, database: Path, z: float) -> dict[str, tuple]:
    """The printed E-value and score of each target that jackhmmer reports."""
    fasta, table = _query_file(folder, query), folder / "table.txt"
    filters = ("--F1", "0.0005", "--F2", "5e-05", "--F3", "5e-07")
    sizes = ("-Z", str(z), "--domZ", str(z), "-E", "0.0001", "--incE", "0.0001")
    output = ("-o", "/dev/null", "--noali", "--tblout", table)
    _run("jackhmmer", *output, *filters, "--cpu", "1", "-N", "1", *sizes, fasta, database)
    lines = [line for line in table.read_text().splitlines() if not line.startswith("#")]
    return {line.split()[0]: tuple(map(float, line.split()[4:6])) for line in lines}
