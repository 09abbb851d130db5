"""`af3 show`: what is in an embedding file or a folder of predictions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from af3cli.cli.columns import aligned
from af3cli.errors import InputError
from af3cli.wording import printable

if TYPE_CHECKING:
    from af3cli.output.overview import Overview


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write the tables, with plots, into an HTML file. Needs '.[plots]'.",
)
def command(path: Path, report: Path | None) -> None:
    """Show what an embedding file holds, or the confidence in predicted structures.

    PATH is an emb.h5, the folder of a job, or a folder of such folders, as af3 predict and the
    official program write them.

    \b
    Examples:
      af3 show emb.h5
      af3 show out --report out.html
    """
    from af3cli.output.sections import sections_of

    if report is not None:
        _check_plots()
    sections = []
    for section in sections_of(path, with_pictures=report is not None):
        click.echo("\n".join(_lines(section.overview)))
        sections.append(section)
    if report is not None:
        from af3cli.disk import output_errors
        from af3cli.output.report import report_html
        from af3cli.whole_files import write_file, writing

        with output_errors(report):
            write_file(report, writing(report_html(path.resolve().name, sections).encode()))
        click.echo(f"{report}: written")


def _check_plots() -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise InputError(
            "--report draws with matplotlib, which is not installed: pip install '.[plots]'"
        ) from error


def _lines(overview: Overview) -> Iterator[str]:
    yield printable(overview.title)
    yield from map(printable, overview.lines)
    for table in overview.tables:
        yield ""
        yield f"{printable(table.title)}:"
        yield from aligned([list(map(printable, row)) for row in table.rows])
    yield ""
