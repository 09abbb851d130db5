"""What a prediction run is to make, what of it is there, and what it was made from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from af3cli.chemistry import ComponentDictionary
from af3cli.errors import InputError, OutputError
from af3cli.inference.costs import confidence_cost, pass_cost, step_cost
from af3cli.inference.predict import PredictionModel
from af3cli.job import file_name
from af3cli.model.config import ModelConfig
from af3cli.output.file_names import check_length, usable_name
from af3cli.output.prediction import prediction_bytes
from af3cli.output.prediction_records import (
    Identity,
    distogram_folder,
    embeddings_folder,
    finished_parts,
    longest_file_name,
    sample_folder,
)
from af3cli.runs.embeddings import estimated_bytes
from af3cli.runs.plan import PlannedJob, Task


@dataclass(frozen=True)
class PredictionSettings:
    """What is made of each seed of a job, and where it goes.

    `at_once` samples are computed together; None leaves that to the device's memory. `overwrite`
    is for results of another job or other settings: those of the same are kept in any case.
    """

    out_dir: Path
    num_samples: int
    num_steps: int
    num_recycles: int
    at_once: int | None = None
    embeddings: bool = False
    distogram: bool = False
    overwrite: bool = False

    @property
    def num_passes(self) -> int:
        """Trunk passes, the first included."""
        return self.num_recycles + 1


@dataclass(frozen=True)
class Missing:
    """What is still to be made of a task: samples, by number, and arrays."""

    samples: tuple[int, ...]
    embeddings: bool
    distogram: bool

    def __bool__(self) -> bool:
        return bool(self.samples or self.embeddings or self.distogram)


def identity(
    job: PlannedJob,
    model: PredictionModel,
    components: ComponentDictionary,
    settings: PredictionSettings,
) -> Identity:
    """Returns all that can change a job's results, but for seed and sample number."""
    return {
        "job": job.digest,
        "weights": model.weights.sha256,
        "precision": str(model.trunk.precision),
        "recycles": settings.num_recycles,
        "steps": settings.num_steps,
        "component dictionary": components.record.sha256,
        "RDKit": version("rdkit"),
    }


def missing_parts(
    tasks: Sequence[Task], identities: Mapping[PlannedJob, Identity], settings: PredictionSettings
) -> dict[Task, Missing]:
    """Returns what is not there yet of each task.

    Raises:
        OutputError: there are results of these names from something else; the text has all of them.
    """
    present, problems = {}, []
    for job, made_from in identities.items():
        try:
            present[job] = finished_parts(
                settings.out_dir, file_name(job.name), made_from, overwrite=settings.overwrite
            )
        except OutputError as error:
            problems.append(str(error))
    if problems:
        raise OutputError("\n".join(problems))

    return {task: missing_of(task.seed, present[task.job], settings) for task in tasks}


def missing_of(seed: int, present: Collection[str], settings: PredictionSettings) -> Missing:
    """Returns what is to be made of a seed where the folders `present` are finished."""
    numbers = range(settings.num_samples)
    return Missing(
        samples=tuple(n for n in numbers if sample_folder(seed, n) not in present),
        embeddings=settings.embeddings and embeddings_folder(seed) not in present,
        distogram=settings.distogram and distogram_folder(seed) not in present,
    )


def distinct_tasks(tasks: Sequence[Task]) -> list[Task]:
    """Returns the tasks without those of equal jobs that would make the same files once more."""
    distinct: dict[tuple[str, str, int], Task] = {}
    for task in tasks:
        distinct.setdefault((file_name(task.job.name), task.job.digest, task.seed), task)
    return list(distinct.values())


def check_names(jobs: Sequence[PlannedJob], num_samples: int = 1) -> None:
    """Raises `InputError` if a job's name makes no folder, or different jobs would share one.

    Likewise if it is too long for the files of this many samples.
    """
    holders: dict[str, PlannedJob] = {}
    for job in jobs:
        name = usable_name(job.name, "a folder")
        check_length(job.name, longest_file_name(name, max(job.seeds), num_samples))
        if holders.setdefault(name, job).digest != job.digest:
            raise InputError(
                f"different jobs would be written to the same folder {name!r}: "
                f"{holders[name].name!r} and {job.name!r}; give one of them another name"
            )


def predicted_bytes(
    tasks: Sequence[Task], settings: PredictionSettings, config: ModelConfig
) -> int:
    """Returns about how much everything takes on the disk."""
    total = sum(
        prediction_bytes(task.num_tokens, task.job.num_atoms, settings.num_samples)
        for task in tasks
    )
    if settings.embeddings:
        arrays = ("single", "pair")
        total += sum(2 * estimated_bytes([task], "float16", arrays, config) for task in tasks)
    if settings.distogram:
        num_bins = config.num_distogram_bins
        total += sum(2 * num_bins * task.num_tokens**2 for task in tasks)
    return total


def task_cost(
    task: Task, missing: Missing, model: PredictionModel, settings: PredictionSettings
) -> float:
    """Returns the cost of what is missing of a task, in floating-point operations."""
    config = model.trunk.config
    one_step = step_cost(config, task.sizes)
    one_sample = settings.num_steps * one_step + confidence_cost(config, task.sizes)
    passes = settings.num_passes * pass_cost(config, task.sizes)
    return passes + len(missing.samples) * one_sample
