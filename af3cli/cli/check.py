"""`af3 check`: validates jobs and says what each one is."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from af3cli.cli.reading_options import ReadingOptions, ccd_option, reading_options
from af3cli.errors import InputError
from af3cli.job import describe, remarks
from af3cli.wording import printable, printable_lines


@click.command()
@click.argument("jobs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="JOB...")
@ccd_option
@reading_options
def command(jobs: tuple[Path, ...], ccd: Path | None, reading: ReadingOptions) -> None:
    """Validate jobs without running them.

    Prints one line for each job, or everything that is wrong with it, each with its place in the
    file. The exit code is 2 if anything is wrong.
    """
    from af3cli.chemistry import open_dictionary
    from af3cli.tokens.component_check import checked_jobs
    from af3cli.tokens.table import left_out_notes

    components = open_dictionary(ccd)
    is_sound = True
    for path in jobs:
        try:
            for job in checked_jobs(reading.read_file(path), components):
                click.echo(f"{path}: {describe(job)}")
                for remark in (*remarks(job), *left_out_notes(job, components)):
                    click.echo(f"  note: {printable(remark)}")
        except InputError as error:
            is_sound = False
            click.echo(f"Error: {printable_lines(str(error))}", err=True)
    if not is_sound:
        sys.exit(InputError.exit_code)
