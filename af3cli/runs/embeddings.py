"""From planned tasks to an embedding file: what is there already is not computed again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from af3cli.chemistry import ComponentDictionary
from af3cli.errors import InputError, OutputError
from af3cli.features.padding import Buckets
from af3cli.inference.costs import pass_cost
from af3cli.inference.device import made_on
from af3cli.inference.memory import trunk_memory
from af3cli.inference.trunk import DEFAULT_BUCKETS, TrunkModel, embed
from af3cli.model.config import ModelConfig
from af3cli.output.embeddings import open_embeddings
from af3cli.output.embeddings_format import (
    MEANINGLESS,
    EntryHeader,
    FileHeader,
    check_dtype,
    entry_name,
)
from af3cli.output.embeddings_npz import NPZ_ARRAYS, npz_name
from af3cli.output.embeddings_writer import ENTRY_OVERHEAD, EmbeddingsWriter
from af3cli.output.file_names import check_length, usable_name
from af3cli.runs.events import Event, PassFinished, TaskFailed
from af3cli.runs.npz_folder import NpzFolder
from af3cli.runs.plan import Task
from af3cli.runs.schedule import TaskInputs, run_tasks
from af3cli.tokens.table import token_table
from af3cli.whole_files import make_folder


@dataclass(frozen=True)
class Storage:
    """How embeddings are stored; `npz` is a folder for the official program's files as well.

    Raises:
        InputError: an npz file would hold nothing, as it has none of the arrays in `include`.
    """

    out: Path
    dtype: str = "float16"
    include: tuple[str, ...] = ("single", "pair")
    npz: Path | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.npz is not None and not NPZ_ARRAYS & set(self.include):
            raise InputError("npz files hold single and pair; include at least one of them")


@dataclass(frozen=True)
class RunResult:
    """What became of the tasks of a run; one that failed may have written part of its results."""

    num_written: int
    num_present: int
    failures: list[TaskFailed]


def embed_tasks(
    model: TrunkModel,
    tasks: Sequence[Task],
    components: ComponentDictionary,
    storage: Storage,
    *,
    num_recycles: int | None = None,
    buckets: Buckets = DEFAULT_BUCKETS,
    report: Callable[[Event], None] = lambda event: None,
) -> RunResult:
    """Embeds the tasks that `storage.out` does not hold yet and adds them to it.

    Without `num_recycles`, there are as many as in the model's own program.

    Raises:
        InputError: the tasks' names cannot be used (see `entry_names`), or there is no such dtype.
        OutputError: the files are not to be written, or `out` holds other entries of these names.
    """
    check_dtype(storage.dtype)
    names = entry_names(tasks, with_npz=storage.npz is not None)
    headers = {
        task: entry_header(model, task, name, components, storage)
        for task, name in zip(tasks, names, strict=True)
    }
    if num_recycles is None:
        num_recycles = model.config.defaults.recycles
    npz = _npz_folder(storage)
    header = file_header(model, num_recycles)
    with EmbeddingsWriter(storage.out, header, overwrite=storage.overwrite) as writer:
        missing = _missing(writer, headers)
        present = {task: header for task, header in headers.items() if task not in missing}
        not_exported = _export(npz, missing, present, storage) if npz else []
        run = _Run(model, num_recycles, buckets, report, headers, writer, npz)
        failures = run_tasks(
            {task: run.num_passes * pass_cost(model.config, task.sizes) for task in missing},
            components,
            run.work,
            conventions=model.config.features,
            needed_bytes=lambda task: trunk_memory(model, task.sizes).total,
            report=report,
        )
    for failure in not_exported:
        report(failure)
    return RunResult(run.num_written, len(present), failures + not_exported)


@dataclass
class _Run:
    """What all tasks of a run have in common, and how many entries have been written."""

    model: TrunkModel
    num_recycles: int
    buckets: Buckets
    report: Callable[[Event], None]
    headers: Mapping[Task, EntryHeader]
    writer: EmbeddingsWriter
    npz: NpzFolder | None
    num_written: int = 0

    @property
    def num_passes(self) -> int:
        """Trunk passes, the first included."""
        return self.num_recycles + 1

    def work(self, task: Task, inputs: TaskInputs) -> None:
        """Makes a task's entry, and its npz file if there is to be one."""
        cost = pass_cost(self.model.config, task.sizes)
        embeddings = embed(
            self.model,
            inputs.features,
            seed=task.seed,
            num_recycles=self.num_recycles,
            buckets=self.buckets,
            on_pass=lambda index: self.report(PassFinished(task, index, self.num_passes, cost)),
        )
        arrays = vars(embeddings)
        table = token_table(inputs.tokens, inputs.job.sources)
        self.writer.write(self.headers[task], table, arrays)
        self.num_written += 1
        if self.npz:
            self.npz.write(task, arrays)


def entry_names(tasks: Iterable[Task], *, with_npz: bool = False) -> list[str]:
    """Returns the name of each task's entry.

    Raises:
        InputError: a job's name has no character that can be used, or is too long for an npz file
            if there is to be one, or two entries would have the same name.
    """
    names, holders = [], defaultdict(list)
    for task in tasks:
        safe = usable_name(task.job.name, "an entry")
        if with_npz:
            check_length(task.job.name, npz_name(safe, task.seed))
        names.append(entry_name(safe, task.seed, len(task.job.seeds)))
        holders[names[-1]].append(str(task))
    clashes = [f"{name!r} for {' and '.join(of)}" for name, of in holders.items() if len(of) > 1]
    if clashes:
        raise InputError(f"several jobs would have the same entry: {'; '.join(clashes)}")
    return names


def estimated_bytes(
    tasks: Sequence[Task], dtype: str, include: Sequence[str], config: ModelConfig
) -> int:
    """Returns the size of a file with these entries; compression makes it about a tenth smaller."""
    per_token = {"single": config.single_width, "target_feat": config.target_width, "pair": 0}
    pair_width = config.pair_width if "pair" in include else 0
    value_bytes = 4 if dtype == "float32" else 2
    total = 0
    for task in tasks:
        n = task.num_tokens
        values = n * sum(per_token[name] for name in include) + n * n * pair_width
        total += values * value_bytes + 100 * n + ENTRY_OVERHEAD
    return total


def file_header(model: TrunkModel, num_recycles: int) -> FileHeader:
    """Returns what is told of all entries of a file."""
    weights = model.weights
    return FileHeader(
        weights_name=weights.name,
        weights_family=weights.family,
        weights_checkpoint=weights.checkpoint,
        weights_sha256=weights.sha256,
        weights_cutoff=weights.training_cutoff or "",
        weights_licence=weights.licence,
        num_recycles=num_recycles,
        precision=str(model.precision),
        meaningless=_label(model),
    )


def entry_header(
    model: TrunkModel, task: Task, name: str, components: ComponentDictionary, storage: Storage
) -> EntryHeader:
    """Returns what is told of one entry."""
    return EntryHeader(
        name=name,
        job_name=task.job.name,
        seed=task.seed,
        num_tokens=task.num_tokens,
        input_sha256=task.job.digest,
        dtype=storage.dtype,
        include=storage.include,
        ccd_source=components.record.source,
        ccd_date=components.record.newest_date,
        ccd_sha256=components.record.sha256,
        rdkit_version=version("rdkit"),
        chains=task.job.chains,
        made_on=made_on(model.precision),
        meaningless=_label(model),
    )


def _label(model: TrunkModel) -> str:
    return MEANINGLESS if model.weights.is_meaningless else ""


def _missing(writer: EmbeddingsWriter, headers: Mapping[Task, EntryHeader]) -> list[Task]:
    """Returns the tasks whose entries are to be made.

    Raises:
        OutputError: entries of these names were made from something else; the text has all of them.
    """
    missing, problems = [], []
    for task, header in headers.items():
        try:
            if not writer.is_finished(header):
                missing.append(task)
        except OutputError as error:
            problems.append(str(error))
    if problems:
        raise OutputError("\n".join(problems))
    return missing


def _npz_folder(storage: Storage) -> NpzFolder | None:
    """Makes the folder for npz files, if there are to be any."""
    if storage.npz is None:
        return None
    make_folder(storage.npz)
    return NpzFolder(storage.npz, storage.include, storage.dtype)


def _export(
    npz: NpzFolder,
    missing: Sequence[Task],
    present: Mapping[Task, EntryHeader],
    storage: Storage,
) -> list[TaskFailed]:
    """Writes the npz files of entries that are there; see `NpzFolder.check` and `export`."""
    with open_embeddings(storage.out) as file:
        entries = {task: file[header.name] for task, header in present.items()}
        if not storage.overwrite:
            npz.check(missing, entries)
        return npz.export(entries)
