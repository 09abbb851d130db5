"""Reads embedding files: `open_embeddings("emb.h5")["2PV7"].pair`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import h5py
import numpy as np
from jaxtyping import Float, Int, Shaped

from af3cli.disk import reading_errors
from af3cli.errors import OutputError
from af3cli.output.embeddings_arrays import BFLOAT16_MARK, decode
from af3cli.output.embeddings_format import (
    COMPLETE,
    FORMAT,
    FORMAT_VERSION,
    damage_told,
    decode_tokens,
)

Attribute = str | int | float | bool | np.ndarray


class NotInFileError(OutputError, KeyError):
    """Something was asked for that an embedding file does not hold; the text says what it holds."""

    def __str__(self) -> str:
        return str(self.args[0])


def open_embeddings(path: str | Path) -> EmbeddingsFile:
    """Opens an embedding file for reading; use it in a `with` block, or call `close`.

    Reading is safe at any time, also while entries are added.

    Raises:
        OutputError: there is no such file, or it is damaged or not an embedding file.
    """
    path = Path(path)
    with ExitStack() as opened:
        with reading_errors(OutputError, path):
            # Given a path, HDF5 would share the state of a handle that is open since earlier.
            raw = opened.enter_context(path.open("rb", buffering=0))
        try:
            file = opened.enter_context(h5py.File(raw, "r"))
        except OSError as error:
            raise OutputError(f"{path} is not a readable HDF5 file: {error}") from error
        with damage_told(path):
            _check_format(path, file.attrs)
            embeddings = EmbeddingsFile(file, raw)
        opened.pop_all()
    return embeddings


class EmbeddingsFile(Mapping[str, "Entry"]):
    """The entries of an embedding file by name, in alphabetical order.

    `attributes` says which model made them: the fields of `FileHeader` that are known, such as
    `weights_name`, and `meaningless` if the parameters were random.
    """

    def __init__(self, file: h5py.File, raw: BinaryIO) -> None:
        self._file = file
        self._raw = raw
        self.attributes: dict[str, Attribute] = dict(file.attrs)
        self._names = [name for name in file if _is_complete(file[name])]

    def __getitem__(self, name: str) -> Entry:
        if name not in self._names:
            raise NotInFileError(self._not_found(name))
        return Entry(name, self._file[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<embeddings of {len(self)} entries, made with {self.attributes['weights_name']}>"

    def close(self) -> None:
        """Closes the file; arrays that were read stay usable."""
        self._file.close()
        self._raw.close()

    def _not_found(self, name: str) -> str:
        seeds = [other for other in self._names if other.startswith(f"{name}_seed-")]
        near = seeds or difflib.get_close_matches(name, self._names) or self._names
        more = ", …" if len(near) > 5 else ""
        return f"no entry {name!r} in this file; it has {', '.join(near[:5]) or 'none'}{more}"


class Entry:
    """The embeddings of one job and seed. Arrays are read from the file when they are asked for.

    `attributes` says what the entry was made from; `name` is its name in the file.
    """

    def __init__(self, name: str, group: h5py.Group) -> None:
        self.name = name
        self._group = group
        self.attributes: dict[str, Attribute] = dict(group.attrs)

    @property
    def seed(self) -> int:
        """The seed that the alignment's rows and reference conformers were chosen with."""
        return int(self.attributes["seed"])

    @property
    def num_tokens(self) -> int:
        """How many rows the arrays have."""
        return int(self.attributes["num_tokens"])

    @property
    def tokens(self) -> Shaped[np.ndarray, "token"]:
        """The token table, a structured array: row i is about row i of the arrays.

        Columns: `chain_id`, `asym_id`, `entity_id`, `sym_id`, `molecule_type`, `residue_id`
        (1-based), `residue_name`, `atom_name` (empty if the token is a whole residue),
        `is_modified`; `label_chain_id`, `author_chain_id` and `author_residue_id` (all empty unless
        the job was read from a structure file).
        """
        return decode_tokens(self._group["tokens"][:])

    @property
    def single(self) -> Float[np.ndarray, "token single"]:
        """The single representation; float16 or float32 (bfloat16 is read as float32)."""
        return self._read("single", ())

    @property
    def pair(self) -> Float[np.ndarray, "token token pair"]:
        """The whole pair representation; `pair_block` reads a part of it."""
        return self._read("pair", ())

    @property
    def target_feat(self) -> Float[np.ndarray, "token target"]:
        """The input features of each token, before the trunk."""
        return self._read("target_feat", ())

    def pair_block(self, rows: slice, columns: slice) -> Float[np.ndarray, "row column pair"]:
        """Returns `pair[rows, columns]`, reading no more than the chunks it needs."""
        return self._read("pair", (rows, columns))

    def rows(
        self,
        *,
        chain: str | None = None,
        residue: int | None = None,
        atom: str | None = None,
    ) -> Int[np.ndarray, "row"]:
        """Returns which rows of the arrays are of this chain, residue (1-based) and atom.

        A residue that is one token has one row; a ligand or modified residue has one for each heavy
        atom, and `atom` chooses among these.

        Raises:
            NotInFileError: there are none; the text says what there is.
        """
        tokens = self.tokens
        selected = np.ones(len(tokens), bool)
        wanted = {"chain_id": chain, "residue_id": residue, "atom_name": atom}
        for column, value in wanted.items():
            if value is None:
                continue
            matching = selected & (tokens[column] == value)
            if not matching.any():
                raise NotInFileError(
                    f"no row of {self.name} has {column} {value!r}"
                    f"{_which(wanted, column)}: there is {_range(tokens[column][selected])}"
                )
            selected = matching
        return np.flatnonzero(selected)

    def __repr__(self) -> str:
        return f"<entry {self.name}: {self.num_tokens} tokens, seed {self.seed}>"

    def _read(self, name: str, block: tuple[slice, ...]) -> Float[np.ndarray, "..."]:
        if name not in self._group:
            held = ", ".join(self.attributes["include"])
            raise NotInFileError(f"{self.name} was made without {name}; it has {held}")
        dataset = self._group[name]
        return decode(dataset[block], dataset.attrs.get("dtype") == BFLOAT16_MARK)


def _check_format(path: Path, attributes: Mapping[str, Attribute]) -> None:
    if attributes.get("format") != FORMAT:
        raise OutputError(f"{path} is not an embedding file")
    version = attributes["format_version"]
    if version > FORMAT_VERSION:
        raise OutputError(
            f"{path} has format version {version}; this program reads up to {FORMAT_VERSION}"
        )


def _is_complete(group: object) -> bool:
    return isinstance(group, h5py.Group) and group.attrs.get("status") == COMPLETE


def _which(wanted: Mapping[str, object], column: str) -> str:
    """Says within what `column` was looked for."""
    names = list(wanted)
    earlier = [name for name in names[: names.index(column)] if wanted[name] is not None]
    return "".join(f", {name} {wanted[name]!r}" for name in earlier)


def _range(values: np.ndarray) -> str:
    """Says briefly what is among `values`."""
    found = np.unique(values)
    if found.dtype.kind in "iu" and len(found) > 5:
        return f"{found[0]} to {found[-1]}"
    shown = ", ".join(str(value) or "(none)" for value in found[:20])
    return shown + (", …" if len(found) > 20 else "")
