"""`af3 embed`: embeddings of many jobs into one file."""

from __future__ import annotations

from pathlib import Path

import click

from af3cli.cli.interrupts import notices_interrupts
from af3cli.cli.report import show_memory, show_plan, show_result
from af3cli.cli.run_options import RunOptions, run_options

_ENTRIES = ("entry", "entries")


@click.command()
@run_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("emb.h5"),
    show_default=True,
    help="HDF5 file; entries are added to one that is there.",
)
@click.option(
    "--include",
    default="single,pair",
    show_default=True,
    metavar="NAME,...",
    help="Arrays to keep, of single, pair and target_feat.",
)
@click.option(
    "--dtype",
    type=click.Choice(["float16", "float32", "bfloat16"]),
    default="float16",
    show_default=True,
    help="Number format in the file.",
)
@click.option(
    "--npz",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Also write the official program's files, <job>_seed-<seed>_embeddings.npz, with those of "
    "single and pair that --include names.",
)
@click.option("--overwrite", is_flag=True, help="Compute and replace entries that are there.")
@notices_interrupts
def command(
    run: RunOptions, out: Path, include: str, dtype: str, npz: Path | None, overwrite: bool
) -> None:
    """Single and pair embeddings of jobs, into one HDF5 file.

    All jobs are checked before anything is computed. Entries that the file already holds are not
    computed again, so a run that was stopped goes on when the same command is given again. The file
    is described in docs/output.md.

    \b
    Exit code: 0 all entries are there; 1 some jobs failed, the others are there;
    2 a job or database is not usable; 3 no usable parameters; 4 the file cannot be written;
    5 the MSA server fails; 6 there is no device that computes.
    """
    from af3cli.weights.schema import is_of_trunk

    weights = run.read_weights(is_of_trunk)
    plan = run.plan()

    from af3cli.cli.progress import show_progress
    from af3cli.inference.memory import trunk_memory
    from af3cli.inference.trunk import load_model
    from af3cli.output.embeddings_format import parse_include
    from af3cli.runs.embeddings import Storage, embed_tasks, entry_names, estimated_bytes

    storage = Storage(out, dtype, parse_include(include), npz, overwrite)
    entry_names(plan.tasks, with_npz=npz is not None)
    model = run.load(load_model, weights)
    plan = run.fill(plan)
    num_bytes = estimated_bytes(plan.tasks, dtype, storage.include, model.config)
    show_plan(plan, _ENTRIES, out, num_bytes)
    needs = ((trunk_memory(model, task.sizes), task.bucket) for task in plan.tasks)
    show_memory(*max(needs, key=lambda need: need[0].total))
    with show_progress() as report:
        result = embed_tasks(
            model,
            plan.tasks,
            plan.components,
            storage,
            num_recycles=run.recycles,
            buckets=plan.buckets,
            report=report,
        )
    show_result(result, _ENTRIES, _ENTRIES, out)
