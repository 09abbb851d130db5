"""From planned tasks to predicted structures: what is there already is not computed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from af3cli.chemistry import ComponentDictionary
from af3cli.errors import InUseError
from af3cli.features.padding import Buckets
from af3cli.features.reference import has_conformer
from af3cli.inference.costs import confidence_cost, pass_cost, step_cost
from af3cli.inference.device import made_on
from af3cli.inference.memory import (
    device_bytes,
    is_out_of_memory,
    prediction_memory,
    samples_at_once,
)
from af3cli.inference.predict import (
    PredictionModel,
    PreparedJob,
    Sample,
    predict,
    prepare,
)
from af3cli.inference.trunk import DEFAULT_BUCKETS
from af3cli.job import Job, file_name
from af3cli.locking import lock_file
from af3cli.output.complexes import Complex
from af3cli.output.embeddings_arrays import UnstorableError
from af3cli.output.embeddings_writer import EmbeddingsWriter
from af3cli.output.prediction import PredictionFolder
from af3cli.output.prediction_job import complete_job_files
from af3cli.output.prediction_ranking import complete_ranking
from af3cli.output.prediction_records import Identity
from af3cli.output.uninterrupted import uninterrupted
from af3cli.runs.embeddings import RunResult, Storage, entry_header, file_header
from af3cli.runs.events import Event, PassFinished, SampleFinished, StepFinished, Warned
from af3cli.runs.plan import PlannedJob, Task
from af3cli.runs.prediction_plan import (
    Missing,
    PredictionSettings,
    check_names,
    distinct_tasks,
    identity,
    missing_of,
    missing_parts,
    task_cost,
)
from af3cli.runs.schedule import TaskInputs, run_tasks
from af3cli.scores import compare_chirality, explain_conformers, explain_unplaced, score_sample
from af3cli.tokens.table import token_table
from af3cli.wording import size


def predict_tasks(
    model: PredictionModel,
    tasks: Sequence[Task],
    components: ComponentDictionary,
    settings: PredictionSettings,
    *,
    buckets: Buckets = DEFAULT_BUCKETS,
    report: Callable[[Event], None] = lambda event: None,
) -> RunResult:
    """Predicts what `settings.out_dir` does not hold yet of the tasks; samples are counted.

    What another process has made since the run began is not made again; tasks of a job that another
    process is at fail.

    Raises:
        InputError: files cannot be called after a job, or different jobs would have the same ones.
        OutputError: files cannot be written, or some of their names are there from something else.
    """
    tasks = distinct_tasks(tasks)
    jobs = list(dict.fromkeys(task.job for task in tasks))
    check_names(jobs, settings.num_samples)
    identities = {job: identity(job, model, components, settings) for job in jobs}
    missing = missing_parts(tasks, identities, settings)
    costs = {
        task: task_cost(task, parts, model, settings) for task, parts in missing.items() if parts
    }
    num_written = 0

    def count(event: Event) -> None:
        nonlocal num_written
        num_written += isinstance(event, SampleFinished)
        report(event)

    run = _Run(model, components, settings, buckets, count, identities, missing)
    failures = run_tasks(
        costs,
        components,
        run.work,
        conventions=model.trunk.config.features,
        needed_bytes=run.least_bytes,
        report=report,
    )
    failed = {failure.task.job for failure in failures}
    for sharing in _by_folder(jobs).values():
        with suppress(InUseError):  # who writes there does this as well
            _complete_folder(sharing, not failed.isdisjoint(sharing), model, settings)
    num_missing = sum(len(parts.samples) for parts in missing.values())
    num_present = settings.num_samples * len(tasks) - num_missing
    return RunResult(num_written, num_present, failures)


def _by_folder(jobs: Sequence[PlannedJob]) -> dict[str, list[PlannedJob]]:
    """Returns the jobs that share a folder, which are equal but for their seeds, by its name."""
    sharing: dict[str, list[PlannedJob]] = {}
    for job in jobs:
        sharing.setdefault(file_name(job.name), []).append(job)
    return sharing


def _complete_folder(
    jobs: Sequence[PlannedJob],
    has_failed: bool,
    model: PredictionModel,
    settings: PredictionSettings,
) -> None:
    """Writes what is missing at the top of the folder of equal jobs; the ranking if one failed."""
    name = file_name(jobs[0].name)
    folder = settings.out_dir / name
    seeds = tuple(dict.fromkeys(seed for job in jobs for seed in job.seeds))

    def load() -> Job:
        return replace(jobs[0].load_unchanged(), seeds=seeds)

    complete_ranking(folder, name, seeds)
    if not has_failed:
        complete_job_files(folder, name, load, model.weights)


def num_at_once(task: Task, model: PredictionModel, settings: PredictionSettings) -> int:
    """Returns how many samples of a task are computed together."""
    wanted = settings.at_once or samples_at_once(model, task.sizes)
    return min(wanted, settings.num_samples)


@dataclass
class _Run:
    """What all tasks of a run have in common; `missing` is corrected when a task starts."""

    model: PredictionModel
    components: ComponentDictionary
    settings: PredictionSettings
    buckets: Buckets
    report: Callable[[Event], None]
    identities: Mapping[PlannedJob, Identity]
    missing: dict[Task, Missing]

    def work(self, task: Task, inputs: TaskInputs) -> None:
        """Makes what is missing of a task. Whatever stops it, finished samples are ranked."""
        complex_ = Complex(
            inputs.job, inputs.tokens, inputs.atoms, self.components, self.model.weights
        )
        with PredictionFolder(
            self.settings.out_dir,
            complex_,
            self.identities[task.job],
            chains=task.job.chains.by_chain(),
            made_on=made_on(self.model.trunk.precision),
            overwrite=self.settings.overwrite,
        ) as folder:
            self.missing[task] = missing_of(task.seed, folder.finished(), self.settings)
            try:
                if self.missing[task]:
                    self._predict(task, inputs, folder)
            finally:
                uninterrupted(folder.write_ranking)

    def _predict(self, task: Task, inputs: TaskInputs, folder: PredictionFolder) -> None:
        missing = self.missing[task]
        job = self._prepare(task, inputs)
        problems = self._write_arrays(task, inputs, folder, job)
        conformers = has_conformer(inputs.tokens, inputs.features.atoms)
        if missing.samples:
            self._warn(task, explain_conformers(inputs.tokens, inputs.atoms, conformers))
        for sample in self._samples(task, job, missing.samples):
            self._write_sample(task, inputs, folder, sample, conformers)
        if problems:
            raise UnstorableError("; ".join(problems))

    def _write_arrays(
        self, task: Task, inputs: TaskInputs, folder: PredictionFolder, job: PreparedJob
    ) -> list[str]:
        """Writes the arrays that are missing; returns why some must not be written."""
        missing, problems = self.missing[task], []
        if missing.embeddings:
            arrays = vars(job.embeddings())
            with _noting(problems):
                folder.write_embeddings(task.seed, arrays, self._hdf5_writer(task, inputs, arrays))
        if missing.distogram:
            with _noting(problems):
                folder.write_distogram(task.seed, job.distogram())
        return problems

    def _prepare(self, task: Task, inputs: TaskInputs) -> PreparedJob:
        num_passes = self.settings.num_passes
        cost = pass_cost(self.model.trunk.config, task.sizes)
        return prepare(
            self.model,
            inputs.features,
            seed=task.seed,
            num_recycles=self.settings.num_recycles,
            buckets=self.buckets,
            on_pass=lambda index: self.report(PassFinished(task, index, num_passes, cost)),
        )

    def _samples(self, task: Task, job: PreparedJob, numbers: Sequence[int]) -> Iterator[Sample]:
        """Yields samples; where memory runs out, those that are left once more, one by one."""
        left = list(numbers)
        at_once = max(1, min(num_at_once(task, self.model, self.settings), len(left)))
        try:
            for sample in self._sample_batches(task, job, numbers, at_once):
                yield sample
                left.remove(sample.number)
        except Exception as error:
            if not is_out_of_memory(error) or at_once == 1:
                raise
        else:
            return
        self._warn(task, self._did_not_fit(task, at_once))
        yield from self._sample_batches(task, job, left, at_once=1)

    def _sample_batches(
        self, task: Task, job: PreparedJob, numbers: Sequence[int], at_once: int
    ) -> Iterator[Sample]:
        num_steps = self.settings.num_steps
        cost = step_cost(self.model.trunk.config, task.sizes)

        def on_step(samples: Sequence[int], index: int) -> None:
            self.report(StepFinished(task, samples, index, num_steps, cost * len(samples)))

        yield from predict(
            job,
            numbers,
            config=replace(self.model.trunk.config.defaults.sampler, steps=num_steps),
            at_once=at_once,
            on_step=on_step,
        )

    def _write_sample(
        self,
        task: Task,
        inputs: TaskInputs,
        folder: PredictionFolder,
        sample: Sample,
        conformers: Bool[np.ndarray, "atom"],
    ) -> None:
        """Writes a sample with its scores, and tells of what is odd about it."""
        tables = inputs.tokens, inputs.atoms
        has_frame, coordinates = inputs.features.frames.has_frame, sample.coordinates
        scores = score_sample(*tables, has_frame, coordinates, sample.confidences)
        folder.write_sample(task.seed, sample.number, coordinates, sample.confidences, scores)
        self._warn(task, explain_unplaced(*tables, coordinates, conformers))
        components = self.components.for_job(inputs.job)
        for chain, is_right in compare_chirality(*tables, coordinates, components).items():
            if not is_right:
                self._warn(
                    task,
                    f"sample {sample.number}: the chirality of ligand {chain} is not that of its "
                    "reference",
                )
        cost = confidence_cost(self.model.trunk.config, task.sizes)
        self.report(SampleFinished(task, sample.number, scores.ranking_score, cost))

    def _hdf5_writer(
        self, task: Task, inputs: TaskInputs, arrays: Mapping[str, np.ndarray]
    ) -> Callable[[Path], None]:
        """Returns what writes a seed's embeddings as `af3 embed` does."""

        def write(path: Path) -> None:
            trunk, storage = self.model.trunk, Storage(path)
            name = f"{file_name(task.job.name)}_seed-{task.seed}"
            header = entry_header(trunk, task, name, self.components, storage)
            with EmbeddingsWriter(path, file_header(trunk, self.settings.num_recycles)) as writer:
                table = token_table(inputs.tokens, inputs.job.sources)
                writer.write(header, table, arrays)
            lock_file(path).unlink(missing_ok=True)

        return write

    def least_bytes(self, task: Task) -> float:
        """Returns the device memory that a task needs at least."""
        return prediction_memory(self.model, task.sizes, at_once=1).total

    def _did_not_fit(self, task: Task, at_once: int) -> str:
        need = prediction_memory(self.model, task.sizes, at_once)
        return (
            f"{at_once} samples at once do not fit into the device's memory: with {task.bucket} "
            f"tokens they need about {size(need.total)}, and the device has "
            f"{size(device_bytes())}. Goes on with one at a time, as --samples-at-once 1 does"
        )

    def _warn(self, task: Task, text: str | None) -> None:
        if text is not None:
            self.report(Warned(task, text))


@contextmanager
def _noting(problems: list[str]) -> Iterator[None]:
    """Adds to `problems` that values must not be stored, in place of raising it."""
    try:
        yield
    except UnstorableError as error:
        problems.append(str(error))
