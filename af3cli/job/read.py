"""Reads jobs from files and text of any known form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from af3cli.errors import InputError
from af3cli.job.alphafold3_json import decode_alphafold3
from af3cli.job.document import Value, parse_json
from af3cli.job.fasta import fasta_jobs
from af3cli.job.options import FastaOptions, StructureOptions
from af3cli.job.problems import Problems
from af3cli.job.server_json import decode_server_job
from af3cli.job.textfile import decode_text, read_bytes
from af3cli.job.types import Job
from af3cli.job.validate import check_job, validate

MAX_JOB_BYTES = 2**30

_STRUCTURE, _FASTA, _JSON = "a structure", "FASTA", "JSON"

_PDB_RECORDS = (
    *("HEADER", "TITLE", "COMPND", "SOURCE", "REMARK", "CRYST1", "MODEL", "ATOM", "HETATM"),
    *("EXPDTA", "SEQRES", "OBSLTE", "SPLIT", "CAVEAT", "KEYWDS", "AUTHOR", "JRNL", "DBREF"),
    *("NUMMDL", "MDLTYP", "MODRES", "HET ", "HELIX", "SHEET", "SSBOND", "LINK", "ORIGX1", "SCALE1"),
)


def read_jobs(
    path: str | Path,
    structure: StructureOptions | None = None,
    fasta: FastaOptions | None = None,
) -> Sequence[Job]:
    """Reads every job of a file: JSON of either dialect, mmCIF, BinaryCIF, PDB or FASTA.

    What a file is, is told by its content. The options say what to take from structure files and
    how to read FASTA. Raises `InputError` with every problem of every job, each with its place, or
    if options are given that mean nothing for such a file.
    """
    path = Path(path)
    data = read_bytes(path, MAX_JOB_BYTES)
    content = data if _is_binary_cif(data) else decode_text(data, path)
    kind = _kind(content)
    if kind != _STRUCTURE and structure not in (None, StructureOptions()):
        raise InputError(
            f"{path}: is {kind}; --keep, --drop, --assembly and --as-templates are for structures"
        )
    if kind != _FASTA and fasta not in (None, FastaOptions()):
        raise InputError(f"{path}: is {kind}; --complex and --msa-dir are for FASTA")
    if kind == _FASTA:
        return fasta_jobs(content, str(path), fasta)
    if kind == _STRUCTURE:
        from af3cli.job.structure_job import structure_job

        job = structure_job(content, str(path), structure)
        validate(job, str(path))
        return [job]
    start = content.lstrip()[:20]
    if not start.startswith(("{", "[")):
        found = f"begins with {start!r}" if start else "is empty"
        raise InputError(
            f"{path}: {found}; a job is JSON, which begins with {{ or [, FASTA (>), mmCIF (data_), "
            "BinaryCIF or PDB"
        )
    return parse_jobs(content, base_dir=path.parent, source=str(path))


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


def _is_binary_cif(data: bytes) -> bool:
    """Whether content begins as BinaryCIF does, with a MessagePack map; no UTF-8 text does."""
    return bool(data) and 0x80 <= data[0] <= 0x8F


def _kind(content: str | bytes) -> str:
    if isinstance(content, bytes):
        return _STRUCTURE
    start = content[:4096].lstrip()
    if start.startswith((">", ";")):
        return _FASTA
    if start[:5].lower() == "data_" or start.startswith(("#", *_PDB_RECORDS)):
        return _STRUCTURE
    return _JSON


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
