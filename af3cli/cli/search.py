"""`af3 search`: alignments and templates for jobs that lack them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import click

from af3cli.cli.interrupts import tells_interrupts
from af3cli.cli.reading_options import ReadingOptions, ccd_option, reading_options
from af3cli.cli.search_options import NOT_CONFIGURED, SearchSettings, search_options
from af3cli.disk import output_errors
from af3cli.errors import InputError
from af3cli.job import Job, describe, file_name, to_alphafold3_json
from af3cli.whole_files import written_aside


@click.command()
@click.argument("jobs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="JOB...")
@click.option(
    "--out-dir",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where each job is written, as NAME_data.json.",
)
@ccd_option
@search_options
@reading_options
@tells_interrupts
def command(
    jobs: tuple[Path, ...],
    out_dir: Path,
    ccd: Path | None,
    search: SearchSettings,
    reading: ReadingOptions,
) -> None:
    """Find alignments and templates for the chains that lack them.

    Proteins are searched for in uniref90, mgnify, small_bfd and uniprot (for pairing), RNA in rfam,
    rnacentral and nt, templates in seqres with structures in pdb: those that are named. Finished
    searches are kept, so that the same command goes on where it stopped.

    With --msa-server the sequences of protein chains leave this machine: they are sent to that
    server. Nothing is sent anywhere without it.

    \b
    Example:
      af3 search job.json --out-dir filled --db uniref90=uniref90.fasta --db rfam=rfam.fasta.gz

    \b
    Exit code: 0 all jobs are there; 2 a job or database is not usable; 4 files cannot be written;
    5 the MSA server fails.
    """
    from af3cli.cli.search_progress import show_search
    from af3cli.search.run import check_sources, search_jobs

    plan = search.plan()
    if plan is None:
        raise InputError(NOT_CONFIGURED)
    files = _read_all(jobs, reading, ccd)
    for job in _named_jobs(files):
        check_sources(job, plan)
    with show_search() as show:
        for job in search_jobs(chain.from_iterable(read for _, read in files), plan, show):
            write_job(job, out_dir)
            click.echo(describe(job))


def _read_all(
    paths: Iterable[Path], reading: ReadingOptions, ccd: Path | None
) -> list[tuple[Path, Sequence[Job]]]:
    """Each file with its jobs; raises `InputError` with what is wrong with any of them."""
    from af3cli.chemistry import open_dictionary
    from af3cli.tokens.component_check import checked_jobs

    components = open_dictionary(ccd)
    files, problems = [], []
    for path in paths:
        try:
            files.append((path, checked_jobs(reading.read_file(path), components)))
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise InputError("\n".join(problems))
    return files


def write_job(job: Job, folder: Path) -> None:
    """Writes a job as `NAME_data.json`, in place only when it is whole."""
    path = folder / f"{file_name(job.name)}_data.json"
    with output_errors(path), written_aside(path) as aside:
        aside.write_text(to_alphafold3_json(job), encoding="utf-8")


def _named_jobs(files: Iterable[tuple[Path, Sequence[Job]]]) -> Iterator[Job]:
    """All jobs of all files; raises `InputError` if two would be written to one file."""
    places: dict[str, Path] = {}
    for path, jobs in files:
        for job in jobs:
            name = file_name(job.name)
            if name in places:
                raise InputError(
                    f"{path}: the job {job.name!r} is called like one in {places[name]}; both "
                    f"would be written to {name}_data.json"
                )
            places[name] = path
            yield job
