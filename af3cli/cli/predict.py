"""`af3 predict`: structures and confidences of many jobs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from af3cli.cli.interrupts import notices_interrupts
from af3cli.cli.plan import Plan
from af3cli.cli.report import show_memory, show_plan, show_result
from af3cli.cli.run_options import RunOptions, run_options

if TYPE_CHECKING:
    from af3cli.inference.predict import PredictionModel
    from af3cli.runs.prediction_plan import PredictionSettings

_SEEDS, _SAMPLES = ("seed", "seeds"), ("sample", "samples")
_AT_LEAST_ONE = click.IntRange(min=1)


@click.command()
@run_options
@click.option(
    "--out-dir",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Each job gets a folder of its name in here.",
)
@click.option(
    "--samples",
    type=_AT_LEAST_ONE,
    help="Structures for each seed. By default as many as in the model's own program, 5.",
)
@click.option(
    "--steps",
    type=_AT_LEAST_ONE,
    help="Denoising steps of each structure. By default as many as in the model's own program: "
    "200, but 5 for Protenix mini and tiny.",
)
@click.option(
    "--samples-at-once",
    type=_AT_LEAST_ONE,
    metavar="N",
    help="Structures that are computed together. By default as many as fit into the memory; the "
    "result does not depend on it.",
)
@click.option(
    "--save-embeddings",
    is_flag=True,
    help="Also write single and pair embeddings, as the official program does and as emb.h5.",
)
@click.option("--save-distogram", is_flag=True, help="Also write the distogram's logits.")
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace results of the same name that are of another job or other settings.",
)
@notices_interrupts
def command(
    run: RunOptions,
    out_dir: Path,
    samples: int | None,
    steps: int | None,
    samples_at_once: int | None,
    save_embeddings: bool,
    save_distogram: bool,
    overwrite: bool,
) -> None:
    """Structures and confidences of jobs, in the official program's layout.

    All jobs are checked before anything is computed. Structures that are there already are not
    computed again, so a run that was stopped goes on when the same command is given again. The
    files are described in docs/predict.md.

    \b
    Exit code: 0 all structures are there; 1 some jobs failed, the others are there;
    2 a job or database is not usable; 3 no usable parameters; 4 files cannot be written;
    5 the MSA server fails; 6 there is no device that computes.
    """
    weights = run.read_weights()
    plan = run.plan()

    from af3cli.cli.progress import show_progress
    from af3cli.inference.predict import load_prediction_model
    from af3cli.runs.prediction import predict_tasks
    from af3cli.runs.prediction_plan import (
        PredictionSettings,
        check_names,
        distinct_tasks,
        predicted_bytes,
    )

    check_names(plan.jobs, samples or 1)
    model = run.load(load_prediction_model, weights)
    config = model.trunk.config
    defaults = config.defaults
    settings = PredictionSettings(
        out_dir=out_dir,
        num_samples=samples or defaults.samples,
        num_steps=steps or defaults.sampler.steps,
        num_recycles=defaults.recycles if run.recycles is None else run.recycles,
        at_once=samples_at_once,
        embeddings=save_embeddings,
        distogram=save_distogram,
        overwrite=overwrite,
    )
    plan = run.fill(plan)
    plan = replace(plan, tasks=distinct_tasks(plan.tasks))
    show_plan(plan, _SEEDS, out_dir, predicted_bytes(plan.tasks, settings, config))
    _show_memory(plan, model, settings)
    with show_progress() as report:
        result = predict_tasks(
            model, plan.tasks, plan.components, settings, buckets=plan.buckets, report=report
        )
    show_result(result, _SAMPLES, _SEEDS, out_dir)


def _show_memory(plan: Plan, model: PredictionModel, settings: PredictionSettings) -> None:
    """Prints about how much memory the largest task needs."""
    from af3cli.inference.memory import prediction_memory
    from af3cli.runs.prediction import num_at_once

    task = max(plan.tasks, key=lambda task: (task.bucket, task.sizes.atom))
    at_once = num_at_once(task, model, settings)
    need = prediction_memory(model, task.sizes, at_once)
    show_memory(need, task.bucket, ("--samples-at-once 1",), at_once)
