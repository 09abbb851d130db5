"""`python -m tests.parity CASE_DIR...`: every feature and network array against recorded ones."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from af3cli.inference.heads import load_heads
from af3cli.inference.predict import PredictionModel
from af3cli.inference.trunk import load_model
from af3cli.weights.load import load_weights
from tests.parity.case import Case
from tests.parity.comparison import Comparison

_WEIGHTS = {"full": "synthetic", "reduced": "synthetic-reduced"}


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--parameters",
    type=click.Choice(list(_WEIGHTS)),
    default="full",
    show_default=True,
    help="Depth of the network: full, or cut short as in network_reduced_f32.npz.",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
)
def main(folders: tuple[Path, ...], parameters: str, precision: str) -> None:
    """Compares each case folder's recorded arrays with ours; exits with 1 if any is out of bounds.

    A case folder holds job.json, features.npz and network_f32.npz (or network_reduced_f32.npz),
    and may hold whole runs (`run_*`).
    """
    weights = load_weights(_WEIGHTS[parameters])
    model = load_model(weights, precision=precision)
    heads = load_heads(weights, model.precision) if precision == "float32" else None
    del weights
    failures = 0
    for folder in folders:
        case = Case(folder)
        failures += _report(f"{folder.name}: features of the job", case.compare_features())
        title = f"{folder.name}: trunk, {parameters} parameters, {precision}"
        failures += _report(title, case.compare_trunk(model, parameters))
        if heads is not None:
            title = f"{folder.name}: heads, {parameters} parameters"
            failures += _report(title, case.compare_heads(model, heads, parameters))
            title = f"{folder.name}: runs, {parameters} parameters"
            runs = case.compare_runs(PredictionModel(model, heads), parameters)
            failures += _report(title, runs)
    click.echo(f"{failures} arrays out of bounds" if failures else "all arrays within bounds")
    sys.exit(1 if failures else 0)


def _report(title: str, comparisons: Iterable[Comparison]) -> int:
    """Prints a line per array and returns how many are out of bounds."""
    click.echo(title)
    failures, comparison = 0, None
    for comparison in comparisons:
        click.echo(str(comparison))
        failures += not comparison.is_within
    if comparison is None:
        click.echo("  nothing recorded")
    return failures


if __name__ == "__main__":
    main()
