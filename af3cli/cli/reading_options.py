"""Options of the commands that read jobs: how structures and FASTA become jobs, components."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from af3cli.job import FastaOptions, Job, JobFile, StructureOptions, read_file


def _codes(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> frozenset[str]:
    codes = (code.strip().upper() for value in values for code in value.split(","))
    return frozenset(code for code in codes if code)


_OPTIONS = (
    click.option(
        "--keep",
        multiple=True,
        callback=_codes,
        metavar="CODES",
        help="Structures: take these components although they count as additives.",
    ),
    click.option(
        "--drop",
        multiple=True,
        callback=_codes,
        metavar="CODES",
        help="Structures: leave these ligands out; modified residues become their parents.",
    ),
    click.option(
        "--assembly",
        metavar="ID",
        help="Structures: take this biological assembly, such as 1, not the file's chains.",
    ),
    click.option(
        "--as-templates",
        is_flag=True,
        help="Structures: offer each protein's own chains as its templates.",
    ),
    click.option(
        "--complex",
        "is_complex",
        is_flag=True,
        help="FASTA: the records are the chains of one complex.",
    ),
    click.option(
        "--msa-dir",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="FASTA: folder with alignments called after the records, NAME.a3m.",
    ),
)

# For the commands that look components up; they get it as `ccd`.
ccd_option = click.option(
    "--ccd",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Chemical components in place of those of biotite: mmCIF, plain or gzipped, or "
    "BinaryCIF, NAME.bcif.",
)


@dataclass(frozen=True)
class ReadingOptions:
    """How to read files that leave a choice; JSON files take no notice of it."""

    structure: StructureOptions
    fasta: FastaOptions

    def read(self, path: Path) -> Sequence[Job]:
        """Returns the jobs of a file; see `read_jobs`."""
        return self.read_file(path).jobs()

    def read_file(self, path: Path) -> JobFile:
        """Returns what is in a file; see `af3cli.job.read_file`."""
        return read_file(path, self.structure, self.fasta)


def reading_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options to a command, which gets them as `reading`."""

    @functools.wraps(command)
    def run(
        keep: frozenset[str],
        drop: frozenset[str],
        assembly: str | None,
        as_templates: bool,
        is_complex: bool,
        msa_dir: Path | None,
        **options: object,
    ) -> None:
        structure = StructureOptions(keep, drop, assembly, as_templates)
        command(reading=ReadingOptions(structure, FastaOptions(is_complex, msa_dir)), **options)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run
