"""Which databases are to be searched, and where they are."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from af3cli.disk import reading_errors
from af3cli.errors import InputError
from af3cli.job.textfile import read_text
from af3cli.search.catalogue import CATALOGUE

VARIABLE = "AF3_DATABASES"

_MAX_CONFIG_BYTES = 2**20
_MAX_SHARDS = 99_999
# prefix@16, prefix@16.fasta: prefix-00000-of-00016 and so on, with the same ending.
_SHARDED = re.compile(r"(?P<prefix>[^?*\]]+)@(?P<number>\d{1,5}|\*)(?P<suffix>[._][^?@*/\]]*)?")


@dataclass(frozen=True, slots=True)
class Database:
    """A database by name: one file, the shards of one, or (for structures) a folder.

    `z` is the size that E-values are for: sequences, or megabases of RNA; `None` for the size that
    the file has.
    """

    name: str
    files: tuple[Path, ...]
    z: float | None = None
    is_sharded: bool = False

    @property
    def title(self) -> str:
        """What people know the database by: its file's name, or that of the first shard."""
        more = f" and {len(self.files) - 1} more" if len(self.files) > 1 else ""
        return f"{self.files[0].name}{more}"


def file_digest(path: Path) -> str:
    """What tells one state of a file from another: SHA-256 of its name, size and time."""
    with reading_errors(InputError, path):
        state = path.stat()
    return hashlib.sha256(f"{path.name} {state.st_size} {state.st_mtime_ns}".encode()).hexdigest()


@reading_errors(InputError)
def find_databases(
    paths: Iterable[str] = (), sizes: Iterable[str] = (), config: Path | None = None
) -> dict[str, Database]:
    """Returns the databases that are configured, by name.

    `paths` are `NAME=PATH`, `sizes` are `NAME=Z`. Databases that they do not name come from
    `config`, or else from what the variable `AF3_DATABASES` names: a TOML or JSON file of paths, or
    a folder that holds files of the official names. Raises `InputError` for names that are not
    known, files that are not there, places that cannot be read, and shards without a size.
    """
    chosen_config = config or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    configured: dict[str, tuple[str, float | None]] = {}
    if chosen_config is not None:
        chosen_config = chosen_config.expanduser()
        is_folder = chosen_config.is_dir()
        configured = (_official_files if is_folder else _read_config)(chosen_config)
    for name, path in _pairs(paths, "--db", "NAME=PATH"):
        configured[name] = path, None
    for name, z in _pairs(sizes, "--z", "NAME=NUMBER"):
        if name not in configured:
            raise InputError(f"--z {name}: there is no --db {name}=PATH that it could be of")
        configured[name] = configured[name][0], _number(z, f"--z {name}")
    return {name: _database(name, path, z) for name, (path, z) in configured.items()}


def _pairs(texts: Iterable[str], option: str, form: str) -> Iterable[tuple[str, str]]:
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise InputError(f"{option} {text}: must be {form}")
        _check_name(name, option)
        yield name, value


def _check_name(name: str, place: str) -> None:
    if name not in CATALOGUE:
        near = difflib.get_close_matches(name, CATALOGUE, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(CATALOGUE)}"
        raise InputError(f"{place}: there is no database called {name!r}; {hint}")


def _number(value: object, place: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not 0 < number < 1e15:
        raise InputError(f"{place}: {value!r} must be a positive number")
    return number


def _official_files(folder: Path) -> dict[str, tuple[str, float | None]]:
    found = {
        entry.name: (str(folder / entry.file_name), None)
        for entry in CATALOGUE.values()
        if (folder / entry.file_name).exists()
    }
    if not found:
        names = ", ".join(entry.file_name for entry in CATALOGUE.values())
        raise InputError(
            f"{folder}: holds none of the official database files ({names}); name yours with "
            "--db NAME=PATH"
        )
    return found


def _read_config(path: Path) -> dict[str, tuple[str, float | None]]:
    """Reads `name = "path"` or `name = {path = "...", z = 1e8}`; paths are relative to the file."""
    text = read_text(path, _MAX_CONFIG_BYTES)
    try:
        content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise InputError(f"{path}: is not valid {kind}: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f'{path}: must be a table of databases, such as uniref90 = "path"')
    configured = {}
    for name, value in content.items():
        _check_name(name, str(path))
        table = value if isinstance(value, Mapping) else {"path": value}
        if not isinstance(table.get("path"), str) or set(table) - {"path", "z"}:
            raise InputError(f'{path}: {name}: must be a path, or {{path = "...", z = number}}')
        z = None if table.get("z") is None else _number(table["z"], f"{path}: {name}.z")
        configured[name] = str(path.parent / Path(table["path"]).expanduser()), z
    return configured


def _database(name: str, path: str, z: float | None) -> Database:
    expanded = str(Path(path).expanduser())
    shards = None if Path(expanded).exists() else _SHARDED.fullmatch(expanded)
    if shards is None:
        files = (Path(expanded),)
    else:
        files = _shard_files(shards)
        if z is None:
            entry = CATALOGUE[name]
            unit = "sequences" if entry.molecule == "protein" else "megabases"
            official = f" (the official one has {entry.official_size})"
            raise InputError(
                f"{name}: the shards {path} need the size of the whole database: give it in {unit} "
                f"with --z {name}=NUMBER{official if entry.official_size else ''}"
            )
    for file in files:
        _check_exists(name, file)
    return Database(name, files, z, is_sharded=shards is not None)


def _shard_files(shards: re.Match[str]) -> tuple[Path, ...]:
    prefix, suffix = shards["prefix"], shards["suffix"] or ""
    number = shards["number"]
    if number == "*":
        first = Path(f"{prefix}-00000-of-")
        found = sorted(first.parent.glob(f"{first.name}?????{suffix}"))
        if not found:
            raise InputError(f"{first}*{suffix}: there is no such file")
        number = found[-1].name.removeprefix(first.name)[:5]
    if not number.isdecimal() or not 0 < int(number) <= _MAX_SHARDS:
        raise InputError(f"{prefix}@{number}: the number of shards must be 1 to {_MAX_SHARDS}")
    total = int(number)
    return tuple(Path(f"{prefix}-{i:05d}-of-{total:05d}{suffix}") for i in range(total))


def _check_exists(name: str, path: Path) -> None:
    wanted = "folder" if CATALOGUE[name].is_folder else "file"
    if not (path.is_dir() if wanted == "folder" else path.is_file()):
        state = "is not a " + wanted if path.exists() else "does not exist"
        raise InputError(f"the database {name}: {path} {state}")
