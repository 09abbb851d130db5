"""`af3 convert`: writes jobs of any kind of file as AlphaFold 3 JSON."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import click

from af3cli.errors import InputError, OutputError
from af3cli.job import (
    FastaOptions,
    Job,
    StructureOptions,
    describe,
    file_name,
    read_jobs,
    remarks,
    to_alphafold3_json,
)


def _codes(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> frozenset[str]:
    return frozenset(code.strip() for value in values for code in value.split(",") if code.strip())


@click.command()
@click.argument("source", type=click.Path(path_type=Path), metavar="IN")
@click.argument("target", type=click.Path(path_type=Path), metavar="OUT")
@click.option(
    "--keep",
    multiple=True,
    callback=_codes,
    metavar="CODES",
    help="Structures: take these components although they count as additives.",
)
@click.option(
    "--drop",
    multiple=True,
    callback=_codes,
    metavar="CODES",
    help="Structures: leave these ligands out; modified residues become their parents.",
)
@click.option(
    "--assembly",
    metavar="ID",
    help="Structures: take this biological assembly, such as 1, not the file's chains.",
)
@click.option(
    "--as-templates",
    is_flag=True,
    help="Structures: offer each protein's own chains as its templates.",
)
@click.option(
    "--complex",
    "is_complex",
    is_flag=True,
    help="FASTA: the records are the chains of one complex.",
)
@click.option(
    "--msa-dir",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="FASTA: folder with alignments called after the records, NAME.a3m.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
def command(
    source: Path,
    target: Path,
    keep: frozenset[str],
    drop: frozenset[str],
    assembly: str | None,
    as_templates: bool,
    is_complex: bool,
    msa_dir: Path | None,
    overwrite: bool,
) -> None:
    """Write the jobs of IN as AlphaFold 3 JSON.

    IN is a structure (mmCIF, PDB), FASTA, AlphaFold Server JSON, or AlphaFold 3 JSON, whose files
    are then taken in. OUT is a JSON file, or a folder, in which each job becomes NAME.json.

    From structures, waters are left out, and so are crystallisation additives that are bonded to
    nothing: SO4 GOL EDO PO4 ACT PEG DMS TRS PGE PG4 FMT EPE MPD MES CD IOD.
    """
    jobs = read_jobs(
        source,
        StructureOptions(keep, drop, assembly, as_templates),
        FastaOptions(is_complex, msa_dir),
    )
    for job, path in zip(jobs, _paths(jobs, source, target), strict=True):
        _write(path, to_alphafold3_json(job), overwrite)
        click.echo(f"{path}: {describe(job)}")
        for remark in remarks(job):
            click.echo(f"  note: {remark}")


def _paths(jobs: list[Job], source: Path, target: Path) -> list[Path]:
    """Where each job goes."""
    if target.suffix == ".json" and not target.is_dir():
        if len(jobs) > 1:
            raise InputError(f"{source}: has {len(jobs)} jobs; give a folder to write them to")
        return [target]
    names = [file_name(job.name) for job in jobs]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise InputError(f"{source}: several jobs are called {', '.join(sorted(repeated))}")
    return [target / f"{name}.json" for name in names]


def _write(path: Path, text: str, overwrite: bool) -> None:
    """Writes aside and renames, so that no half file is ever there."""
    if path.exists() and not overwrite:
        raise OutputError(f"{path}: is there already; --overwrite replaces it")
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text)
        aside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from None
