"""`af3 tokens`: which row of the embeddings is which residue or atom."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from af3cli.cli.columns import aligned
from af3cli.cli.reading_options import ReadingOptions, ccd_option, reading_options
from af3cli.errors import InputError
from af3cli.job import Job
from af3cli.wording import printable, some

if TYPE_CHECKING:
    import numpy as np


@click.command()
@click.argument("job", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "tsv", "json"]),
    default="table",
    show_default=True,
    help="Columns for people, tab-separated values, or a list of JSON objects.",
)
@ccd_option
@click.option("--name", metavar="NAME", help="Which job, if the file holds several.")
@reading_options
def command(
    job: Path, form: str, ccd: Path | None, name: str | None, reading: ReadingOptions
) -> None:
    """Print the token table of a job: a line for each row of its embeddings.

    A row is a residue, or one heavy atom of a ligand or of a modified residue. The table says
    first how the rows of each chain come about. Of a structure file it also has the file's own
    names: label_chain_id, and the author's chain and residue with its insertion code.
    """
    from af3cli.chemistry import open_dictionary
    from af3cli.tokens import tokenize
    from af3cli.tokens.component_check import checked_jobs
    from af3cli.tokens.table import CHAIN_ORDER, SOURCE_COLUMNS, explain_chains, token_table

    components = open_dictionary(ccd)
    content = _job(job, name, checked_jobs(reading.read_file(job), components))
    tokens, _ = tokenize(content, components)
    table = token_table(tokens, content.sources)
    if not content.sources:
        table = table[[name for name in table.dtype.names if name not in SOURCE_COLUMNS]]
    if form == "json":
        lines = _json_lines(table)
    elif form == "tsv":
        lines = map("\t".join, _cells(table))
    else:
        lines = _explained_table(CHAIN_ORDER, explain_chains(content, tokens), table)
    click.echo("\n".join(lines))


def _job(path: Path, name: str | None, jobs: Sequence[Job]) -> Job:
    """The job of this name of those in a file, or its only one."""
    found = [job for job in jobs if name in (None, job.name)]
    if len(found) == 1:
        return found[0]
    names = some([repr(job.name) for job in jobs])
    if found:
        raise InputError(f"{path}: has {len(found)} jobs ({names}); say which with --name")
    raise InputError(f"{path}: has no job called {name!r}; it has {names}")


def _json_lines(table: np.ndarray) -> Iterator[str]:
    """Yields a JSON list with an object on each line."""
    rows = [json.dumps(dict(zip(table.dtype.names, row, strict=True))) for row in table.tolist()]
    yield "[\n" + ",\n".join(rows) + "\n]"


def _cells(table: np.ndarray) -> Iterator[list[str]]:
    """Yields the heading and the rows as text, the row's number first."""
    yield ["row", *table.dtype.names]
    for number, row in enumerate(table.tolist()):
        yield [
            str(number),
            *(
                str(value).lower() if isinstance(value, bool) else printable(str(value))
                for value in row
            ),
        ]


def _explained_table(order: str, chains: list[str], table: np.ndarray) -> Iterator[str]:
    """Yields the explanation, then aligned columns."""
    yield from (order, *chains, "")
    yield from aligned(_cells(table))
