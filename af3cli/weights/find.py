"""Where the parameters that a user asks for are on this machine."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from af3cli.errors import WeightsError
from af3cli.weights.catalogue import (
    ALPHAFOLD3,
    CATALOGUE,
    OPENFOLD3_OPENBIND,
    CatalogueEntry,
)
from af3cli.weights.files import find_model, parameter_files


@dataclass(frozen=True)
class FoundWeights:
    """Parameters at `path`, or those of `entry` that are made and not read (`path` is None)."""

    path: Path | None
    entry: CatalogueEntry | None = None


def cache_folder() -> Path:
    """Returns the folder in the user's cache that holds downloaded parameters."""
    return platformdirs.user_cache_path("af3cli") / "weights"


def find_weights(
    name_or_path: str | Path | None = None, weights_dir: str | Path | None = None
) -> FoundWeights:
    """Returns where the parameters called `name_or_path` are.

    A path is taken as it is. A name of the catalogue is looked up in `weights_dir`, in
    `$AF3_WEIGHTS` and in the user's cache. Without either, the first of these places that is there
    must hold one model.

    Raises:
        WeightsError: there are no such parameters here; the text says how to get some.
    """
    places = search_folders(weights_dir)
    if name_or_path is None:
        return _only_model(places)
    path = Path(name_or_path).expanduser()
    entry = CATALOGUE.get(str(name_or_path))
    if entry is None:
        return FoundWeights(_existing(path))
    if not entry.urls:
        return FoundWeights(None, entry)
    for place in places:
        if found := find_in(place, entry):
            return FoundWeights(found, entry)
    if path.exists():
        return FoundWeights(path)
    raise WeightsError(f"The parameters {entry.name} are not on this machine.\n{_advice(places)}")


def find_in(place: Path, entry: CatalogueEntry) -> Path | None:
    """Returns the file of `entry` in the folder `place`, or beside the file `place`, if there.

    A converted file (`NAME.safetensors`) comes before the published one.
    """
    folder = place if place.is_dir() else place.parent
    if not entry.urls or not folder.is_dir():
        return None
    names = (f"{entry.name}.safetensors", entry.file_names[0])
    whole = next((folder / name for name in names if (folder / name).is_file()), None)
    return whole or find_model(folder, entry.file_names[0].split(".")[0])


def search_folders(weights_dir: str | Path | None = None) -> list[Path]:
    """Returns where parameters are looked for, in this order; the last is the user's cache."""
    places = [weights_dir, os.environ.get("AF3_WEIGHTS")]
    return [Path(place).expanduser() for place in places if place] + [cache_folder()]


def _only_model(places: list[Path]) -> FoundWeights:
    *named, cache = places
    if named:
        return FoundWeights(_existing(named[0]))
    present = [path for entry in CATALOGUE.values() if (path := find_in(cache, entry))]
    if len(present) > 1:
        names = ", ".join(map(str, present))
        raise WeightsError(f"Several models are in the cache; choose one with --weights: {names}")
    if not present:
        raise WeightsError(f"No model parameters are on this machine.\n{_advice(places)}")
    return FoundWeights(present[0])


def _existing(path: Path) -> Path:
    """Returns `path` if parameters can be there; an unknown name gets the nearest known ones."""
    if path.exists():
        return parameter_files(path)[0] if path.is_dir() else path
    near = difflib.get_close_matches(str(path), CATALOGUE)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise WeightsError(
        f"{path} is neither a file or folder nor a known model ({', '.join(CATALOGUE)}).{hint}"
    )


def _advice(places: list[Path]) -> str:
    looked = ", ".join(map(str, places))
    open_model = OPENFOLD3_OPENBIND
    return (
        f"Looked in {looked}.\n"
        f"The recommended open model is {open_model.name} ({open_model.num_bytes / 1e9:.1f} GB, "
        f"{open_model.licence}). To get it:\n"
        f"    af3 weights get {open_model.name}\n"
        "The official AlphaFold 3 parameters are for non-commercial use only. If you accept their "
        f"terms ({ALPHAFOLD3.terms_url}):\n"
        f"    af3 weights get {ALPHAFOLD3.name} --accept-terms\n"
        f"or pass your copy of {ALPHAFOLD3.urls[0]} with --weights.\n"
        "To try the program without parameters, use --weights synthetic or --weights "
        "synthetic-reduced; the results are then meaningless."
    )
