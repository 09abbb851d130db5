"""FASTA files as jobs: one job per record, or all records as one complex."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from af3cli.errors import InputError
from af3cli.job.chain_ids import chain_id
from af3cli.job.draft import Draft, JobFile
from af3cli.job.limits import DEFAULT_SEED
from af3cli.job.names import file_name
from af3cli.job.options import FastaOptions
from af3cli.job.places import POLYMERS, entity_place
from af3cli.job.problems import Problems
from af3cli.job.textfile import read_text
from af3cli.job.types import Dna, Job, Protein, Rna
from af3cli.job.validate import check_job
from af3cli.wording import some

# So that files and folders can be called after records, with something behind the name.
_MAX_NAME_LENGTH = 150
_ALIGNMENT_SUFFIXES = (".a3m", ".a3m.gz", ".a3m.xz", ".a3m.zst")

_NOT_IN_FASTA = ("ligand", "smiles", "ccd", "ion", "glycan")
_KINDS = (*POLYMERS, *_NOT_IN_FASTA)


@dataclass(frozen=True, slots=True)
class _Record:
    """One record: its place in the file, its name made safe, and its polymers without ids.

    `alignment` is the file that has the alignment of its polymers, which then are all equal.
    """

    place: str
    name: str
    polymers: tuple[Protein | Rna | Dna, ...]
    alignment: Path | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _BareJob:
    """A job without its alignments, the file of each entity's alignment, and what is wrong."""

    job: Job
    alignments: tuple[Path | None, ...]
    problems: Problems

    def filled(self) -> Job:
        """The job with its alignments; raises `InputError` if one cannot be read."""
        entities = map(_with_alignment, self.job.entities, self.alignments)
        return replace(self.job, entities=tuple(entities))


class _FastaJobs(Sequence[Job]):
    """Jobs whose alignments are read when a job is asked for: together they may be too much."""

    def __init__(self, jobs: list[_BareJob]) -> None:
        self._jobs = jobs

    def __len__(self) -> int:
        return len(self._jobs)

    def __getitem__(self, number: int) -> Job:
        return self._jobs[number].filled()


def fasta_file(text: str, source: str, options: FastaOptions | None = None) -> JobFile:
    """The jobs of a FASTA text; its drafts are without alignments.

    What a sequence is, is told by the header (`>name|protein`, `|rna`, `|dna`; also
    `>rna|name=NAME`) or by its letters. Colons separate chains of one record. Lower case counts as
    upper case, a `*` at the end of a chain is dropped. Names that recur get a number. Alignments in
    `msa_dir` are checked, but held in memory only with the job that is asked for. Raises
    `InputError` if there is no record.
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
    jobs = _with_unique_names([_job(name, group) for name, group in groups])
    drafts = [Draft(bare.job, bare.problems) for bare in jobs]
    return JobFile(source, drafts, problems, sound=_FastaJobs(jobs))


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
    name, kind, rest = _read_header(header)
    place = f"record {number} ({name[:40]})" if name else f"record {number}"
    if kind in _NOT_IN_FASTA:
        problems.add(place, f"FASTA has no place for {kind} records; write the job as JSON")
        kind = "protein"
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", name)[:_MAX_NAME_LENGTH].strip("_.")
    name = name or f"sequence_{number}"
    notes: list[str] = []
    if rest:
        notes.append(
            f"{place}: {rest!r} in its header is passed over; alignments come from --msa-dir"
        )
    polymers = []
    for chain in sequence.upper().split(":"):
        part = chain.removesuffix("*")
        guess, reason = _guess_kind(part)
        if kind is None and reason and guess:
            notes.append(f"{place}: {reason}")
        elif kind is None and reason:
            problems.add(place, reason)
        polymer = POLYMERS[kind or guess or "protein"]((), part)
        polymers.append(polymer)
    alignment = None
    if msa_dir and any(not isinstance(polymer, Dna) for polymer in polymers):
        alignment, reason = _find_alignment(msa_dir, name, is_one_sequence=len(set(polymers)) == 1)
        if reason:
            notes.append(f"{place}: {reason}")
    return _Record(place, name, tuple(polymers), alignment, tuple(notes))


def _find_alignment(msa_dir: Path, name: str, is_one_sequence: bool) -> tuple[Path | None, str]:
    """The alignment file of a record, or why it has none."""
    if not is_one_sequence:
        return None, (
            f"its chains differ, so that no alignment is taken from {msa_dir}; make each chain a "
            "record, and one complex of them with --complex"
        )
    paths = (msa_dir / f"{name}{suffix}" for suffix in _ALIGNMENT_SUFFIXES)
    path = next((path for path in paths if path.is_file()), None)
    return path, "" if path else f"{msa_dir} has no {name}.a3m"


def _read_header(header: str) -> tuple[str, str | None, str]:
    """The name and the kind in a header, and what else is in the fields that hold them.

    The last field that is a kind counts. The name is in front of it, or else behind it.
    """
    fields = _fields(header)
    at = max((i for i, field in enumerate(fields) if field.lower() in _KINDS), default=-1)
    if at < 0 or len(fields) == 1:
        return next(iter(header.split()), ""), None, ""
    name, rest = "|".join(fields[:at]), "|".join(fields[at + 1 :])
    if at == 0:
        name, rest = rest.removeprefix("name="), ""
    return name, fields[at].lower(), rest


def _fields(header: str) -> list[str]:
    """What bars set off in a header, up to its free text, which begins at a blank.

    A single word between bars is a field also if there are blanks around it.
    """
    fields: list[str] = []
    for part in header.split("|"):
        words = part.split()
        if len(words) > 1:
            return fields if part[0].isspace() else [*fields, words[0]]
        fields += words or [""]
    return fields


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


def _with_alignment(polymer: Protein | Rna | Dna, path: Path | None) -> Protein | Rna | Dna:
    if path is None:
        return polymer
    polymer = replace(polymer, unpaired_msa=read_text(path))
    return replace(polymer, paired_msa="") if isinstance(polymer, Protein) else polymer


def _job(name: str, records: list[_Record]) -> _BareJob:
    """One job of some records; equal chains are copies of one entity."""
    copies: dict[tuple[Protein | Rna | Dna, Path | None], list[str]] = {}
    places: dict[tuple[Protein | Rna | Dna, Path | None], str] = {}
    number = 0
    for record in records:
        for polymer in record.polymers:
            copies.setdefault((polymer, record.alignment), []).append(chain_id(number))
            places.setdefault((polymer, record.alignment), record.place)
            number += 1
    entities = tuple(replace(polymer, ids=tuple(ids)) for (polymer, _), ids in copies.items())
    notes = tuple(note for record in records for note in record.notes)
    alignments = tuple(path for _, path in copies)
    job = Job(name, (DEFAULT_SEED,), entities, notes=notes)
    return _BareJob(job, alignments, _problems(job, alignments, list(places.values())))


def _problems(job: Job, alignments: tuple[Path | None, ...], places: list[str]) -> Problems:
    """What is wrong with a job or its alignments, at the record that each entity is of."""
    problems = Problems()
    problems.rename("sequences", some(list(dict.fromkeys(places))))
    filled = []
    for i, (entity, path, place) in enumerate(zip(job.entities, alignments, places, strict=True)):
        problems.rename(entity_place(i, entity), place)
        try:
            filled.append(_with_alignment(entity, path))
        except InputError as error:
            filled.append(entity)
            problems.add(place, str(error))
    check_job(replace(job, entities=tuple(filled)), problems)
    return problems


def _with_unique_names(bare: list[_BareJob]) -> list[_BareJob]:
    """Jobs whose names recur get `_2`, `_3`, ... and a note."""
    taken = {item.job.name for item in bare}
    uses: Counter[str] = Counter()
    unique = []
    for item in bare:
        job, name = item.job, item.job.name
        uses[name] += 1
        while uses[job.name] > 1 and name in taken:
            name = f"{job.name}_{uses[job.name]}"
            uses[job.name] += name in taken
        taken.add(name)
        if name != job.name:
            note = f"{job.name} is there already; called {name}"
            job = replace(job, name=name, notes=(*job.notes, note))
        unique.append(replace(item, job=job))
    return unique
