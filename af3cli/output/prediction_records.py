"""Which predictions are in a folder already, whole, and made from what.

Each folder that a prediction writes (of a sample, of a seed's embeddings or distogram) appears at
once and whole, with a record in it: `<prefix>_run.json`. What lacks one was not written here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from af3cli.errors import OutputError
from af3cli.wording import difference

FORMAT = "af3cli-prediction"
FORMAT_VERSION = 1
SAMPLE_FILES = ("model.cif", "confidences.json", "summary_confidences.json")
_SAMPLE = re.compile(r"seed-(\d+)_sample-(\d+)")
_FOLDERS = re.compile(r"seed-\d+_(sample-\d+|embeddings|distogram)")

# What a prediction was made from: texts and numbers by name, all that can change its values.
Identity = Mapping[str, str | int | float | bool | None]
# What there was of each chain besides its sequence, by chain id.
ChainFacts = Mapping[str, Mapping[str, str | int]]


@dataclass(frozen=True)
class Record:
    """What made the files in one folder; the score is that of a sample, if it is known.

    `sizes` has the bytes of each file but the record itself. `chains` says of each chain how deep
    its alignments are, how many templates it has, and where they come from. `made_on` is the
    device.
    """

    identity: dict[str, str | int | float | bool | None]
    sizes: dict[str, int]
    ranking_score: float | None = None
    chains: ChainFacts = field(default_factory=dict)
    made_on: str = ""

    def to_json(self) -> bytes:
        """Returns the record as text."""
        score = self.ranking_score
        content = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "identity": self.identity,
            "ranking_score": None if score is None or math.isnan(score) else float(score),
            "chains": self.chains,
            "made_on": self.made_on,
            "sizes": self.sizes,
        }
        return json.dumps(content, indent=1).encode()

    def is_whole(self, folder: Path) -> bool:
        """Says whether all files are in the folder as they were written."""
        return file_sizes(folder).items() >= self.sizes.items()


def file_sizes(folder: Path) -> dict[str, int]:
    """Returns the bytes of each file in a folder."""
    return {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}


def sample_folder(seed: int, sample: int) -> str:
    """Returns the name of a sample's folder."""
    return f"seed-{seed}_sample-{sample}"


def sample_numbers(folder: str) -> tuple[int, int] | None:
    """Returns the seed and number of the sample with a folder of this name, None of another."""
    match = _SAMPLE.fullmatch(folder)
    return (int(match[1]), int(match[2])) if match else None


def embeddings_folder(seed: int) -> str:
    """Returns the name of the folder of a seed's embeddings."""
    return f"seed-{seed}_embeddings"


def distogram_folder(seed: int) -> str:
    """Returns the name of the folder of a seed's distogram."""
    return f"seed-{seed}_distogram"


def longest_file_name(name: str, seed: int, num_samples: int) -> str:
    """Returns the longest name of a file of the job `name`, if `seed` is its largest one."""
    ending = max(SAMPLE_FILES, key=len)
    return f"{name}_{sample_folder(seed, num_samples - 1)}_{ending}"


def read_records(folder: Path, name: str) -> dict[str, Record | None]:
    """Returns the record of each prediction in a job's folder, by the name of its own folder.

    `name` is the job's, as in file names. The record is `None` where there is no readable one.
    """
    if not folder.is_dir():
        return {}
    return {
        path.name: _read(path / record_name(name, path.name))
        for path in sorted(folder.iterdir())
        if path.is_dir() and _FOLDERS.fullmatch(path.name)
    }


def whole_records(folder: Path, name: str) -> dict[str, Record]:
    """Returns the records, as `read_records`, of the predictions of which no file is missing."""
    records = read_records(folder, name)
    return {
        key: record for key, record in records.items() if record and record.is_whole(folder / key)
    }


def finished_parts(
    out_dir: Path, name: str, identity: Identity, *, overwrite: bool = False
) -> set[str]:
    """Returns the names of the folders of a job that are there, whole, and made from `identity`.

    `name` is the job's, as in file names. Reads only.

    Raises:
        OutputError: some are made from something else; not if that may be overwritten.
    """
    folder = out_dir / name
    if not overwrite:
        check_identity(folder, read_records(folder, name), identity)
    return {
        key for key, record in whole_records(folder, name).items() if record.identity == identity
    }


def finished_scores(folder: Path, name: str) -> dict[tuple[int, int], float]:
    """Returns the ranking score, NaN if unknown, of each whole sample, by seed and number."""
    return {
        numbers: math.nan if record.ranking_score is None else record.ranking_score
        for key, record in whole_records(folder, name).items()
        if (numbers := sample_numbers(key))
    }


def record_name(name: str, folder_name: str) -> str:
    """Returns the file name of the record in a folder of the job `name`."""
    return f"{name}_{folder_name}_run.json"


def _read(path: Path) -> Record | None:
    try:
        content = json.loads(path.read_bytes())
        if (content["format"], content["format_version"]) != (FORMAT, FORMAT_VERSION):
            return None
        score = content["ranking_score"]
        return Record(
            identity=dict(content["identity"]),
            sizes=dict(content["sizes"]),
            ranking_score=None if score is None else float(score),
            chains=content.get("chains", {}),
            made_on=content.get("made_on", ""),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def check_identity(folder: Path, records: Mapping[str, Record | None], identity: Identity) -> None:
    """Raises `OutputError` if some prediction in `folder` was made from something else."""
    for name, record in records.items():
        if record is None:
            raise OutputError(
                f"{folder / name} was not written by this program, or only in part. Move it away, "
                "give another --out-dir, or replace it with --overwrite."
            )
        differences = [
            difference(key, record.identity.get(key), identity.get(key))
            for key in sorted({*record.identity, *identity})
            if record.identity.get(key) != identity.get(key)
        ]
        if differences:
            raise OutputError(
                f"{folder / name} was made from something else: {'; '.join(differences)}. Give the "
                "job another name or another --out-dir, or replace it with --overwrite."
            )
