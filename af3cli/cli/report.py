"""What `af3 embed` and `af3 predict` print of a run: the plan, the memory, the result, warnings."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from af3cli.cli.chain_inputs import describe_chain_inputs
from af3cli.wording import counted, printable, size, some

if TYPE_CHECKING:
    from af3cli.cli.plan import Plan
    from af3cli.inference.memory import MemoryNeed
    from af3cli.runs.embeddings import RunResult

_SHOWN_NOTES = 20


def show_plan(plan: Plan, tasks: tuple[str, str], place: Path, num_bytes: float) -> None:
    """Prints what will be done, and warns of what may be unexpected about it.

    `tasks` is what one task and several are called; they take `num_bytes` in `place`.
    """
    from af3cli.disk import free_bytes

    buckets = Counter(task.bucket for task in plan.tasks)
    free = free_bytes(place)
    click.echo(
        f"{counted(len(plan.jobs), 'job')}, {counted(len(plan.tasks), *tasks)}, "
        f"{sum(task.num_tokens for task in plan.tasks):,} tokens in all; by bucket: "
        + ", ".join(f"{number} of {bucket} tokens" for bucket, number in buckets.items())
    )
    click.echo(f"{place}: up to {size(num_bytes)} when whole; {size(free)} are free there")
    if num_bytes > free:
        warn(f"{place} may not fit on the disk; what is finished is kept in any case")
    for line in describe_chain_inputs(plan.jobs):
        click.echo(line)
    notes = [printable(f"{job.name}: {note}") for job in plan.jobs for note in job.notes]
    for note in notes[:_SHOWN_NOTES]:
        click.echo(f"note: {note}")
    if len(notes) > _SHOWN_NOTES:
        click.echo(f"note: {len(notes) - _SHOWN_NOTES} more such notes; af3 check has them all")
    if wanting := [printable(job.name) for job in plan.jobs if job.chains.searchable]:
        warn(
            f"{some(wanting)}: {'runs' if len(wanting) == 1 else 'run'} without the alignments or "
            "templates that are wanted there; --msa says where to look for them"
        )


def show_memory(
    need: MemoryNeed, num_tokens: int, remedies: tuple[str, ...] = (), num_samples: int = 0
) -> None:
    """Prints about how much memory the largest task needs, and warns if the device has less.

    It has `num_tokens`, padding included. `remedies` are options that lower the need beside those
    that any run has.
    """
    from af3cli.inference.memory import device_bytes

    parts = {
        "program": need.program,
        "parameters": need.parameters,
        "representations": need.representations,
        f"{counted(num_samples, 'sample')} at once": need.samples,
    }
    told = ", ".join(f"{part} {size(num_bytes)}" for part, num_bytes in parts.items() if num_bytes)
    there = device_bytes()
    click.echo(
        f"memory, estimated: {size(need.total)} for {num_tokens} tokens ({told}); the device has "
        f"{size(there)}"
    )
    if need.total > there:
        options = ", ".join((*remedies, "--precision bfloat16", "--buckets exact"))
        warn(f"that may not fit; what is lower with it: {options}")


def show_result(
    result: RunResult, results: tuple[str, str], tasks: tuple[str, str], place: Path
) -> None:
    """Prints what has become of a run, and ends the program with 1 if tasks have failed.

    `results` is what is counted in `place`, `tasks` what a task is called.
    """
    present = f"; {counted(result.num_present, *_past(results))} there already"
    click.echo(
        f"{place}: {counted(result.num_written, *results)} written"
        + (present if result.num_present else "")
    )
    if result.failures:
        names = ", ".join(str(failure.task) for failure in result.failures)
        click.echo(f"{counted(len(result.failures), *tasks)} failed: {names}", err=True)
        sys.exit(1)


def warn(text: str) -> None:
    """Prints a warning."""
    click.secho(f"Warning: {printable(text)}", fg="yellow", err=True)


def _past(results: tuple[str, str]) -> tuple[str, str]:
    return f"{results[0]} was", f"{results[1]} were"
