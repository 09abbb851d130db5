"""What `af3 embed` and `af3 predict` have in common: options, planning, loading parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from af3cli.cli.interrupts import stop_if_interrupted
from af3cli.cli.plan import Plan
from af3cli.cli.reading_options import ReadingOptions, ccd_option, reading_options
from af3cli.cli.report import warn
from af3cli.cli.search_options import SearchSettings, search_options
from af3cli.errors import InputError

if TYPE_CHECKING:
    from af3cli.inference.predict import PredictionModel
    from af3cli.inference.trunk import TrunkModel
    from af3cli.runs.ahead import Ahead
    from af3cli.search.events import Event as SearchEvent
    from af3cli.search.events import OnEvent
    from af3cli.weights import Weights

Model = TypeVar("Model", bound="TrunkModel | PredictionModel")

_OPTIONS = (
    click.argument(
        "jobs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="JOB..."
    ),
    click.option(
        "--weights",
        metavar="NAME|PATH",
        help="Model parameters: a file, a folder, or a name that `af3 weights list` knows.",
    ),
    click.option(
        "--weights-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="Where parameters are looked for, before $AF3_WEIGHTS and the user's cache.",
    ),
    click.option(
        "--recycles",
        type=click.IntRange(min=0),
        help="Trunk passes after the first. By default as many as in the model's own program: 10 "
        "for AlphaFold 3 and IntelliFold, 9 for Protenix base, 3 for OpenFold3 and small Protenix.",
    ),
    click.option("--seeds", metavar="N,N,...", help="In place of the seeds of the jobs."),
    click.option(
        "--precision",
        type=click.Choice(["auto", "float32", "bfloat16"]),
        default="auto",
        show_default=True,
        help="Number format of the computation; auto is bfloat16 on a GPU, else float32.",
    ),
    click.option(
        "--buckets",
        metavar="N,N,...|exact",
        help="Token counts that jobs are padded to, so that few programs are compiled; results do "
        "not depend on them. By default those of the official program, 128, 256, 384, 512, 768, "
        "..., 5120.",
    ),
    ccd_option,
    click.option(
        "--msa",
        type=click.Choice(["none", "search", "server"]),
        help="Where alignments and templates that jobs lack come from: from nowhere, from "
        "databases, or from --msa-server (RNA and templates from databases). By default server if "
        "--msa-server is given, search if databases are configured (--db, --databases, "
        "$AF3_DATABASES), else none.",
    ),
)


@dataclass(frozen=True)
class RunOptions:
    """The options that a run of the network has whatever it is for."""

    jobs: tuple[Path, ...]
    weights: str | None
    weights_dir: Path | None
    recycles: int | None
    seeds: str | None
    precision: str
    buckets: str | None
    ccd: Path | None
    msa: str | None
    search: SearchSettings
    reading: ReadingOptions

    def plan(self) -> Plan:
        """Reads all jobs; raises `InputError` with what is wrong with any of them."""
        seeds = None if self.seeds is None else _parse_seeds(self.seeds)

        from af3cli.chemistry import open_dictionary
        from af3cli.features.padding import Buckets
        from af3cli.runs.plan import plan_files, plan_tasks

        search = self.search.plan_for(self.msa)
        buckets = Buckets() if self.buckets is None else Buckets.parse(self.buckets)
        components = open_dictionary(self.ccd)
        jobs = plan_files(self.jobs, components, seeds, search, self.reading.read_file)
        return Plan(search, components, buckets, jobs, plan_tasks(jobs, buckets))

    def fill(self, plan: Plan) -> Plan:
        """Returns the plan with what its jobs lack searched for, where that is wanted.

        Raises:
            InputError, ServerError: see `search_planned`.
        """
        if plan.search is None or not any(job.chains.wants_search for job in plan.jobs):
            return plan

        from af3cli.cli.search_progress import show_search
        from af3cli.runs.plan import plan_tasks
        from af3cli.runs.plan_search import search_planned

        with show_search() as show:
            jobs = search_planned(plan.jobs, plan.search, _interruptible(show))
        return replace(plan, jobs=jobs, tasks=plan_tasks(jobs, plan.buckets))

    def read_weights(self, needed: Callable[[str], bool] = lambda name: True) -> Ahead[Weights]:
        """Returns what `load_weights` does; parameters are read while the caller goes on."""
        from af3cli.runs.ahead import Ahead
        from af3cli.weights.load import load_weights

        return Ahead(partial(load_weights, self.weights, self.weights_dir, needed=needed))

    def load(self, load_model: Callable[..., Model], weights: Ahead[Weights]) -> Model:
        """Returns what `load_model` makes of the parameters; says so if they mean nothing."""
        from af3cli.inference.compile_cache import HOW_TO_KEEP, NOT_KEPT, keep_compiled_programs
        from af3cli.inference.device import check_device, claim_memory, why_slow
        from af3cli.inference.precision import choose_precision
        from af3cli.weights.provenance import describe_depths

        claim_memory()
        check_device()
        if keep_compiled_programs() is None:
            warn(f"{NOT_KEPT}; {HOW_TO_KEEP}")
        model = load_model(weights.take(), precision=self.precision)
        if not model.weights.is_of_known_depths:
            warn(
                f"the parameters {model.weights.name} are not of as many blocks as any model known "
                f"here ({describe_depths(model.weights.config)}); some may be missing"
            )
        if model.weights.is_meaningless:
            warn(f"the parameters {model.weights.name} are random, so all values are meaningless")
        if reason := why_slow(choose_precision(self.precision)):
            warn(reason)
        return model


def run_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the common options to a command, which gets them as its first argument."""

    @search_options
    @reading_options
    @wraps(command)
    def run(**options: object) -> None:
        common = {field.name: options.pop(field.name) for field in fields(RunOptions)}
        command(RunOptions(**common), **options)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run


def _interruptible(show: OnEvent) -> OnEvent:
    def report(event: SearchEvent) -> None:
        show(event)
        stop_if_interrupted()

    return report


def _parse_seeds(text: str) -> tuple[int, ...]:
    from af3cli.job.limits import MAX_SEED

    try:
        seeds = tuple(int(number) for number in text.split(","))
    except ValueError:
        seeds = ()
    if not seeds or not all(0 <= seed <= MAX_SEED for seed in seeds):
        raise InputError(f"seeds {text!r}: give numbers from 0 to {MAX_SEED}, such as 1,2,3")
    if len(set(seeds)) < len(seeds):
        raise InputError(f"seeds {text!r}: each seed can be given once")
    return seeds
