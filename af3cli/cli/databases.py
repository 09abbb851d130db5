"""`af3 databases`: the databases that the official data pipeline searches."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from af3cli.cli.interrupts import tells_interrupts
from af3cli.search.catalogue import CATALOGUE
from af3cli.wording import size


@click.group(name="databases")
def command() -> None:
    """List and get sequence databases.

    \b
    Example:
      af3 databases list
      af3 databases get rfam seqres --dir databases
    """


@command.command(name="list")
def list_command() -> None:
    """List the official databases, what each is for, and its size.

    \b
    Example:
      af3 databases list
    """
    from af3cli.search.download import TOTAL_DOWNLOAD_GB, TOTAL_UNPACKED_GB

    for entry in CATALOGUE.values():
        content = ""
        if entry.official_size is not None:
            unit = "sequences" if entry.molecule == "protein" else "megabases"
            content = f"{entry.official_size:,.0f} {unit}"
        purpose = f"{entry.molecule} {entry.purpose}"
        click.echo(f"{entry.name:<11} {purpose:<28} {content:>22}  {entry.file_name}")
    click.echo(
        f"All together are {TOTAL_DOWNLOAD_GB} GB to download and {TOTAL_UNPACKED_GB} GB unpacked; "
        "get tells the size of each before it begins."
    )


@command.command()
@click.argument(
    "names", nargs=-1, required=True, type=click.Choice(list(CATALOGUE)), metavar="NAME..."
)
@click.option(
    "--dir",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to put them into; name it in AF3_DATABASES to search them.",
)
@click.option("--source", metavar="URL", help="A mirror of the official server.")
@tells_interrupts
def get(names: tuple[str, ...], folder: Path, source: str | None) -> None:
    """Download and unpack databases, or go on with a download that was cut off.

    The sizes are shown first. Databases that are there already are left alone.

    \b
    Example:
      af3 databases get rfam seqres --dir databases
    """
    from af3cli.search.download import SOURCE, check_space, find_offer, get_database

    offers = [find_offer(name, source or SOURCE) for name in dict.fromkeys(names)]
    for offer in offers:
        compressed = "unknown size" if offer.num_bytes is None else size(offer.num_bytes)
        click.echo(f"{offer.entry.name}: {compressed} compressed, {offer.url}", err=True)
    missing = [offer for offer in offers if not (folder / offer.entry.file_name).exists()]
    check_space(missing, folder)
    for offer in offers:
        with click.progressbar(
            length=offer.num_bytes or 1,
            label=offer.entry.name,
            file=sys.stderr,
        ) as bar:
            path = get_database(offer, folder, lambda done, _: bar.update(done - bar.pos))
        click.echo(f"{offer.entry.name}: {path}")
