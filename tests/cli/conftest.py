"""Runs `af3` in this process, with a cache of its own and real, if random, parameters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from af3cli.cli import main
from af3cli.model.config import OFFICIAL, reduced
from af3cli.weights import write_records
from af3cli.weights.synthetic import synthetic_records

Af3 = Callable[..., Result]


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def af3(cache, monkeypatch) -> Af3:
    """Call it with the arguments of a command line."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.delenv("AF3_WEIGHTS", raising=False)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture(scope="session")
def reduced_weights(tmp_path_factory) -> Path:
    """The parameters `synthetic-reduced` as a file, which is read faster than they are made."""
    path = tmp_path_factory.mktemp("weights") / "reduced.bin"
    write_records(path, synthetic_records(reduced(OFFICIAL)))
    return path
