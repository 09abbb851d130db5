"""`python -m tests.parity CASE...`: every feature and network array against recorded ones."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import click

from af3cli.inference.heads import load_heads
from af3cli.inference.predict import PredictionModel
from af3cli.inference.trunk import load_model
from af3cli.weights.load import load_weights
from tests.parity.case import Case
from tests.parity.comparison import Comparison
from tests.parity.families import NETWORKS, FamilyCase, family_cases

_WEIGHTS = {"full": "synthetic", "reduced": "synthetic-reduced"}


@click.command()
@click.argument("cases", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--parameters",
    type=click.Choice(list(_WEIGHTS)),
    help="Depth of the network: full, or cut short as in network_reduced_f32.npz. By default full "
    "for cases of the official program, all that is recorded for those of other families.",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="Other families are compared in float32 only.",
)
def main(cases: tuple[Path, ...], parameters: str | None, precision: str) -> None:
    """Compares recorded arrays of each case with ours; exits with 1 if any is out of bounds.

    A case of the official program is a folder with job.json, features.npz and network_f32.npz (or
    network_reduced_f32.npz), and perhaps whole runs (`run_*`). One of another family is a group of
    files, CASE.features.npz and others, named by what they begin with or by their folder.
    """
    official = [Case(path) for path in cases if (path / "job.json").exists()]
    others = [_family_cases(path) for path in cases if not (path / "job.json").exists()]
    if others and precision != "float32":
        raise click.BadParameter("cases of other families are compared in float32 only")
    failures = 0
    if official:
        failures += _compare_official(official, parameters or "full", precision)
    if others:
        failures += _compare_families(list(chain.from_iterable(others)), parameters)
    click.echo(f"{failures} arrays out of bounds" if failures else "all arrays within bounds")
    sys.exit(1 if failures else 0)


def _family_cases(path: Path) -> list[FamilyCase]:
    found = family_cases(path)
    if not found:
        raise click.BadParameter(
            f"{path}: neither {path}/job.json nor {path}.features.npz is there"
        )
    for case in found:
        if not case.networks:
            kinds = ", ".join(NETWORKS)
            raise click.BadParameter(
                f"{case.folder / case.name}: nothing is recorded of a network ({kinds})"
            )
    return found


def _compare_official(cases: Sequence[Case], parameters: str, precision: str) -> int:
    """Returns how many arrays are out of bounds."""
    weights = load_weights(_WEIGHTS[parameters])
    model = load_model(weights, precision=precision)
    heads = load_heads(weights, model.precision) if precision == "float32" else None
    del weights
    failures = 0
    for case in cases:
        name = case.folder.name
        failures += _report(f"{name}: features of the job", case.compare_features())
        title = f"{name}: trunk, {parameters} parameters, {precision}"
        failures += _report(title, case.compare_trunk(model, parameters))
        if heads is not None:
            title = f"{name}: heads, {parameters} parameters"
            failures += _report(title, case.compare_heads(model, heads, parameters))
            title = f"{name}: runs, {parameters} parameters"
            runs = case.compare_runs(PredictionModel(model, heads), parameters)
            failures += _report(title, runs)
    return failures


def _compare_families(cases: Sequence[FamilyCase], parameters: str | None) -> int:
    """Returns how many arrays are out of bounds; each network is loaded once."""
    failures = num_compared = 0
    for name, network in NETWORKS.items():
        recorded = [case for case in cases if name in case.networks]
        if not recorded or parameters not in (None, network.parameters):
            continue
        weights = network.load()
        model = load_model(weights, precision="float32")
        heads = load_heads(weights, model.precision)
        del weights
        for case in recorded:
            title = f"{case.folder.name}/{case.name}: network {name}"
            failures += _report(title, case.compare(name, model, heads))
            num_compared += 1
    if not num_compared:
        raise click.BadParameter(f"no network with {parameters} parameters is recorded")
    return failures


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
