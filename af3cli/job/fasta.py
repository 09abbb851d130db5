"""FASTA files as jobs: one job per record, or all records as one complex."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from af3cli.errors import InputError
from af3cli.job.chain_ids import chain_id
from af3cli.job.names import file_name
from af3cli.job.options import FastaOptions
from af3cli.job.problems import Problems
from af3cli.job.textfile import read_text
from af3cli.job.types import Dna, Job, Protein, Rna
from af3cli.job.validate import check_job

DEFAULT_SEED = 1

_POLYMERS = {"protein": Protein, "rna": Rna, "dna": Dna}
# So that files and folders can be called after records, with something behind the name.
_MAX_NAME_LENGTH = 150
_ALIGNMENT_SUFFIXES = (".a3m", ".a3m.gz", ".a3m.xz", ".a3m.zst")


@dataclass(frozen=True, slots=True)
class _Record:
    """One record: its place in the file, its name made safe, and its polymers without ids."""

    place: str
    name: str
    polymers: tuple[Protein | Rna | Dna, ...]
    notes: tuple[str, ...]


def fasta_jobs(text: str, source: str, options: FastaOptions | None = None) -> list[Job]:
    """The jobs of a FASTA text.

    What a sequence is, is told by the header (`>name|protein`, `|rna`, `|dna`) or by its letters.
    Colons separate chains of one record. Lower case counts as upper case, a final `*` is dropped.
    Names that recur get a number. Raises `InputError` with everything that is wrong.
    """
    options = options or FastaOptions()
    problems = Problems()
    records = [
        _record(number, header, sequence, options.msa_dir, problems)
        for number, (header, sequence) in enumerate(_parse(text), start=1)
    ]
    if not records:
        raise InputError(f"{source}: has no record; each starts with a line '>name'")
    if options.is_complex:
        name = file_name(Path(source).name.split(".")[0]) or "complex"
        groups = [(name, records)]
    else:
        groups = [(record.name, [record]) for record in records]
    jobs = [_job(name, group, problems) for name, group in groups]
    problems.raise_if_any(source)
    return _with_unique_names(jobs)


def _parse(text: str) -> Iterator[tuple[str, str]]:
    """Headers and sequences; lines that begin with a semicolon are comments."""
    header: str | None = None
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.startswith(">"):
            if header is not None:
                yield header, "".join(lines)
            header, lines = line[1:].strip(), []
        elif header is not None and not line.startswith(";"):
            lines.append("".join(line.split()))
    if header is not None:
        yield header, "".join(lines)


def _record(
    number: int, header: str, sequence: str, msa_dir: Path | None, problems: Problems
) -> _Record:
    words = header.split()
    name, kind = words[0] if words else "", None
    match = re.fullmatch(r"(.*)\|(protein|rna|dna)", name, re.IGNORECASE)
    if match:
        name, kind = match[1], match[2].lower()
    place = f"record {number} ({name[:40]})" if name else f"record {number}"
    if match := re.search(r"\|(ligand|smiles|ccd|ion)$", name, re.IGNORECASE):
        problems.add(place, f"FASTA has no place for a {match[1].lower()}; write the job as JSON")
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", name)[:_MAX_NAME_LENGTH].strip("_.")
    name = name or f"sequence_{number}"
    notes: list[str] = []
    polymers = []
    for part in sequence.removesuffix("*").upper().split(":"):
        guess, reason = _guess_kind(part)
        if kind is None and reason and guess:
            notes.append(f"{place}: {reason}")
        elif kind is None and reason:
            problems.add(place, reason)
        polymer = _POLYMERS[kind or guess or "protein"]((), part)
        polymers.append(polymer)
    if msa_dir and len(polymers) == 1 and not isinstance(polymers[0], Dna):
        polymers[0], note = _with_alignment(polymers[0], name, msa_dir, place, problems)
        notes += note
    return _Record(place, name, tuple(polymers), tuple(notes))


def _guess_kind(sequence: str) -> tuple[str | None, str]:
    """What a sequence is by its letters, and what is doubtful about that."""
    letters = set(sequence)
    if not letters or letters - set("ACGTUN"):
        return "protein", ""
    if "U" in letters and "T" not in letters:
        return "rna", "taken for RNA by its letters; otherwise write >name|protein"
    if "T" in letters and "U" not in letters:
        return "dna", "taken for DNA by its letters; otherwise write >name|protein"
    return None, (
        "its letters do not tell whether it is protein, RNA or DNA; write so behind the name: "
        ">name|rna"
    )


def _with_alignment(
    polymer: Protein | Rna, name: str, msa_dir: Path, place: str, problems: Problems
) -> tuple[Protein | Rna, list[str]]:
    """The polymer with the alignment of its name, if the folder has one."""
    for suffix in _ALIGNMENT_SUFFIXES:
        path = msa_dir / f"{name}{suffix}"
        if path.is_file():
            try:
                a3m = read_text(path)
            except InputError as error:
                problems.add(place, str(error))
                return polymer, []
            polymer = replace(polymer, unpaired_msa=a3m)
            return (
                replace(polymer, paired_msa="") if isinstance(polymer, Protein) else polymer
            ), []
    return polymer, [f"{place}: {msa_dir} has no {name}.a3m"]


def _job(name: str, records: list[_Record], problems: Problems) -> Job:
    """One job of some records; equal chains are copies of one entity."""
    copies: dict[Protein | Rna | Dna, list[str]] = {}
    places: dict[Protein | Rna | Dna, str] = {}
    number = 0
    for record in records:
        for polymer in record.polymers:
            copies.setdefault(polymer, []).append(chain_id(number))
            places.setdefault(polymer, record.place)
            number += 1
    entities = tuple(replace(polymer, ids=tuple(ids)) for polymer, ids in copies.items())
    notes = tuple(note for record in records for note in record.notes)
    job = Job(name, (DEFAULT_SEED,), entities, notes=notes)
    found = Problems()
    for i, (polymer, place) in enumerate(places.items()):
        found.rename(f"sequences[{i}].{type(polymer).__name__.lower()}", place)
    check_job(job, found)
    problems.include(found, "")
    return job


def _with_unique_names(jobs: list[Job]) -> list[Job]:
    """Jobs whose names recur get `_2`, `_3`, ... and a note."""
    taken = {job.name for job in jobs}
    uses: Counter[str] = Counter()
    unique = []
    for job in jobs:
        name = job.name
        uses[name] += 1
        while uses[job.name] > 1 and name in taken:
            name = f"{job.name}_{uses[job.name]}"
            uses[job.name] += name in taken
        taken.add(name)
        if name != job.name:
            job = replace(
                job, name=name, notes=(*job.notes, f"{job.name} is there already; called {name}")
            )
        unique.append(job)
    return unique
