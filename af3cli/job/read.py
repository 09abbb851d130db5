"""Reads jobs from files and text of any known form."""

from __future__ import annotations

from pathlib import Path

from af3cli.errors import InputError
from af3cli.job.alphafold3_json import decode_alphafold3
from af3cli.job.document import Value, parse_json
from af3cli.job.fasta import fasta_jobs
from af3cli.job.options import FastaOptions, StructureOptions
from af3cli.job.problems import Problems
from af3cli.job.server_json import decode_server_job
from af3cli.job.textfile import read_text
from af3cli.job.types import Job
from af3cli.job.validate import check_job, validate

MAX_JOB_BYTES = 2**30

_PDB_RECORDS = (
    *("HEADER", "TITLE", "COMPND", "SOURCE", "REMARK", "CRYST1", "MODEL", "ATOM", "HETATM"),
    *("EXPDTA", "SEQRES", "OBSLTE", "SPLIT", "CAVEAT", "KEYWDS", "AUTHOR", "JRNL", "DBREF"),
)


def read_jobs(
    path: str | Path,
    structure: StructureOptions | None = None,
    fasta: FastaOptions | None = None,
) -> list[Job]:
    """Reads every job of a file: JSON of either dialect, mmCIF, PDB or FASTA, told by its content.

    The options say what to take from structure files and how to read FASTA; other files take no
    notice of them. Raises `InputError` with every problem of every job, each with its place.
    """
    path = Path(path)
    if path.suffix == ".bcif":
        raise InputError(f"{path}: BinaryCIF is not read; take the same entry as mmCIF (.cif)")
    text = read_text(path, MAX_JOB_BYTES)
    start = text[:4096].lstrip()
    if start.startswith((">", ";")):
        return fasta_jobs(text, str(path), fasta)
    if start[:5].lower() == "data_" or start.startswith(("#", *_PDB_RECORDS)):
        from af3cli.job.mmcif import structure_job

        job = structure_job(text, str(path), structure)
        validate(job, str(path))
        return [job]
    return parse_jobs(text, base_dir=path.parent, source=str(path))


def read_job(
    path: str | Path,
    structure: StructureOptions | None = None,
    fasta: FastaOptions | None = None,
) -> Job:
    """Reads a file that holds one job; raises `InputError` if it holds more, or an unusable one."""
    jobs = read_jobs(path, structure, fasta)
    if len(jobs) != 1:
        names = ", ".join(repr(job.name) for job in jobs[:5])
        raise InputError(f"{path}: has {len(jobs)} jobs ({names}, ...) where one is wanted")
    return jobs[0]


def parse_jobs(text: str, base_dir: str | Path | None = None, source: str = "job") -> list[Job]:
    """The jobs of a JSON text: an object in the AlphaFold 3 format, or an AlphaFold Server list.

    Paths in it are relative to `base_dir`; without one they must be absolute. `source` is what
    messages call the text.
    """
    problems = Problems()
    document = Value(parse_json(text, source), "", problems)
    if isinstance(document.raw, list):
        jobs = _decode_server_list(document)
    else:
        jobs = _decode_single(document, None if base_dir is None else Path(base_dir))
    problems.raise_if_any(source)
    return jobs


def _decode_single(document: Value, base_dir: Path | None) -> list[Job]:
    if not isinstance(document.raw, dict):
        document.wrong("a job file holds one JSON object, or a list of AlphaFold Server jobs")
        return []
    if document.raw.get("dialect") == "alphafoldserver":
        document.wrong("an AlphaFold Server file is a list of jobs: put [ ] around the object")
        return []
    job = decode_alphafold3(document, base_dir)
    check_job(job, document.problems)
    return [job]


def _decode_server_list(document: Value) -> list[Job]:
    """Each job is checked by itself; its places are put behind its number in the list."""
    if not document.raw:
        document.wrong("the list of jobs is empty")
    jobs = []
    for item in document.elements():
        problems = Problems()
        job = decode_server_job(Value(item.raw, "", problems))
        check_job(job, problems)
        jobs.append(job)
        document.problems.include(problems, item.place)
    return jobs
