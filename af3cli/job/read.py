"""Reads jobs from files and text of any known form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from af3cli.errors import InputError
from af3cli.job.alphafold3_json import DIALECT as ALPHAFOLD3
from af3cli.job.alphafold3_json import decode_alphafold3
from af3cli.job.document import Value, parse_json
from af3cli.job.draft import Draft, JobFile
from af3cli.job.fasta import fasta_file
from af3cli.job.options import FastaOptions, StructureOptions
from af3cli.job.places import entity_place
from af3cli.job.problems import Problems
from af3cli.job.server_json import decode_server_job
from af3cli.job.textfile import beginning, decode_text, read_bytes
from af3cli.job.types import Job
from af3cli.job.validate import check_job
from af3cli.wording import some

MAX_JOB_BYTES = 2**30

_STRUCTURE, _FASTA, _JSON, _ALIGNMENT = "a structure", "FASTA", "JSON", "an alignment"

_PDB_RECORDS = (
    *("HEADER", "TITLE", "COMPND", "SOURCE", "REMARK", "CRYST1", "MODEL", "ATOM", "HETATM"),
    *("EXPDTA", "SEQRES", "OBSLTE", "SPLIT", "CAVEAT", "KEYWDS", "AUTHOR", "JRNL", "DBREF"),
    *("NUMMDL", "MDLTYP", "MODRES", "HET ", "HELIX", "SHEET", "SSBOND", "LINK", "ORIGX1", "SCALE1"),
)
_PDB_ATOM = re.compile("^(ATOM  |HETATM)", re.IGNORECASE | re.MULTILINE)


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
    return read_file(path, structure, fasta).jobs()


def read_file(
    path: str | Path,
    structure: StructureOptions | None = None,
    fasta: FastaOptions | None = None,
) -> JobFile:
    """Reads what `read_jobs` does, and leaves it to the caller what to do about problems.

    Raises `InputError` if nothing in the file can be understood, or if options are given that mean
    nothing for such a file.
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
        return fasta_file(content, str(path), fasta)
    if kind == _STRUCTURE:
        from af3cli.job.structure_job import structure_job

        job = structure_job(content, str(path), structure)
        problems = Problems()
        for number, entity in enumerate(job.entities):
            problems.rename(entity_place(number, entity), f"chain {some(entity.ids)}")
        return JobFile(str(path), [_checked(job, problems)])
    if kind == _ALIGNMENT:
        raise InputError(
            f"{path}: is an alignment (A3M), no job; name it with unpairedMsaPath in JSON, or put "
            "it into --msa-dir for a FASTA file"
        )
    start = content.lstrip()[:20]
    if not start.startswith(("{", "[")):
        found = f"begins with {start!r}" if start else "is empty"
        raise InputError(
            f"{path}: {found}; a job is JSON, which begins with {{ or [, FASTA (>), mmCIF (data_), "
            "BinaryCIF or PDB"
        )
    return _parse(content, path.parent, str(path))


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


def parse_jobs(text: str, base_dir: str | Path | None = None, source: str = "job") -> Sequence[Job]:
    """The jobs of a JSON text: an object in the AlphaFold 3 format, or an AlphaFold Server list.

    Paths in it are relative to `base_dir`; without one they must be absolute. `source` is what
    messages call the text.
    """
    return _parse(text, None if base_dir is None else Path(base_dir), source).jobs()


def _parse(text: str, base_dir: Path | None, source: str) -> JobFile:
    document = Value(parse_json(text, source), "", Problems())
    if isinstance(document.raw, list):
        drafts = _decode_server_list(document, base_dir)
    else:
        drafts = _decode_single(document, base_dir)
    return JobFile(source, drafts, document.problems)


def _is_binary_cif(data: bytes) -> bool:
    """Whether content begins as BinaryCIF does, with a MessagePack map; no UTF-8 text does."""
    return bool(data) and 0x80 <= data[0] <= 0x8F


def _kind(content: str | bytes) -> str:
    if isinstance(content, bytes):
        return _STRUCTURE
    start = content[:4096].lstrip()
    if start.startswith((">", ";")):
        return _FASTA
    if start.startswith(("{", "[")):
        return _JSON
    if start.startswith("#") and beginning(content, 1) == ">":
        return _ALIGNMENT
    if beginning(content, 5).lower() == "data_" or start.startswith(_PDB_RECORDS):
        return _STRUCTURE
    return _STRUCTURE if _PDB_ATOM.search(content) else _JSON


def _decode_single(document: Value, base_dir: Path | None) -> list[Draft]:
    if not isinstance(document.raw, dict):
        document.wrong("a job file holds one JSON object, or a list of AlphaFold Server jobs")
        return []
    if document.raw.get("dialect") == "alphafoldserver":
        document.wrong("an AlphaFold Server file is a list of jobs: put [ ] around the object")
        return []
    return [_checked(decode_alphafold3(document, base_dir), document.problems)]


def _decode_server_list(document: Value, base_dir: Path | None) -> list[Draft]:
    """Each job is checked by itself; its places are put behind its number in the list."""
    if not document.raw:
        document.wrong("the list of jobs is empty")
    drafts = []
    for item in document.elements():
        problems = Problems()
        value = Value(item.raw, "", problems)
        if isinstance(item.raw, dict) and item.raw.get("dialect") == ALPHAFOLD3:
            problems.add(
                "dialect",
                "a job in the AlphaFold 3 format stands alone in its file, not in a list; "
                "only AlphaFold Server files are lists",
            )
            job = decode_alphafold3(value, base_dir)
        else:
            job = decode_server_job(value)
        drafts.append(_checked(job, problems, item.place))
    return drafts


def _checked(job: Job, problems: Problems, place: str = "") -> Draft:
    check_job(job, problems)
    return Draft(job, problems, place)
