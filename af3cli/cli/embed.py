"""`af3 embed`: embeddings of many jobs into one file."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from af3cli.cli.interrupts import notices_interrupts, stop_if_interrupted
from af3cli.errors import InputError

if TYPE_CHECKING:
    from af3cli.inference.events import Event
    from af3cli.inference.plan import PlannedJob, Task
    from af3cli.output.embeddings_run import RunResult, Storage

_MAX_SEED = 2**32 - 1


@click.command()
@click.argument("jobs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="JOB...")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("emb.h5"),
    show_default=True,
    help="HDF5 file; entries are added to one that is there.",
)
@click.option(
    "--weights",
    metavar="NAME|PATH",
    help="Model parameters: a file, a folder, or a name that `af3 weights list` knows.",
)
@click.option(
    "--weights-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where parameters are looked for by name, before $AF3_WEIGHTS and the user's cache.",
)
@click.option(
    "--recycles",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Trunk passes after the first.",
)
@click.option("--seeds", metavar="N,N,...", help="In place of the seeds of the jobs.")
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
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default="auto",
    show_default=True,
    help="Number format of the computation; auto is bfloat16 on a GPU, else float32.",
)
@click.option(
    "--buckets",
    metavar="N,N,...|exact",
    help="Token counts that jobs are padded to, so that few programs are compiled; results do not "
    "depend on them. By default those of the official program, 128, 256, 384, 512, 768, ..., 5120.",
)
@click.option(
    "--npz",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Also write the official program's files, <job>_seed-<seed>_embeddings.npz.",
)
@click.option(
    "--ccd",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Chemical components, as mmCIF (plain or gzipped), in place of those of biotite.",
)
@click.option("--overwrite", is_flag=True, help="Compute and replace entries that are there.")
@notices_interrupts
def command(
    jobs: tuple[Path, ...],
    out: Path,
    weights: str | None,
    weights_dir: Path | None,
    recycles: int,
    seeds: str | None,
    include: str,
    dtype: str,
    precision: str,
    buckets: str | None,
    npz: Path | None,
    ccd: Path | None,
    overwrite: bool,
) -> None:
    """Single and pair embeddings of jobs, into one HDF5 file.

    All jobs are checked before anything is computed. Entries that the file already holds are not
    computed again, so a run that was stopped goes on when the same command is given again. The file
    is described in docs/output.md.

    \b
    Exit code: 0 all entries are there; 1 some jobs failed, the others are there;
    2 a job is not usable; 3 no usable parameters; 4 the file cannot be written.
    """
    chosen_seeds = _parse_seeds(seeds) if seeds else None

    from af3cli.chemistry import open_dictionary
    from af3cli.inference.compile_cache import keep_compiled_programs
    from af3cli.inference.plan import plan_files, plan_tasks
    from af3cli.inference.trunk import DEFAULT_BUCKETS, Buckets, load_model
    from af3cli.output.embeddings_format import parse_include
    from af3cli.output.embeddings_run import Storage, embed_tasks, entry_names

    chosen_buckets = Buckets.parse(buckets) if buckets else DEFAULT_BUCKETS
    storage = Storage(out, dtype, parse_include(include), npz, overwrite)
    components = open_dictionary(ccd)
    planned = plan_files(jobs, components, chosen_seeds)
    tasks = plan_tasks(planned, chosen_buckets)
    entry_names(tasks)
    _show_plan(planned, tasks, storage)
    keep_compiled_programs()
    model = load_model(weights, precision=precision, weights_dir=weights_dir)
    if model.weights.is_meaningless:
        _warn(f"the parameters {model.weights.name} are random, so all values are meaningless")

    from af3cli.cli.progress import show_progress

    with show_progress() as show:

        def report(event: Event) -> None:
            show(event)
            stop_if_interrupted()

        result = embed_tasks(
            model,
            tasks,
            components,
            storage,
            num_recycles=recycles,
            buckets=chosen_buckets,
            report=report,
        )
    _show_result(result, out)
    if result.failures:
        sys.exit(1)


def _parse_seeds(text: str) -> tuple[int, ...]:
    try:
        seeds = tuple(int(number) for number in text.split(","))
    except ValueError:
        seeds = ()
    if not seeds or not all(0 <= seed <= _MAX_SEED for seed in seeds):
        raise InputError(f"seeds {text!r}: give numbers from 0 to {_MAX_SEED}, such as 1,2,3")
    if len(set(seeds)) < len(seeds):
        raise InputError(f"seeds {text!r}: each seed can be given once")
    return seeds


def _show_plan(jobs: Sequence[PlannedJob], tasks: Sequence[Task], storage: Storage) -> None:
    """Prints what will be done, and warns of what may be unexpected about it."""
    from af3cli.output.embeddings_run import estimated_bytes
    from af3cli.output.embeddings_writer import free_bytes

    buckets = Counter(task.bucket for task in tasks)
    size = estimated_bytes(tasks, storage.dtype, storage.include)
    free = free_bytes(storage.out)
    click.echo(
        f"{_count(len(jobs), 'job')}, {_count(len(tasks), 'entry', 'entries')}, "
        f"{sum(task.num_tokens for task in tasks):,} tokens in all; by bucket: "
        + ", ".join(f"{number} of {bucket} tokens" for bucket, number in buckets.items())
    )
    click.echo(f"{storage.out}: up to {_bytes(size)} when whole; {_bytes(free)} are free there")
    if size > free:
        _warn(f"{storage.out} may not fit on the disk; what is finished is kept in any case")
    for job in jobs:
        if chains := job.chains.wants_search:
            _warn(
                f"{job.name}: runs without the alignments or templates that it wants searched for "
                f"chain {', '.join(chains)}"
            )


def _show_result(result: RunResult, out: Path) -> None:
    present = f"; {_count(result.num_present, 'entry was', 'entries were')} there already"
    click.echo(
        f"{out}: {_count(result.num_written, 'entry', 'entries')} written"
        + (present if result.num_present else "")
    )
    if result.failures:
        names = ", ".join(str(failure.task) for failure in result.failures)
        click.echo(f"{_count(len(result.failures), 'entry', 'entries')} failed: {names}", err=True)


def _warn(text: str) -> None:
    click.secho(f"Warning: {text}", fg="yellow", err=True)


def _count(number: int, singular: str, plural: str | None = None) -> str:
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def _bytes(number: float) -> str:
    """Returns a size as people say it, such as 57 MB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"
