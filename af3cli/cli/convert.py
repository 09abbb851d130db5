"""`af3 convert`: writes jobs of any kind of file as AlphaFold 3 JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from af3cli.cli.reading_options import ReadingOptions, reading_options
from af3cli.disk import output_errors
from af3cli.errors import InputError, OutputError
from af3cli.job import Job, describe, file_name, remarks, to_alphafold3_json
from af3cli.whole_files import written_aside
from af3cli.wording import printable


@click.command()
@click.argument("source", type=click.Path(path_type=Path), metavar="IN")
@click.argument("target", type=click.Path(path_type=Path), metavar="OUT")
@reading_options
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
def command(source: Path, target: Path, reading: ReadingOptions, overwrite: bool) -> None:
    """Write the jobs of IN as AlphaFold 3 JSON.

    IN is a structure (mmCIF, BinaryCIF, PDB), FASTA, AlphaFold Server JSON, or AlphaFold 3 JSON,
    whose files are then taken in. OUT is a JSON file, or a folder, in which each job becomes
    NAME.json. JSON has no place for the numbers that a structure's author gave its residues; other
    commands take the structure itself, and keep them. Components are not looked up: check does it.

    From structures, waters are left out, and so are crystallisation additives that are bonded to
    nothing: SO4 GOL EDO PO4 ACT PEG DMS TRS PGE PG4 FMT EPE MPD MES CD IOD.
    """
    jobs = reading.read(source)
    for job, path in zip(jobs, _paths(jobs, source, target), strict=True):
        _write(path, to_alphafold3_json(job), overwrite)
        click.echo(f"{path}: {describe(job)}")
        for remark in remarks(job):
            click.echo(f"  note: {printable(remark)}")


def _paths(jobs: Sequence[Job], source: Path, target: Path) -> list[Path]:
    """Where each job goes."""
    if target.suffix == ".json" and not target.is_dir():
        if len(jobs) > 1:
            raise InputError(f"{source}: has {len(jobs)} jobs; give a folder to write them to")
        return [target]
    names = [file_name(job.name) for job in jobs]
    if repeated := {name for name, uses in Counter(names).items() if uses > 1}:
        raise InputError(f"{source}: several jobs are called {', '.join(sorted(repeated))}")
    return [target / f"{name}.json" for name in names]


def _write(path: Path, text: str, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise OutputError(f"{path}: is there already; --overwrite replaces it")
    with output_errors(path), written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")
