"""Which of a job's samples is best: the ranking table, and copies of the best one's files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from af3cli.disk import CAN_GO_ON, output_errors
from af3cli.locking import only_writer
from af3cli.output.prediction_records import SAMPLE_FILES, finished_scores, sample_folder
from af3cli.whole_files import copying, write_file, writing

# A sample, by its seed and number.
SampleNumbers = tuple[int, int]


def complete_ranking(folder: Path, name: str, seeds: Sequence[int]) -> None:
    """Ranks what is finished in a job's folder, unless that has been done; see `rank_samples`.

    Raises:
        OutputError: another process writes to the folder, or it cannot be written.
    """
    scores = finished_scores(folder, name)
    if scores and not _is_ranked(folder, name, _table(scores, seeds)):
        with only_writer(folder):
            rank_samples(folder, name, seeds)


def rank_samples(folder: Path, name: str, seeds: Sequence[int]) -> SampleNumbers | None:
    """Writes all finished samples' scores, and the best one's files to the top of the folder.

    `name` is the job's, as in file names; samples of `seeds` come first, in that order. Returns the
    best sample: the first of equals, and one whose score is unknown only if all are. Returns `None`
    if no sample is finished.

    Raises:
        OutputError: the folder cannot be written.
    """
    scores = _ordered(finished_scores(folder, name), seeds)
    if not scores:
        return None
    best = max(scores, key=lambda numbers: np.nan_to_num(scores[numbers], nan=-np.inf))
    table = _table(scores, seeds)
    if not _is_ranked(folder, name, table):
        source = folder / sample_folder(*best)
        with output_errors(folder, CAN_GO_ON):
            for ending in SAMPLE_FILES:
                copied = source / f"{name}_{source.name}_{ending}"
                write_file(folder / f"{name}_{ending}", copying(copied))
            write_file(_table_path(folder, name), writing(table))
    return best


def remove_ranking(folder: Path, name: str) -> None:
    """Removes the table and the copies."""
    _table_path(folder, name).unlink(missing_ok=True)
    for ending in SAMPLE_FILES:
        (folder / f"{name}_{ending}").unlink(missing_ok=True)


def _table_path(folder: Path, name: str) -> Path:
    return folder / f"{name}_ranking_scores.csv"


def _ordered(
    scores: Mapping[SampleNumbers, float], seeds: Sequence[int]
) -> dict[SampleNumbers, float]:
    rank = {seed: index for index, seed in enumerate(seeds)}
    return dict(sorted(scores.items(), key=lambda item: (rank.get(item[0][0], len(rank)), item[0])))


def _table(scores: Mapping[SampleNumbers, float], seeds: Sequence[int]) -> bytes:
    text = io.StringIO()
    rows = [(*numbers, score) for numbers, score in _ordered(scores, seeds).items()]
    csv.writer(text).writerows([("seed", "sample", "ranking_score"), *rows])
    return text.getvalue().encode()


def _is_ranked(folder: Path, name: str, table: bytes) -> bool:
    """Says whether everything is as `rank_samples` leaves it, which writes the table last."""
    try:
        is_current = _table_path(folder, name).read_bytes() == table
    except OSError:
        return False
    return is_current and all((folder / f"{name}_{ending}").exists() for ending in SAMPLE_FILES)
