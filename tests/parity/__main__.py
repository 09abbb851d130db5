"""`python -m tests.parity CASE...`: every feature and network array against recorded ones."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from af3cli.inference.heads import load_heads
from af3cli.inference.predict import PredictionModel
from af3cli.inference.trunk import load_model
from af3cli.weights.load import Weights, load_weights
from tests.parity.case import NETWORK_FILES, Case
from tests.parity.families import NETWORKS, FamilyCase, family_cases
from tests.parity.features import skipped_features
from tests.parity.report import Report

_WEIGHTS = {"full": "synthetic", "reduced": "synthetic-reduced"}


@click.command()
@click.argument("cases", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--parameters",
    type=click.Choice(list(_WEIGHTS)),
    help="Depth of the network: full, or cut short as in network_reduced_f32.npz. By default, of a "
    "case of the official program full if that is recorded, else cut short; of other families all "
    "that is recorded.",
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

    So it does if something is not there that is needed for a comparison, or that other files like
    it have; the other cases are compared all the same.

    A case of the official program is a folder with job.json, features.npz and network_f32.npz (or
    network_reduced_f32.npz), and perhaps whole runs (`run_*`). One of another family is a group of
    files, CASE.features.npz and others, named by what they begin with or by their folder.
    """
    official = [Case(path) for path in cases if (path / "job.json").exists()]
    others = [path for path in cases if not (path / "job.json").exists()]
    if others and precision != "float32":
        raise click.BadParameter("cases of other families are compared in float32 only")
    report = Report()
    if official:
        _compare_official(report, official, parameters, precision)
    if others:
        _compare_families(report, _family_cases(report, others), parameters)
    click.echo(report.summary())
    sys.exit(0 if report.is_good else 1)


def _family_cases(report: Report, paths: Sequence[Path]) -> list[FamilyCase]:
    """Returns the cases of other families of which some network is recorded."""
    cases = []
    for path in paths:
        found = family_cases(path)
        if not found:
            report.refuse(path.name, f"neither {path}/job.json nor {path}.features.npz is there")
        for case in found:
            if case.networks:
                cases.append(case)
            else:
                kinds = ", ".join(NETWORKS)
                report.refuse(case.title, f"nothing is recorded of a network ({kinds})")
    return cases


def _compare_official(
    report: Report, cases: Sequence[Case], parameters: str | None, precision: str
) -> None:
    """Compares each case with one network, that of `parameters` or the deepest recorded."""
    if skipped := skipped_features():
        click.echo(
            f"not compared: {', '.join(skipped)}, which depend on the releases of RDKit and of the "
            "component dictionary; those in use are not those of the recorded arrays"
        )
    networks = [(case, parameters or next(iter(case.networks), None)) for case in cases]
    for name, source in _WEIGHTS.items():
        if chosen := [case for case, network in networks if network == name]:
            _compare_network(report, chosen, name, precision, load_weights(source))
    for case in (case for case, network in networks if network is None):
        with report.case(case.folder.name):
            report.add(f"{case.folder.name}: features of the job", case.compare_features())
            files = " nor ".join(NETWORK_FILES.values())
            report.refuse(case.folder.name, f"neither {files} is in {case.folder}")


def _compare_network(
    report: Report, cases: Sequence[Case], parameters: str, precision: str, weights: Weights
) -> None:
    model = load_model(weights, precision=precision)
    heads = load_heads(weights, model.precision) if precision == "float32" else None
    del weights
    for case in cases:
        name = case.folder.name
        with report.case(name):
            report.add(f"{name}: features of the job", case.compare_features())
            title = f"{name}: trunk, {parameters} parameters, {precision}"
            report.add(title, case.compare_trunk(model, parameters))
            if heads is not None:
                title = f"{name}: heads, {parameters} parameters"
                report.add(title, case.compare_heads(model, heads, parameters))
                title = f"{name}: runs, {parameters} parameters"
                runs = case.compare_runs(PredictionModel(model, heads), parameters)
                report.add(title, runs)


def _compare_families(report: Report, cases: Sequence[FamilyCase], parameters: str | None) -> None:
    """Compares each case with all its networks of `parameters`; each network is loaded once."""
    is_any = False
    for name, network in NETWORKS.items():
        recorded = [case for case in cases if name in case.networks]
        if not recorded or parameters not in (None, network.parameters):
            continue
        is_any = True
        weights = network.load()
        model = load_model(weights, precision="float32")
        heads = load_heads(weights, model.precision)
        del weights
        for case in recorded:
            with report.case(case.title):
                report.add(f"{case.title}: network {name}", case.compare(name, model, heads))
    if cases and not is_any:
        titles = ", ".join(case.title for case in cases)
        report.refuse(titles, f"no network with {parameters} parameters is recorded")


if __name__ == "__main__":
    main()
