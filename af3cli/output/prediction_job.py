"""The files of a job's folder that say what its results are of: the job, and the terms of use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from af3cli.disk import CAN_GO_ON, output_errors
from af3cli.errors import InputError
from af3cli.job import Job, job_digest, read_job, to_alphafold3_json
from af3cli.locking import only_writer
from af3cli.output.complexes import ModelSource
from af3cli.output.terms import TERMS_FILE, terms_of_use
from af3cli.whole_files import write_file, writing


def write_job_files(folder: Path, name: str, job: Job, source: ModelSource) -> None:
    """Makes or replaces both files; `name` is the job's, as in file names. Raises `OSError`.

    A file of an equal job, which may be the user's own, is replaced only to name more seeds.
    """
    data, terms = _paths(folder, name)
    there = _seeds_there(data, job)
    if more := [seed for seed in job.seeds if seed not in there]:
        write_file(data, writing(to_alphafold3_json(replace(job, seeds=(*there, *more))).encode()))
    write_file(terms, writing(terms_of_use(source).encode()))


def complete_job_files(
    folder: Path, name: str, load: Callable[[], Job], source: ModelSource
) -> None:
    """Writes both files, unless both are there.

    Raises:
        OutputError: another process writes to the folder, or it cannot be written.
    """
    if not all(path.exists() for path in _paths(folder, name)):
        with only_writer(folder), output_errors(folder, CAN_GO_ON):
            write_job_files(folder, name, load(), source)


def _seeds_there(data: Path, job: Job) -> tuple[int, ...]:
    """Returns the seeds in a job file; none if there is no such file, or it is of another job."""
    try:
        there = read_job(data)
    except InputError:
        return ()
    return there.seeds if job_digest(there) == job_digest(job) else ()


def _paths(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}_data.json", folder / TERMS_FILE
