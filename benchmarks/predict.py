"""Times the steps of `af3 predict` against tokens and samples computed at once.

Each row is a process of its own, which measures in turns, several times over, and takes the best:
the rate of matrix products on this machine at that time, a denoising step with its share of what
several steps' noise levels are made into together, the random numbers of one, the confidences of a
sample, and its scoring and writing. Run with:

    python benchmarks/predict.py [--tokens 76,256] [--samples 1,5] [--precision float32]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
from machine import peak_bytes

from af3cli import open_dictionary, tokenize
from af3cli.features.featurise import featurise
from af3cli.features.padding import Buckets, sizes_of
from af3cli.inference.costs import step_cost
from af3cli.inference.memory import prediction_memory
from af3cli.inference.predict import load_prediction_model, predict, prepare
from af3cli.inference.sampling import SeededDraws, levels_at_once
from af3cli.job import Job, Protein
from af3cli.model.config import SamplerConfig
from af3cli.model.sampler import noise_levels, raised_levels
from af3cli.output.complexes import Complex
from af3cli.output.prediction import PredictionFolder
from af3cli.scores import compare_chirality, score_sample
from af3cli.wording import size

UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"
MATRIX = 2048
STEPS = 200
COLUMNS = (
    ("tokens", "{num_tokens}"),
    ("atoms", "{num_atoms}"),
    ("samples", "{at_once}"),
    ("s/step", "{step:.3f}"),
    ("per sample", "{step_of_sample:.3f}"),
    ("GFLOP/s", "{rate:.0f}"),
    ("of that used", "{used:.0%}"),
    ("s/confidences", "{confidences:.2f}"),
    ("outside model", "{outside:.1%}"),
    ("peak memory", "{peak}"),
    ("estimated", "{estimated}"),
)


def measure(num_tokens: int, at_once: int, weights: str, precision: str, rounds: int) -> dict:
    """Returns the figures of one row of the table."""
    sequence = (UBIQUITIN * (num_tokens // len(UBIQUITIN) + 1))[:num_tokens]
    job = Job("benchmark", (1,), (Protein(("A",), sequence, unpaired_msa="", templates=()),))
    components = open_dictionary()
    tables = tokenize(job, components)
    features = featurise(job, *tables, components, seed=1)
    buckets = Buckets(())
    model = load_prediction_model(weights, precision=precision)
    prepared = prepare(model, features, seed=1, num_recycles=0, buckets=buckets)
    trunk, heads = prepared.trunk, model.heads
    shared = prepared.padded, trunk.single, trunk.pair, trunk.target_feat
    context = heads.diffusion_context(*shared)
    sizes = buckets.sizes(sizes_of(features))
    config = SamplerConfig(steps=STEPS)
    levels = noise_levels(config)
    drawing = SeededDraws(1, range(at_once))
    positions = levels[0] * drawing.start(sizes.atom)
    draws = drawing.step(0, sizes.atom)
    raised = raised_levels(levels, config)[: levels_at_once(num_tokens)]
    conditions = heads.conditions(raised, context)
    matrix = np.random.default_rng(0).normal(size=(MATRIX, MATRIX)).astype(np.float32)
    multiply = jax.jit(lambda a: a @ a)
    (sample,) = predict(prepared, [0], config=SamplerConfig(steps=2))
    complex_ = Complex(job, *tables, components, model.weights)

    with (
        tempfile.TemporaryDirectory() as folder,
        PredictionFolder(Path(folder), complex_, {}) as output,
    ):

        def write() -> None:
            scores = score_sample(
                *tables, features.frames.has_frame, sample.coordinates, sample.confidences
            )
            output.write_sample(1, 0, sample.coordinates, sample.confidences, scores)
            compare_chirality(*tables, sample.coordinates, components)

        best = best_times(
            rounds,
            product=lambda: multiply(matrix),
            step=lambda: heads.step(positions, *levels[:2], draws, conditions, 0, context, config),
            conditions=lambda: heads.conditions(raised, context),
            draws=lambda: drawing.step(1, sizes.atom),
            confidences=lambda: heads.confidences(positions[0], *shared),
            write=write,
        )
    step = best["step"] + best["conditions"] / len(raised)
    model_time = STEPS * step + at_once * best["confidences"]
    other_time = STEPS * best["draws"] + at_once * best["write"]
    rate = 2 * MATRIX**3 / best["product"]
    cost = step_cost(model.trunk.config, sizes, at_once)
    return {
        "num_tokens": num_tokens,
        "num_atoms": sizes_of(features).atom,
        "at_once": at_once,
        "step": step,
        "step_of_sample": step / at_once,
        "rate": rate / 1e9,
        "used": cost / step / rate,
        "confidences": best["confidences"],
        "outside": other_time / (model_time + other_time),
        "peak": size(peak_bytes()),
        "estimated": size(prediction_memory(model, sizes, at_once).total),
    }


def best_times(rounds: int, **actions: Callable[[], object]) -> dict[str, float]:
    """Returns the shortest of `rounds` times of each action, in seconds, after one to warm up."""
    best = dict.fromkeys(actions, float("inf"))
    for number in range(rounds + 1):
        for name, action in actions.items():
            start = time.perf_counter()
            jax.block_until_ready(action())
            if number:
                best[name] = min(best[name], time.perf_counter() - start)
    return best


def main() -> None:
    """Prints a table, a row for each number of tokens and of samples."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", default="76,256")
    parser.add_argument("--samples", default="1,5")
    parser.add_argument("--weights", default="synthetic")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--row", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        num_tokens, at_once = int(options.tokens), int(options.samples)
        shape = options.weights, options.precision, options.rounds
        print(json.dumps(measure(num_tokens, at_once, *shape)))
        return
    print(" | ".join(name for name, _ in COLUMNS))
    for num_tokens in options.tokens.split(","):
        for at_once in options.samples.split(","):
            size_of_row = ["--tokens", num_tokens, "--samples", at_once, "--row"]
            command = [sys.executable, __file__, *sys.argv[1:], *size_of_row]
            row = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            cells = (f"{form.format(**row):>{len(name)}}" for name, form in COLUMNS)
            print(" | ".join(cells), flush=True)


if __name__ == "__main__":
    main()
