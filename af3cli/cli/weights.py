"""`af3 weights`: list, get, inspect, convert and make model parameters."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from af3cli.cli.interrupts import tells_interrupts


@click.group(name="weights")
def command() -> None:
    """List, get, inspect, convert and make model parameters.

    \b
    Example:
      af3 weights list
      af3 weights get openfold3
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

    The bytes are the same on every machine. OUT ends in .bin, or in .bin.zst to be compressed.

    \b
    Example:
      af3 weights synthetic reduced.bin --reduced
    """
    from af3cli.errors import InputError
    from af3cli.weights.catalogue import SYNTHETIC, SYNTHETIC_REDUCED
    from af3cli.weights.records import write_records
    from af3cli.weights.synthetic import synthetic_records

    if not out.name.endswith((".bin", ".bin.zst")):
        raise InputError(f"{out}: the official format's files end in .bin or .bin.zst")
    entry = SYNTHETIC_REDUCED if reduced else SYNTHETIC
    write_records(out, synthetic_records(entry.config))
    click.echo(f"{out}: {entry.title}.")


@command.command()
@click.argument("name")
@click.option("--accept-terms", is_flag=True, help="Accept the terms of the parameters.")
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, path_type=Path),
    help="Take a file (or folder) that you already have instead of downloading.",
)
@click.option(
    "--weights-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Put the file there instead of into the user's cache.",
)
@tells_interrupts
def get(name: str, accept_terms: bool, source: Path | None, weights_dir: Path | None) -> None:
    """Download the parameters of a model, or go on with a download that was cut off.

    \b
    Example:
      af3 weights get openfold3
      af3 weights get openfold3 --from ~/Downloads/of3-ob-2025-06-30-174k.pt
    """
    from af3cli.weights.get import catalogue_entry, get_weights

    entry = catalogue_entry(name)
    about = "" if entry.file_bytes else "about "
    click.echo(f"{entry.title}, {about}{entry.download_bytes / 1e9:.1f} GB")
    click.echo(f"Licence: {entry.licence}")
    if entry.terms_url:
        click.echo(f"Terms: {entry.terms_url}")
    if entry.needs_consent and not accept_terms:
        _ask_for_consent(name)
    paths = get_weights(entry, weights_dir, source, _show_progress)
    click.echo("\n".join(map(str, paths)))


def _ask_for_consent(name: str) -> None:
    """Returns if the user accepts the terms.

    Raises:
        WeightsError: they do not, or cannot be asked.
    """
    from af3cli.errors import WeightsError

    if not _is_interactive():
        raise WeightsError(
            f"Read the terms; if you accept them: af3 weights get {name} --accept-terms"
        )
    if not click.confirm("Do you accept these terms?"):
        raise WeightsError(f"The terms of {name} are not accepted, so nothing was downloaded.")


def _is_interactive() -> bool:
    return sys.stdin.isatty()


def _show_progress(done: int, total: int | None) -> None:
    if sys.stderr.isatty():
        whole = f" of {total / 1e6:,.0f}" if total else ""
        end = "\n" if done == total else ""
        click.echo(f"\r{done / 1e6:,.0f}{whole} MB{end}", nl=False, err=True)


@command.command()
@click.argument("source", metavar="FILE|NAME")
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
def convert(source: str, out: Path) -> None:
    """Write parameters of any known form to one file that loads at once: OUT.safetensors.

    \b
    Example:
      af3 weights convert of3-ob-2025-06-30-174k.pt openfold3.safetensors
    """
    from af3cli.errors import InputError
    from af3cli.weights.get import convert_file
    from af3cli.weights.report import summary_lines

    if out.suffix != ".safetensors":
        raise InputError(f"{out}: the name of a converted file must end in .safetensors")
    click.echo("\n".join([str(out), *summary_lines(convert_file(source, out))]))
