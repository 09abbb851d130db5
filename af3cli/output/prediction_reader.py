"""Reads the folder of a predicted job: `open_prediction("out/2pv7").samples[0].summary`.

The official program's folders are laid out alike and are read as well, also those of its first
versions, whose files in the folders of samples do not begin with the job's name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64, Shaped

from af3cli.disk import reading_errors
from af3cli.errors import OutputError
from af3cli.output.prediction_records import sample_numbers
from af3cli.output.terms import MEANINGLESS_STRUCTURE, TERMS_FILE, TERMS_TITLE

_SUMMARY = "summary_confidences.json"


@dataclass(frozen=True)
class SavedConfidences:
    """Confidences as they are in a file: rounded, and NaN where they are not known."""

    atom_chain_id: Shaped[np.ndarray, "atom"]
    token_chain_id: Shaped[np.ndarray, "token"]
    token_residue_id: Int64[np.ndarray, "token"]
    plddt: Float32[np.ndarray, "atom"]  # 0 to 100
    pae: Float32[np.ndarray, "token token"]  # expected error in Å of the column's token
    contact_probs: Float32[np.ndarray, "token token"]


@dataclass(frozen=True)
class SavedSample:
    """One structure of a job. `prefix` is what the names of its files begin with."""

    folder: Path
    prefix: str
    seed: int
    number: int
    summary: Mapping[str, object]

    @property
    def ranking_score(self) -> float:
        """What samples are ranked by; NaN if it is not known."""
        return _number(self.summary["ranking_score"])

    @property
    def structure(self) -> Path:
        """The mmCIF file."""
        return self.folder / f"{self.prefix}model.cif"

    @property
    def chain_ids(self) -> list[str]:
        """The chains, in the order of the summary's figures."""
        return list(dict.fromkeys(self.summary["chain_ids"]))

    def figure(self, name: str) -> Float32[np.ndarray, "..."]:
        """Returns a figure of the summary, such as `chain_iptm`, with NaN for what is not known."""
        return np.array(self.summary[name], np.float32)

    def confidences(self) -> SavedConfidences:
        """Reads the arrays of each atom, token and pair of tokens.

        Raises:
            OutputError: the file cannot be read or holds something else.
        """
        path = self.folder / f"{self.prefix}confidences.json"
        content = _read(path)
        try:
            confidences = SavedConfidences(
                atom_chain_id=np.array(content["atom_chain_ids"], np.str_),
                token_chain_id=np.array(content["token_chain_ids"], np.str_),
                token_residue_id=np.array(content["token_res_ids"], np.int64),
                plddt=np.array(content["atom_plddts"], np.float32),
                pae=np.array(content["pae"], np.float32),
                contact_probs=np.array(content["contact_probs"], np.float32),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _unlike(path, error) from error
        num_tokens, num_atoms = len(confidences.token_chain_id), len(confidences.atom_chain_id)
        if (confidences.pae.shape, confidences.plddt.shape) != ((num_tokens,) * 2, (num_atoms,)):
            raise _unlike(path, "arrays of other lengths than the chain ids")
        return confidences


@dataclass(frozen=True)
class Prediction:
    """The structures of one job, the best first; equals are in the order of seed and number.

    `terms` tells which parameters were used and what they allow; it is empty where this program
    has not written the folder.
    """

    folder: Path
    samples: tuple[SavedSample, ...]
    terms: str

    @property
    def is_meaningless(self) -> bool:
        """Whether the terms say that the parameters were random."""
        return MEANINGLESS_STRUCTURE in self.terms


def open_prediction(folder: str | Path) -> Prediction:
    """Reads which structures are in a job's folder, and how sure the network is of each.

    Raises:
        OutputError: it holds no structures, or a file cannot be read or holds something else.
    """
    folder = Path(folder).resolve()
    samples = [
        _sample(path, *numbers)
        for path in _subfolders(folder)
        if (numbers := sample_numbers(path.name))
    ]
    if not samples:
        raise OutputError(f"{folder} holds no folders such as seed-1_sample-0, with structures")
    samples.sort(key=lambda sample: (sample.seed, sample.number))
    samples.sort(key=lambda sample: -np.nan_to_num(sample.ranking_score, nan=-np.inf))
    return Prediction(folder, tuple(samples), _terms(folder))


def find_predictions(path: Path) -> list[Path]:
    """Returns the folders of jobs at `path`: itself, or those in it, in alphabetical order."""
    return [folder for folder in (path, *_subfolders(path)) if _holds_samples(folder)]


def _holds_samples(folder: Path) -> bool:
    return any(sample_numbers(path.name) for path in _subfolders(folder))


def _subfolders(folder: Path) -> list[Path]:
    with reading_errors(OutputError, folder):
        return sorted(path for path in folder.iterdir() if path.is_dir())


def _sample(folder: Path, seed: int, number: int) -> SavedSample:
    path = next(folder.glob(f"*{_SUMMARY}"), folder / _SUMMARY)
    summary = _read(path)
    try:
        sample = SavedSample(folder, path.name.removesuffix(_SUMMARY), seed, number, summary)
        _ = sample.ranking_score, sample.chain_ids
    except (KeyError, TypeError, ValueError) as error:
        raise _unlike(path, error) from error
    return sample


def _read(path: Path) -> Mapping[str, object]:
    try:
        with reading_errors(OutputError, path):
            content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _unlike(path, error) from error
    if not isinstance(content, dict):
        raise _unlike(path, "no JSON object")
    return content


def _unlike(path: Path, reason: object) -> OutputError:
    told = f"no {reason}" if isinstance(reason, KeyError) else reason
    return OutputError(f"{path} is not what a prediction writes: {told}")


def _number(value: object) -> float:
    return math.nan if value is None else float(value)


def _terms(folder: Path) -> str:
    """Returns the text of the terms of use without its title, if this program has written it."""
    try:
        text = (folder / TERMS_FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    return text.removeprefix(TERMS_TITLE).strip() if text.startswith(TERMS_TITLE) else ""
