"""`af3 search`: alignments and templates for jobs that lack them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from af3cli.errors import InputError
from af3cli.job import Job, describe, file_name, read_jobs, to_alphafold3_json


@click.command()
@click.argument("jobs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="JOB...")
@click.option(
    "--out-dir",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where each job is written, as NAME_data.json.",
)
@click.option(
    "--db",
    "paths",
    multiple=True,
    metavar="NAME=PATH",
    help="A database: FASTA, plain or gzip, or shards as prefix@N; for pdb a folder of mmCIF.",
)
@click.option(
    "--z",
    "sizes",
    multiple=True,
    metavar="NAME=NUMBER",
    help="Size of a whole database, in sequences, or megabases of RNA. Shards need it.",
)
@click.option(
    "--databases",
    "config",
    type=click.Path(path_type=Path),
    help="TOML or JSON file of databases, or a folder of the official files [$AF3_DATABASES].",
)
@click.option("--msa-server", "server_url", metavar="URL", help="Ask a ColabFold MSA server.")
@click.option(
    "--max-template-date",
    type=click.DateTime(["%Y-%m-%d"]),
    default="2021-09-30",
    show_default=True,
    help="Use no template released later.",
)
@click.option("--cpus", type=click.IntRange(min=1), help="Threads [all processors].")
@click.option(
    "--cache-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where results are kept [the user's cache].",
)
def command(
    jobs: tuple[Path, ...],
    out_dir: Path,
    paths: tuple[str, ...],
    sizes: tuple[str, ...],
    config: Path | None,
    server_url: str | None,
    max_template_date: datetime,
    cpus: int | None,
    cache_dir: Path | None,
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
    """
    from af3cli.cli.search_progress import show_search
    from af3cli.search.databases import find_databases
    from af3cli.search.run import SearchPlan, search_jobs

    databases = find_databases(paths, sizes, config)
    if not databases and server_url is None:
        raise InputError(
            "no database is configured: name some with --db NAME=PATH, --databases FILE or the "
            "variable AF3_DATABASES, or use --msa-server URL"
        )
    plan = SearchPlan(databases, server_url, max_template_date.date(), cpus, cache_dir)
    named = list(_named_jobs(jobs))
    with show_search() as show:
        for job in search_jobs(named, plan, show):
            write_job(job, out_dir)
            click.echo(describe(job))


def write_job(job: Job, folder: Path) -> None:
    """Writes a job as `NAME_data.json`, in place only when it is whole."""
    from af3cli.search.cache import write_aside

    path = folder / f"{file_name(job.name)}_data.json"
    write_aside(path, lambda aside: aside.write_text(to_alphafold3_json(job), encoding="utf-8"))


def _named_jobs(paths: tuple[Path, ...]) -> Iterator[Job]:
    """All jobs of all files; raises `InputError` if two would be written to one file."""
    places: dict[str, Path] = {}
    for path in paths:
        for job in read_jobs(path):
            name = file_name(job.name)
            if name in places:
                raise InputError(
                    f"{path}: the job {job.name!r} is called like one in {places[name]}; both "
                    f"would be written to {name}_data.json"
                )
            places[name] = path
            yield job
