"""What a three-letter code stands for: `ComponentDictionary` for all jobs, `JobComponents` for one.

A job's own components are the same objects whenever they are asked for, so that what is kept of
one, as its molecule and its conformers, is found again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from af3cli.chemistry.binary_dictionary import BinaryDictionary, bundled_path
from af3cli.chemistry.component import Component
from af3cli.chemistry.smiles import component_from_smiles
from af3cli.chemistry.text_components import components_from_text
from af3cli.chemistry.text_dictionary import TextDictionary
from af3cli.errors import InputError
from af3cli.job.names import smiles_code
from af3cli.job.types import Job, Ligand

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
    """Components of a dictionary file by code, each read when it is first asked for.

    Make one with `open_dictionary` and share it: opening costs time, lookups do not.
    """

    def __init__(self, source: _Source, name: str) -> None:
        """Takes an open dictionary file, and what to call it."""
        self.name = name
        self._source = source
        self._read: dict[str, Component] = {}

    @property
    def codes(self) -> Collection[str]:
        """The codes of all components."""
        return self._source.rows.keys()

    def __contains__(self, code: str) -> bool:
        return code in self._source.rows

    def get(self, code: str) -> Component:
        """Returns a component.

        Raises:
            InputError: There is none with this code; the message has close matches.
        """
        if code not in self._read:
            if code not in self:
                raise _missing(code, self.codes, self.name)
            self._read[code] = self._source.read(code)
        return self._read[code]

    def is_glycan(self, code: str) -> bool:
        """Whether the dictionary file has this code and calls it a saccharide."""
        return code in self and _SACCHARIDE.search(self._source.read_type(code)) is not None

    def for_job(self, job: Job) -> JobComponents:
        """Returns the components that a job names, its own ones first.

        Raises:
            InputError: One of its own is not usable.
        """
        own = dict(_user_components(job.user_ccd)) if job.user_ccd else {}
        for entity in job.entities:
            if isinstance(entity, Ligand) and entity.smiles is not None:
                for code in map(smiles_code, entity.ids):
                    if code in own or code in self:
                        raise InputError(
                            f"component {code!r} has the name of a ligand made from SMILES"
                        )
                    own[code] = component_from_smiles(code, entity.smiles)
        return JobComponents(self, own)

    @cached_property
    def record(self) -> DictionaryRecord:
        """Which dictionary this is; reads the whole file once, for its sha256."""
        with self._source.path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return DictionaryRecord(self.name, self._source.newest_date, sha256)


@dataclass(frozen=True)
class JobComponents:
    """Components for one job: its own ones (`userCCD`, SMILES), then those of the dictionary."""

    dictionary: ComponentDictionary
    own: Mapping[str, Component]

    def __contains__(self, code: str) -> bool:
        return code in self.own or code in self.dictionary

    def get(self, code: str) -> Component:
        """Returns a component.

        Raises:
            InputError: There is none with this code; the message has close matches.
        """
        if code not in self:
            raise _missing(code, [*self.own, *self.dictionary.codes], self.dictionary.name)
        return self.own[code] if code in self.own else self.dictionary.get(code)

    def is_glycan(self, code: str) -> bool:
        """Whether the component is a glycan; a job's own is one only if it replaces one.

        The official program's list of glycans is made from the dictionary file.
        """
        return self.dictionary.is_glycan(code)


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


@lru_cache(maxsize=8)
def _user_components(text: str) -> Mapping[str, Component]:
    """Returns the components of a job's `userCCD`; a few texts are remembered."""
    return components_from_text(text, "userCCD")


def _missing(code: str, known: Iterable[str], dictionary: str) -> InputError:
    matches = get_close_matches(code.upper(), known, n=3)
    hint = f"; close to it are {', '.join(matches)}" if matches else ""
    return InputError(
        f"there is no chemical component {code!r} in {dictionary}{hint}. "
        "A component of your own goes into userCCD"
    )
