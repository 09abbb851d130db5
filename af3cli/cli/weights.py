"""`af3 weights`: list, inspect and make model parameters."""

from __future__ import annotations

from pathlib import Path

import click


@click.group(name="weights")
def command() -> None:
    """List, inspect and make model parameters.

    \b
    Example:
      af3 weights list
      af3 weights info af3.bin.zst
    """


@command.command(name="list")
@click.option(
    "--weights-dir",
    type=click.Path(path_type=Path),
    help="Folder to look in, before $AF3_WEIGHTS and the user's cache.",
)
def list_command(weights_dir: Path | None) -> None:
    """List the models that are known by name, and which are on this machine.

    \b
    Example:
      af3 weights list
    """
    from af3cli.weights.report import catalogue_lines

    click.echo("\n".join(catalogue_lines(weights_dir)))


@command.command()
@click.argument("weights", metavar="FILE|NAME")
@click.option("--arrays/--no-arrays", default=True, help="List every array.")
def info(weights: str, arrays: bool) -> None:
    """Show what a file of parameters holds: arrays, sizes, sha256, model and terms.

    \b
    Example:
      af3 weights info af3.bin.zst
    """
    from af3cli.weights.load import load_weights
    from af3cli.weights.report import array_lines, summary_lines

    loaded = load_weights(weights)
    lines = [*array_lines(loaded), ""] if arrays else []
    click.echo("\n".join([*lines, *summary_lines(loaded)]))


@command.command()
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--reduced", is_flag=True, help="Fewer layers of the same widths: 312 MB.")
def synthetic(out: Path, reduced: bool) -> None:
    """Write meaningless random parameters in the official format (1.1 GB) to OUT.

    The bytes are the same on every machine. A name that ends in .zst makes a compressed file.

    \b
    Example:
      af3 weights synthetic reduced.bin --reduced
    """
    from af3cli.weights.catalogue import SYNTHETIC, SYNTHETIC_REDUCED
    from af3cli.weights.records import write_records
    from af3cli.weights.synthetic import synthetic_records

    entry = SYNTHETIC_REDUCED if reduced else SYNTHETIC
    write_records(out, synthetic_records(entry.config))
    click.echo(f"{out}: {entry.title}.")
