"""The files of one predicted job, laid out as the official program's docs/output.md describes.

<job>/seed-<s>_sample-<i>/<job>_seed-<s>_sample-<i>_{model.cif,confidences.json,...}
<job>/seed-<s>_embeddings/, seed-<s>_distogram/      where wanted
<job>/<job>_{model.cif,confidences.json,summary_confidences.json}   of the best sample
<job>/<job>_ranking_scores.csv, <job>_data.json, TERMS_OF_USE.md
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Float32

from af3cli.disk import CAN_GO_ON, output_errors
from af3cli.locking import only_writer
from af3cli.output.complexes import Complex
from af3cli.output.confidences import confidences_bytes, confidences_json, summary_json
from af3cli.output.embeddings_arrays import encode
from af3cli.output.embeddings_npz import write_npz
from af3cli.output.file_names import usable_name
from af3cli.output.prediction_job import write_job_files
from af3cli.output.prediction_ranking import SampleNumbers, rank_samples, remove_ranking
from af3cli.output.prediction_records import (
    SAMPLE_FILES,
    ChainFacts,
    Identity,
    Record,
    check_identity,
    distogram_folder,
    embeddings_folder,
    file_sizes,
    finished_parts,
    read_records,
    record_name,
    sample_folder,
)
from af3cli.output.structure import structure_mmcif
from af3cli.scores.types import SampleConfidences, SampleScores
from af3cli.whole_files import (
    Writer,
    make_folder,
    remove_folder,
    remove_unfinished,
    write_folder,
    writing,
)


def prediction_bytes(num_tokens: int, num_atoms: int, num_samples: int) -> int:
    """Returns about how much a job's samples, and the best one's copies, take on the disk."""
    structure = 100 * num_atoms + 20_000
    return (num_samples + 1) * (confidences_bytes(num_tokens, num_atoms) + structure)


class PredictionFolder:
    """The output folder of one job, open for writing in a `with` block.

    What is written appears at once and whole, and stays when the process is killed. `identity`
    is all that can change the results: the job's digest, the parameters' sha256, settings.
    `chains` and the device, `made_on`, are told in the records.
    """

    def __init__(
        self,
        out_dir: Path,
        complex_: Complex,
        identity: Identity,
        *,
        chains: ChainFacts | None = None,
        made_on: str = "",
        overwrite: bool = False,
    ) -> None:
        """Says what is to be written; `overwrite` removes predictions made from something else.

        Raises:
            InputError: no folder can be called after the job.
        """
        self.path = out_dir / usable_name(complex_.job.name, "a folder")
        self._complex = complex_
        self._identity = dict(identity)
        self._chains = chains or {}
        self._made_on = made_on
        self._overwrite = overwrite
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        """Makes the folder with the job and the terms in it; nobody else can write to it now.

        Raises:
            InUseError: another process does.
            OutputError: it holds predictions made from something else, or it cannot be written.
        """
        try:
            make_folder(self.path)
            with output_errors(self.path, CAN_GO_ON):
                self._resources.enter_context(only_writer(self.path))
                self._clear()
                complex_ = self._complex
                write_job_files(self.path, complex_.name, complex_.job, complex_.source)
        except BaseException:
            self._resources.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def finished(self) -> set[str]:
        """Returns the names of the folders in it that are finished."""
        return finished_parts(self.path.parent, self.path.name, self._identity)

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
        folder = sample_folder(seed, sample)
        files = {
            self._file_name(folder, f"_{ending}"): writing(content)
            for ending, content in zip(SAMPLE_FILES, contents, strict=True)
        }
        return self._write_folder(folder, files, scores.ranking_score)

    def write_embeddings(
        self, seed: int, arrays: Mapping[str, Float32[np.ndarray, "..."]], write_hdf5: Writer
    ) -> Path:
        """Writes a seed's `single` and `pair` as the official program does, and as `emb.h5`.

        Raises:
            UnstorableError: a value does not fit float16.
            OutputError: the bytes cannot be written.
        """
        folder = embeddings_folder(seed)

        def write_official(path: Path) -> None:
            write_npz(path, arrays)

        files = {self._file_name(folder, ".npz"): write_official, "emb.h5": write_hdf5}
        return self._write_folder(folder, files)

    def write_distogram(self, seed: int, distogram: Float32[np.ndarray, "token token bin"]) -> Path:
        """Writes a seed's distogram as float16; raises as `write_embeddings`."""
        folder = distogram_folder(seed)
        encoded = encode(distogram, "float16", f"{self._complex.name}: distogram")

        def write(path: Path) -> None:
            with path.open("wb") as file:
                np.savez_compressed(file, distogram=encoded)

        return self._write_folder(folder, {self._file_name(folder, ".npz"): write})

    def write_ranking(self) -> SampleNumbers | None:
        """Ranks all finished samples and returns the best one; see `rank_samples`."""
        return rank_samples(self.path, self._complex.name, self._complex.job.seeds)

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
            remove_folder(self.path / name)
        if foreign:
            remove_ranking(self.path, self._complex.name)

    def _file_name(self, folder: str, ending: str) -> str:
        return f"{self._complex.name}_{folder}{ending}"

    def _write_folder(
        self,
        name: str,
        files: Mapping[str, Writer],
        ranking_score: float | None = None,
    ) -> Path:
        """Writes files, by their names, into a folder that is whole."""
        folder = self.path / name

        def write_record(path: Path) -> None:
            sizes = file_sizes(path.parent)
            record = Record(self._identity, sizes, ranking_score, self._chains, self._made_on)
            path.write_bytes(record.to_json())

        with output_errors(folder, CAN_GO_ON):
            write_folder(folder, {**files, record_name(self._complex.name, name): write_record})
        return folder
