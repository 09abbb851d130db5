"""The files of one predicted job, laid out as the official program's docs/output.md describes.

<job>/seed-<s>_sample-<i>/<job>_seed-<s>_sample-<i>_{model.cif,confidences.json,...}
<job>/seed-<s>_embeddings/, seed-<s>_distogram/      where wanted
<job>/<job>_{model.cif,confidences.json,summary_confidences.json}   of the best sample
<job>/<job>_ranking_scores.csv, <job>_data.json, TERMS_OF_USE.md
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Float32

from af3cli.errors import OutputError
from af3cli.job import Job, file_name, to_alphafold3_json
from af3cli.output.complexes import Complex
from af3cli.output.confidences import confidences_bytes, confidences_json, summary_json
from af3cli.output.embeddings_arrays import encode
from af3cli.output.locking import only_writer
from af3cli.output.prediction_records import (
    Identity,
    Record,
    check_identity,
    file_sizes,
    finished_scores,
    read_records,
    record_name,
    sample_folder,
    whole_records,
)
from af3cli.output.structure import structure_mmcif
from af3cli.output.terms import terms_of_use
from af3cli.output.whole_files import (
    Writer,
    copying,
    messages,
    remove_unfinished,
    write_file,
    write_folder,
    writing,
)
from af3cli.scores.types import SampleConfidences, SampleScores

_SAMPLE_FILES = ("model.cif", "confidences.json", "summary_confidences.json")
_EMBEDDING_KEYS = {"single": "single_embeddings", "pair": "pair_embeddings"}


def prediction_bytes(num_tokens: int, num_atoms: int, num_samples: int) -> int:
    """Returns about how much a job's samples, and the best one's copies, take on the disk."""
    structure = 100 * num_atoms + 20_000
    return (num_samples + 1) * (confidences_bytes(num_tokens, num_atoms) + structure)


def finished_samples(out_dir: Path, job: Job, identity: Identity) -> dict[tuple[int, int], float]:
    """Returns the ranking score of every sample that is there, whole, by seed and sample number.

    Reads only. Unknown scores are NaN.

    Raises:
        OutputError: the job's folder holds predictions made from something else.
    """
    name = _safe_name(job)
    check_identity(out_dir / name, read_records(out_dir / name, name), identity)
    return finished_scores(out_dir / name, name)


class PredictionFolder:
    """The output folder of one job, open for writing in a `with` block.

    What is written appears at once and whole, and stays when the process is killed. `identity`
    is all that can change the results: the job's digest, the parameters' sha256, settings.
    """

    def __init__(
        self, out_dir: Path, complex_: Complex, identity: Identity, *, overwrite: bool = False
    ) -> None:
        """Says what is to be written; `overwrite` removes predictions made from something else."""
        self.path = out_dir / _safe_name(complex_.job)
        self._complex = complex_
        self._identity = dict(identity)
        self._overwrite = overwrite
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        """Makes the folder with the job and the terms in it; nobody else can write to it now.

        Raises:
            OutputError: another process does, or it holds predictions made from something else,
                or it cannot be written.
        """
        try:
            with messages(self.path):
                self.path.mkdir(parents=True, exist_ok=True)
                self._resources.enter_context(only_writer(self.path))
                self._clear()
                data = to_alphafold3_json(self._complex.job).encode()
                write_file(self.path / f"{self._complex.name}_data.json", writing(data))
                terms = terms_of_use(self._complex.source).encode()
                write_file(self.path / "TERMS_OF_USE.md", writing(terms))
        except BaseException:
            self._resources.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def finished(self) -> dict[tuple[int, int], float]:
        """Returns the ranking score of every finished sample, by seed and sample number."""
        return finished_scores(self.path, self._complex.name)

    def has_embeddings(self, seed: int) -> bool:
        """Says whether a seed's embeddings are written."""
        return self._embeddings(seed) in whole_records(self.path, self._complex.name)

    def has_distogram(self, seed: int) -> bool:
        """Says whether a seed's distogram is written."""
        return self._distogram(seed) in whole_records(self.path, self._complex.name)

    def write_sample(
        self,
        seed: int,
        sample: int,
        coordinates: Float32[np.ndarray, "atom 3"],
        confidences: SampleConfidences,
        scores: SampleScores,
    ) -> Path:
        """Writes one sample's structure (coordinates in Å) and confidences; returns its folder.

        Raises:
            OutputError: the bytes cannot be written; nothing of this sample is there then.
        """
        tables = self._complex.tokens, self._complex.atoms
        contents = (
            structure_mmcif(self._complex, coordinates, confidences.plddt).encode(),
            confidences_json(*tables, confidences),
            summary_json(self._complex.tokens, scores),
        )
        files = {
            f"_{name}": writing(content)
            for name, content in zip(_SAMPLE_FILES, contents, strict=True)
        }
        return self._write_folder(sample_folder(seed, sample), files, scores.ranking_score)

    def write_embeddings(self, seed: int, arrays: Mapping[str, Float32[np.ndarray, "..."]]) -> Path:
        """Writes a seed's `single` and `pair`, as float16 under the official keys.

        Raises:
            UnstorableError: a value does not fit float16.
            OutputError: the bytes cannot be written.
        """
        named = {key: arrays[name] for name, key in _EMBEDDING_KEYS.items() if name in arrays}
        return self._write_arrays(self._embeddings(seed), named)

    def write_distogram(self, seed: int, distogram: Float32[np.ndarray, "token token bin"]) -> Path:
        """Writes a seed's distogram as float16; raises as `write_embeddings`."""
        return self._write_arrays(self._distogram(seed), {"distogram": distogram})

    def write_ranking(self) -> tuple[int, int] | None:
        """Writes all finished samples' scores, and the best one's files to the top.

        Returns the best sample's seed and number; the first of equals, and one whose score is
        unknown only if all are. `None` if no sample is finished.
        """
        seeds = {seed: rank for rank, seed in enumerate(self._complex.job.seeds)}
        ranking = sorted(
            self.finished().items(), key=lambda item: (seeds.get(item[0][0], len(seeds)), item[0])
        )
        if not ranking:
            return None
        text = io.StringIO()
        rows = [(*numbers, score) for numbers, score in ranking]
        csv.writer(text).writerows([("seed", "sample", "ranking_score"), *rows])
        best, _ = max(ranking, key=lambda item: np.nan_to_num(item[1], nan=-np.inf))
        folder = self.path / sample_folder(*best)
        with messages(self.path):
            for name in _SAMPLE_FILES:
                source = folder / f"{self._complex.name}_{folder.name}_{name}"
                write_file(self._top(name), copying(source))
            write_file(self._top("ranking_scores.csv"), writing(text.getvalue().encode()))
        return best

    def _top(self, name: str) -> Path:
        return self.path / f"{self._complex.name}_{name}"

    @staticmethod
    def _embeddings(seed: int) -> str:
        return f"seed-{seed}_embeddings"

    @staticmethod
    def _distogram(seed: int) -> str:
        return f"seed-{seed}_distogram"

    def _clear(self) -> None:
        """Removes what a killed process left half done and, if allowed, what does not belong."""
        remove_unfinished(self.path)
        records = read_records(self.path, self._complex.name)
        if not self._overwrite:
            check_identity(self.path, records, self._identity)
            return
        foreign = [
            name
            for name, record in records.items()
            if record is None or record.identity != self._identity
        ]
        for name in foreign:
            shutil.rmtree(self.path / name)
        if foreign:
            for name in (*_SAMPLE_FILES, "ranking_scores.csv"):
                self._top(name).unlink(missing_ok=True)

    def _write_arrays(self, name: str, arrays: Mapping[str, Float32[np.ndarray, "..."]]) -> Path:
        encoded = {
            key: encode(array, "float16", f"{self._complex.name}: {key}")
            for key, array in arrays.items()
        }

        def write(path: Path) -> None:
            with path.open("wb") as file:
                np.savez_compressed(file, **encoded)

        return self._write_folder(name, {".npz": write})

    def _write_folder(
        self,
        name: str,
        files: Mapping[str, Writer],
        ranking_score: float | None = None,
    ) -> Path:
        """Writes files, by what follows `<job>_<name>` in theirs, into a folder that is whole."""
        folder = self.path / name

        def write_record(path: Path) -> None:
            sizes = file_sizes(path.parent)
            path.write_bytes(Record(self._identity, sizes, ranking_score).to_json())

        named = {f"{self._complex.name}_{name}{suffix}": files[suffix] for suffix in files}
        named[record_name(self._complex.name, name)] = write_record
        with messages(folder):
            write_folder(folder, named)
        return folder


def _safe_name(job: Job) -> str:
    name = file_name(job.name)
    if name.strip(".") == "":
        raise OutputError(f"job name {job.name!r} cannot be the name of a folder")
    return name
