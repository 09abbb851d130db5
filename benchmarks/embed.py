"""`python benchmarks/embed.py`: what embedding costs here, by model and number of tokens.

A model of the catalogue is measured with random parameters of its shapes, so it needs no file. Each
size runs in its own process, whose peak memory is told. The rate of the trunk is compared with the
rate of one large matrix product, measured in the same process before and after the passes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING

import click
from machine import matrix_rate, peak_bytes

if TYPE_CHECKING:
    from af3cli.weights import Weights

_LETTERS = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVVHSLAKWKRQT"


@click.command()
@click.option("--tokens", default="64,128,162,256", show_default=True, help="Sizes to measure.")
@click.option(
    "--weights",
    default="synthetic",
    show_default=True,
    help="Models to measure: names of the catalogue, and files.",
)
@click.option("--precision", default="auto", show_default=True)
@click.option("--passes", default=4, show_default=True, help="Passes; the fastest is told.")
@click.option("--size", type=int, hidden=True, help="Measure this one size, and print JSON.")
def main(tokens: str, weights: str, precision: str, passes: int, size: int | None) -> None:
    """Seconds per trunk pass, compile time, memory and bytes written, by number of tokens."""
    if size is not None:
        click.echo(json.dumps(_measure(size, weights, precision, passes)))
        return
    click.echo(
        f"{'model':<22} {'tokens':>6} {'s/pass':>8} {'compile s':>9} {'peak GB':>8} {'MB file':>8} "
        f"{'TFLOP':>7} {'GFLOP/s':>8} {'matrix':>7} {'share':>6}"
    )
    for model, number in product(weights.split(","), tokens.split(",")):
        options = ["--size", number, "--weights", model, "--precision", precision]
        command = [sys.executable, __file__, *options, "--passes", str(passes)]
        row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        rate = row["operations"] / row["pass_seconds"]
        click.echo(
            f"{Path(model).name:<22} {number:>6} "
            f"{row['pass_seconds']:8.2f} {row['compile_seconds']:9.1f} "
            f"{row['peak_bytes'] / 1e9:8.2f} {row['file_bytes'] / 1e6:8.1f} "
            f"{row['operations'] / 1e12:7.3f} {rate / 1e9:8.0f} "
            f"{row['matrix_rate'] / 1e9:7.0f} {rate / row['matrix_rate']:6.2f}"
        )


def _measure(num_tokens: int, weights: str, precision: str, num_passes: int) -> dict[str, float]:
    """Embeds one protein of `num_tokens` residues and returns what it took."""
    from af3cli.chemistry import open_dictionary
    from af3cli.features.padding import Buckets
    from af3cli.inference.costs import pass_cost
    from af3cli.inference.trunk import load_model
    from af3cli.runs.embeddings import Storage, embed_tasks
    from af3cli.runs.events import Event, PassFinished
    from af3cli.runs.plan import plan_files, plan_tasks

    exact = Buckets(())
    components = open_dictionary()
    model = load_model(_parameters(weights), precision=precision)
    ends = []

    def note(event: Event) -> None:
        if isinstance(event, PassFinished):
            ends.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        tasks = plan_tasks(plan_files([_job(Path(folder), num_tokens)], components), exact)
        out = Path(folder) / "emb.h5"
        rates = [matrix_rate(model.precision)]
        start = time.perf_counter()
        embed_tasks(
            model,
            tasks,
            components,
            Storage(out),
            num_recycles=num_passes,
            buckets=exact,
            report=note,
        )
        rates.append(matrix_rate(model.precision))
        file_bytes = out.stat().st_size
    first, *others = (end - begin for begin, end in pairwise([start, *ends]))
    return {
        "pass_seconds": min(others),
        "compile_seconds": first - min(others),
        "operations": pass_cost(model.config, tasks[0].sizes),
        "matrix_rate": max(rates),
        "peak_bytes": peak_bytes(),
        "file_bytes": file_bytes,
    }


def _parameters(weights: str) -> Weights | str:
    """Returns random parameters for a name of the catalogue, and a path as it is."""
    from af3cli.weights import CATALOGUE, synthetic_parameters
    from af3cli.weights.provenance import known_digest, with_provenance

    if weights not in CATALOGUE:
        return weights
    config = CATALOGUE[weights].config
    arrays = synthetic_parameters(config)
    return with_provenance("synthetic", None, config, arrays, known_digest(None))


def _job(folder: Path, num_tokens: int) -> Path:
    """Writes a job with one protein of `num_tokens` residues and no alignment."""
    sequence = (_LETTERS * (num_tokens // len(_LETTERS) + 1))[:num_tokens]
    protein = {"id": "A", "sequence": sequence, "unpairedMsa": "", "pairedMsa": "", "templates": []}
    job = {
        "name": f"protein_{num_tokens}",
        "modelSeeds": [1],
        "sequences": [{"protein": protein}],
        "dialect": "alphafold3",
        "version": 1,
    }
    path = folder / "job.json"
    path.write_text(json.dumps(job))
    return path


if __name__ == "__main__":
    main()
