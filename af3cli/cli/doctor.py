"""`af3 doctor`: what this machine has for a run, and what is missing."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import indent

import click

from af3cli.wording import printable, printable_lines

_INDENT = 12


@click.command()
@click.option(
    "--weights-dir",
    type=click.Path(path_type=Path),
    help="Folder to look for parameters in, before $AF3_WEIGHTS and the user's cache.",
)
def command(weights_dir: Path | None) -> None:
    """Tell what this machine has for a run, what is missing, and what to do about it.

    These are the program and its packages, the device that computes, kept programs, chemical
    components, model parameters and databases.

    \b
    Exit code: 0 embeddings can be made here; 1 something that they need is missing.
    """
    from af3cli.runs.doctor import examine

    is_lacking = False
    for finding in examine(weights_dir):
        click.echo(f"{finding.subject:<{_INDENT}}{printable(finding.text)}")
        advice = printable_lines(f"-> {finding.advice}" if finding.advice else "")
        click.echo(indent(advice, " " * _INDENT), nl=bool(advice))
        is_lacking |= finding.is_lacking
    sys.exit(int(is_lacking))
