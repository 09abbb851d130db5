"""What a run finds on this machine, what it lacks, and what to do about that."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from af3cli.errors import DeviceError, InputError, WeightsError
from af3cli.processors import instruction_sets, num_processors
from af3cli.wording import counted, size

_PACKAGES = ("jax", "flax", "numpy", "gemmi", "rdkit", "biotite", "h5py", "pyhmmer")
_GPU_FILES = ("/dev/nvidia[0-9]*", "/dev/dxg")  # of the driver, on Linux and in its Windows form
_FIRST_JAX_WITH_AMX = (0, 12)  # of those tried; 0.10 computes bfloat16 as float32


@dataclass(frozen=True)
class Finding:
    """What there is of one thing, and advice if there could be more.

    `is_lacking` if nothing can be embedded without more of it.
    """

    subject: str
    text: str
    advice: str = ""
    is_lacking: bool = False


def examine(weights_dir: Path | None = None) -> Iterator[Finding]:
    """Yields what there is of each thing that a run may need.

    Parameters are looked for in `weights_dir`, then where every run looks. Where a package is
    missing there is no more to tell.
    """
    program = _program()
    yield program
    if program.is_lacking:
        return
    yield _device()
    yield _compiled_programs()
    yield _components()
    yield _parameters(weights_dir)
    yield _databases()


def _program() -> Finding:
    versions = {name: _version(name) for name in ("af3cli", *_PACKAGES)}
    own, *packages = (f"{name} {known or 'is missing'}" for name, known in versions.items())
    text = f"{own}, Python {platform.python_version()} at {sys.prefix}; {', '.join(packages)}"
    if all(versions.values()):
        return Finding("program", text)
    advice = "install the program anew, with all that it needs: pip install -c constraints.txt ."
    return Finding("program", text, advice, is_lacking=True)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _device() -> Finding:
    from af3cli.inference.device import check_device, claim_memory, made_on, why_slow
    from af3cli.inference.memory import device_bytes
    from af3cli.inference.precision import choose_precision

    claim_memory()
    try:
        num_devices = check_device()
    except DeviceError as error:
        return Finding("device", "none", str(error), is_lacking=True)
    precision = choose_precision()
    text = f"{made_on(precision)}, {precision}, {size(device_bytes())} of memory"
    if made_on(precision).startswith("cpu"):
        text += f", {counted(num_processors(), 'processor')}"
        return Finding("device", text, why_slow(precision) or _unused_gpu() or _faster_precision())
    if num_devices > 1:
        text += f"; {num_devices} of them, of which a run uses the first"
    return Finding("device", text, why_slow(precision) or "")


def _unused_gpu() -> str:
    """What to do about a GPU that JAX does not use, if there is one."""
    if not any(any(Path("/").glob(pattern[1:])) for pattern in _GPU_FILES):
        return ""
    if platforms := os.environ.get("JAX_PLATFORMS"):
        return f"there is a GPU, but JAX_PLATFORMS={platforms} keeps JAX from it"
    return (
        "there is a GPU that JAX does not use: install '.[cuda13]', or '.[cuda12]' for a driver "
        "before version 580"
    )


def _faster_precision() -> str:
    """What to do about a processor that is made for bfloat16, if it is."""
    import jax

    if "amx_bf16" not in instruction_sets():
        return ""
    advice = (
        "this processor is made for bfloat16 (AMX): --precision bfloat16 takes half to two thirds "
        "of the time"
    )
    if jax.__version_info__ < _FIRST_JAX_WITH_AMX:
        advice += f" with JAX {'.'.join(map(str, _FIRST_JAX_WITH_AMX))}, which needs Python 3.12"
    return advice


def _compiled_programs() -> Finding:
    from af3cli.inference.compile_cache import HOW_TO_KEEP, NOT_KEPT, keep_compiled_programs

    folder = keep_compiled_programs()
    if folder is None:
        return Finding("compiled", NOT_KEPT, HOW_TO_KEEP)
    if isinstance(folder, str):
        return Finding("compiled", folder)
    files = [path for path in folder.iterdir() if path.is_file()]
    num_bytes = sum(path.stat().st_size for path in files)
    return Finding("compiled", f"{folder}: {counted(len(files), 'file')}, {size(num_bytes)}")


def _components() -> Finding:
    from af3cli.chemistry import open_dictionary

    try:
        record = open_dictionary().record
    except InputError as error:
        return Finding("components", "none", str(error), is_lacking=True)
    return Finding("components", f"{record.source}, its newest is of {record.newest_date}")


def _parameters(weights_dir: Path | None) -> Finding:
    from af3cli.weights.catalogue import CATALOGUE
    from af3cli.weights.find import find_weights, find_whole

    found = {entry.name: find_whole(entry, weights_dir) for entry in CATALOGUE.values()}
    problems = [problem for _, problems in found.values() for problem in problems]
    try:
        default = find_weights(None, weights_dir)
    except WeightsError as error:
        default = None
        problems.insert(0, str(error))
    named = {name: path for name, (path, _) in found.items() if path and path != default}
    advice = "\n".join(dict.fromkeys(problems))
    if not (default or named):
        return Finding("parameters", "none", advice, is_lacking=True)
    places = {"without --weights": default or "none", **named}
    return Finding("parameters", "; ".join(f"{n}: {p}" for n, p in places.items()), advice)


def _databases() -> Finding:
    from af3cli.search.databases import VARIABLE, find_databases

    try:
        found = find_databases()
    except InputError as error:
        return Finding("databases", "none", str(error))
    if not found:
        advice = f"to search any, name a folder or a file of their paths in {VARIABLE}"
        return Finding("databases", "none; jobs run with what they bring", advice)
    return Finding("databases", "; ".join(f"{base.name}: {base.title}" for base in found.values()))
