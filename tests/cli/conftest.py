"""Runs `af3` in this process, with a cache of its own and real, if random, parameters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from af3cli.cli import main
from af3cli.inference import predict as inference
from af3cli.model.config import OFFICIAL, reduced
from af3cli.weights import Weights, write_records
from af3cli.weights.synthetic import synthetic_records
from tests.cli.predictions import Predict, settings, write_job

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


@pytest.fixture(scope="session")
def loaded() -> Callable:
    """Places parameters once for all tests, which then share compiled programs."""
    place, models = inference.load_prediction_model, {}

    def load(weights: Weights, precision: str) -> inference.PredictionModel:
        key = weights.path, precision
        if key not in models:
            models[key] = place(weights, precision=precision)
        return models[key]

    return load


@pytest.fixture
def predict(af3, loaded, monkeypatch, tmp_path, reduced_weights) -> Predict:
    """Call it with jobs and options; few passes and steps are made of it.

    All jobs of up to twelve tokens are put into one bucket, and their samples made one by one, so
    that few programs are compiled.
    """
    monkeypatch.setattr(inference, "load_prediction_model", loaded)

    def run(*options: object) -> Result:
        return af3("predict", *settings(reduced_weights), "--out-dir", tmp_path, *options)

    return run


@pytest.fixture
def job(tmp_path) -> Path:
    return write_job(tmp_path, [1])
