"""`ComponentDictionary`: what a three-letter code stands for, for one job or for all."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from af3cli.chemistry.binary_dictionary import BinaryDictionary, bundled_path
from af3cli.chemistry.component import Component
from af3cli.chemistry.smiles import component_from_smiles
from af3cli.chemistry.text_components import components_from_text
from af3cli.chemistry.text_dictionary import TextDictionary
from af3cli.errors import InputError
from af3cli.job.types import Job, Ligand

_OwnText = tuple[str | None, tuple[tuple[str, str], ...]]
"""A job's userCCD, and the code and string of each ligand made from SMILES."""

_SACCHARIDE = re.compile(r"\bSACCHARIDE\b")


@dataclass(frozen=True)
class DictionaryRecord:
    """Which dictionary was used: where it came from, its newest entry's date, its sha256."""

    source: str
    newest_date: str
    sha256: str


class _Source(Protocol):
    """A dictionary file. `rows` has its codes as keys."""

    path: Path
    rows: Mapping[str, object]

    @property
    def newest_date(self) -> str: ...
    def read_type(self, code: str) -> str: ...
    def read(self, code: str) -> Component: ...


class ComponentDictionary:
    """Components by code, each read when it is first asked for.

    Make one with `open_dictionary` and share it: opening costs time, lookups do not.
    """

    def __init__(self, source: _Source, name: str) -> None:
        """Takes an open dictionary file, and what to call it."""
        self._source = source
        self._name = name
        self._read: dict[str, Component] = {}
        self._own: dict[str, Component] = {}
        self._own_text: _OwnText = (None, ())
        self._base = self
        self._last = self

    def __contains__(self, code: str) -> bool:
        return code in self._own or code in self._source.rows

    def get(self, code: str) -> Component:
        """Returns a component.

        Raises:
            InputError: There is none with this code; the message has close matches.
        """
        if code in self._own:
            return self._own[code]
        if code not in self._read:
            if code not in self._source.rows:
                raise InputError(self._missing(code))
            self._read[code] = self._source.read(code)
        return self._read[code]

    def is_glycan(self, code: str) -> bool:
        """Whether the dictionary file has this code and calls it a saccharide.

        A job's own component is a glycan only if it replaces one: the official program's list of
        glycans is made from the dictionary file.
        """
        if code not in self._source.rows:
            return False
        return _SACCHARIDE.search(self._source.read_type(code)) is not None

    def for_job(self, job: Job) -> ComponentDictionary:
        """Returns this dictionary with the job's own components and SMILES ligands before it.

        Raises:
            InputError: One of them is not usable.
        """
        smiles = tuple(
            (smiles_code(chain), entity.smiles)
            for entity in job.entities
            if isinstance(entity, Ligand) and entity.smiles is not None
            for chain in entity.ids
        )
        return self._base._with_own((job.user_ccd or None, smiles))

    @cached_property
    def record(self) -> DictionaryRecord:
        """Which dictionary this is; reads the whole file once, for its sha256."""
        with self._source.path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return DictionaryRecord(self._name, self._source.newest_date, sha256)

    def _with_own(self, text: _OwnText) -> ComponentDictionary:
        """Returns this dictionary with other components before it; the last one is remembered."""
        if text == self._own_text:
            return self
        last = self._last
        if last._own_text != text:
            last = copy.copy(self)
            last._own_text = text
            last._own = self._make(*text)
            self._last = last
        return last

    def _make(
        self, user_ccd: str | None, smiles: tuple[tuple[str, str], ...]
    ) -> dict[str, Component]:
        own = {} if user_ccd is None else components_from_text(user_ccd, "userCCD")
        for code, text in smiles:
            if code in own or code in self._source.rows:
                raise InputError(f"component {code!r} has the name of a ligand made from SMILES")
            own[code] = component_from_smiles(code, text)
        return own

    def _missing(self, code: str) -> str:
        known = [*self._own, *self._source.rows]
        matches = get_close_matches(code.upper(), known, n=3)
        hint = f"; close to it are {', '.join(matches)}" if matches else ""
        return (
            f"there is no chemical component {code!r} in {self._name}{hint}. "
            "A component of your own goes into userCCD"
        )


def open_dictionary(ccd: Path | None = None) -> ComponentDictionary:
    """Opens the dictionary that biotite ships, or a file such as wwPDB's `components.cif`.

    Args:
        ccd: mmCIF text, plain or gzipped, or BinaryCIF (a name ending in .bcif).

    Raises:
        InputError: The file is missing or is not a dictionary.
    """
    if ccd is None:
        name = f"biotite {version('biotite')}"
        return ComponentDictionary(BinaryDictionary(bundled_path()), name)
    is_binary = ccd.suffix == ".bcif"
    source = BinaryDictionary(ccd) if is_binary else TextDictionary(ccd)
    return ComponentDictionary(source, ccd.name)


def smiles_code(chain_id: str) -> str:
    """Returns what the residue of a chain made from SMILES is called."""
    return f"LIG_{chain_id}"
