"""What is in an embedding file, by name: see docs/output.md for the description to users."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Shaped

from af3cli.errors import InputError, OutputError
from af3cli.search.chain_inputs import ChainInputs

FORMAT = "af3cli-embeddings"
FORMAT_VERSION = 1
COMPLETE = "complete"
ARRAYS = ("single", "pair", "target_feat")
DTYPES = ("float16", "float32", "bfloat16")
MEANINGLESS = (
    "The values are meaningless: they were made with random parameters, for tests of the program."
)


@dataclass(frozen=True)
class FileHeader:
    """What all entries of a file have in common; it says which model made them and how.

    `weights_checkpoint` is the name of the published file, `weights_cutoff` the date (ISO) of the
    newest structures that the parameters were trained on; what is not known is empty.
    `meaningless` is empty for real parameters, and else says why the values mean nothing.
    """

    weights_name: str
    weights_family: str
    weights_checkpoint: str
    weights_sha256: str
    weights_cutoff: str
    weights_licence: str
    num_recycles: int
    precision: str
    meaningless: str = ""

    def attributes(self, created: str | None = None) -> dict[str, str | int]:
        """Returns the attributes of the root group."""
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "af3cli_version": version("af3cli"),
            "created": created or now(),
            **_without_empty(dataclasses.asdict(self)),
        }


@dataclass(frozen=True)
class EntryHeader:
    """What one entry was made from. Two entries with equal headers hold the same values.

    `name` is the group's name, `job_name` the job's. `include` names the arrays, in the order of
    `ARRAYS`. `ccd_date` is the date of the newest change in the component dictionary. `made_on` is
    the device.
    """

    name: str
    job_name: str
    seed: int
    num_tokens: int
    input_sha256: str
    dtype: str
    include: tuple[str, ...]
    ccd_source: str
    ccd_date: str
    ccd_sha256: str
    rdkit_version: str
    chains: ChainInputs
    made_on: str = ""
    meaningless: str = ""

    def attributes(self) -> dict[str, str | int | np.ndarray]:
        """Returns the attributes of the entry's group, without the `status`."""
        values = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("name", "job_name", "chains", "include")
        }
        strings = h5py.string_dtype()
        return {
            "name": self.job_name,
            "include": np.array(self.include, strings),
            "created": now(),
            "msa_chain_ids": np.array(self.chains.chain_id, strings),
            "unpaired_msa_depth": np.array(self.chains.unpaired_msa_depth, np.int64),
            "paired_msa_depth": np.array(self.chains.paired_msa_depth, np.int64),
            "num_templates": np.array(self.chains.num_templates, np.int64),
            "msa_source": np.array(self.chains.msa_source, strings),
            "template_source": np.array(self.chains.template_source, strings),
            **_without_empty(values),
        }


# The attributes that decide whether two entries hold the same values, and what they are called.
IDENTITY = {
    "input_sha256": "the job's content, alignments and templates included",
    "seed": "the seed",
    "dtype": "the dtype",
    "include": "the arrays",
    "ccd_sha256": "the component dictionary",
    "rdkit_version": "the RDKit release",
}


def check_dtype(dtype: str) -> None:
    """Raises `InputError` if embeddings cannot be stored as `dtype`."""
    if dtype not in DTYPES:
        raise InputError(f"dtype {dtype!r} is not one of: {', '.join(DTYPES)}")


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """Turns what h5py raises of a damaged file into `OutputError`."""
    try:
        yield
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = error.args[0] if error.args else type(error).__name__
        raise OutputError(
            f"{path} is damaged, or another program has changed it ({reason}); it was left alone. "
            "Move it away, or give the name of another file."
        ) from error


def parse_include(text: str) -> tuple[str, ...]:
    """Returns the arrays named in `text`, separated by commas, in the order of `ARRAYS`.

    Raises:
        InputError: one is unknown, or none is named.
    """
    names = {name.strip() for name in text.split(",") if name.strip()}
    if not names or names - set(ARRAYS):
        wrong = ", ".join(sorted(names - set(ARRAYS))) or "nothing"
        raise InputError(f"{wrong} cannot be included; choose from: {', '.join(ARRAYS)}")
    return tuple(name for name in ARRAYS if name in names)


def entry_name(job_name: str, seed: int, num_seeds: int) -> str:
    """Returns the name of the group: the job's, followed by the seed where a job has several."""
    return job_name if num_seeds == 1 else f"{job_name}_seed-{seed}"


def token_dtype(table: Shaped[np.ndarray, "token"]) -> np.dtype:
    """Returns the compound type for `table`, whose strings become fixed-length UTF-8."""
    return np.dtype([(name, _column_dtype(table[name])) for name in table.dtype.names])


def encode_tokens(table: Shaped[np.ndarray, "token"]) -> Shaped[np.ndarray, "token"]:
    """Returns a token table with its strings as UTF-8 bytes."""
    encoded = np.empty(len(table), token_dtype(table))
    for name in table.dtype.names:
        column = table[name]
        encoded[name] = _utf8(column) if column.dtype.kind in "OU" else column
    return encoded


def decode_tokens(table: Shaped[np.ndarray, "token"]) -> Shaped[np.ndarray, "token"]:
    """Returns a stored token table with its bytes as strings."""
    columns = {
        name: np.char.decode(table[name], "utf-8") if table[name].dtype.kind == "S" else table[name]
        for name in table.dtype.names
    }
    decoded = np.empty(len(table), [(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        decoded[name] = column
    return decoded


def now() -> str:
    """Returns the time in ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _column_dtype(column: np.ndarray) -> np.dtype:
    if column.dtype.kind not in "OU":
        return column.dtype
    return h5py.string_dtype("utf-8", max(1, _utf8(column).dtype.itemsize))


def _utf8(column: np.ndarray) -> np.ndarray:
    return np.char.encode(column.astype(np.str_), "utf-8")


def _without_empty(values: Mapping[str, str | int]) -> dict[str, str | int]:
    return {name: value for name, value in values.items() if value != ""}
