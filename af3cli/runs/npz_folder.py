"""The official program's npz files of a run's entries: none of another run is replaced or taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from af3cli.errors import OutputError
from af3cli.job import file_name
from af3cli.output.embeddings import Entry
from af3cli.output.embeddings_arrays import UnstorableError, decode, encode
from af3cli.output.embeddings_npz import NPZ_ARRAYS, holds_array, npz_name, write_npz
from af3cli.runs.events import TaskFailed
from af3cli.runs.plan import Task

_WAYS_OUT = (
    "Move it away, give another --npz, or compute the entry anew and replace the file with "
    "--overwrite."
)


@dataclass(frozen=True)
class NpzFolder:
    """A folder for npz files with those of `include` that they hold, of entries of this dtype."""

    path: Path
    include: tuple[str, ...]
    dtype: str

    def check(self, missing: Iterable[Task], present: Mapping[Task, Entry]) -> None:
        """Checks files that are there: they must be of an entry that is there, and hold the same.

        Raises:
            OutputError: some are not; the text has all of them.
        """
        foreign = [
            f"{path} is there, and its entry is not in the HDF5 file: it is not known to be of "
            f"this run. {_WAYS_OUT}"
            for task in missing
            if (path := self._of(task)).exists()
        ]
        foreign += [
            f"{path} is there and holds something else than its entry in the HDF5 file. {_WAYS_OUT}"
            for task, entry in present.items()
            if (path := self._of(task)).exists() and not self._is_of(path, entry)
        ]
        if foreign:
            raise OutputError("\n".join(foreign))

    def write(self, task: Task, arrays: Mapping[str, Float[np.ndarray, "..."]]) -> None:
        """Writes the file of a new entry, which is the same when it is made from the entry.

        A value in bfloat16 has been rounded before it becomes float16; one in float32 or float16
        has not, or in the same way.

        Raises:
            UnstorableError: a value does not fit.
            OutputError: the file cannot be written.
        """
        chosen = {name: arrays[name] for name in self._names}
        if self.dtype == "bfloat16":
            chosen = {
                name: decode(encode(values, "bfloat16", name), is_bfloat16=True)
                for name, values in chosen.items()
            }
        write_npz(self._of(task), chosen)

    def export(self, present: Mapping[Task, Entry]) -> list[TaskFailed]:
        """Writes the files of entries that are not there yet.

        Returns the tasks whose values do not fit into such a file.
        """
        failures = []
        for task, entry in present.items():
            path = self._of(task)
            if path.exists():
                continue
            try:
                write_npz(path, {name: getattr(entry, name) for name in self._names})
            except UnstorableError as error:
                failures.append(TaskFailed(task, error))
        return failures

    @property
    def _names(self) -> list[str]:
        return [name for name in self.include if name in NPZ_ARRAYS]

    def _of(self, task: Task) -> Path:
        return self.path / npz_name(file_name(task.job.name), task.seed)

    def _is_of(self, path: Path, entry: Entry) -> bool:
        """Tells it by one array: two of different runs differ in all of them."""
        name = "single" if "single" in self.include else "pair"
        return holds_array(path, name, getattr(entry, name), all_names=self._names)
