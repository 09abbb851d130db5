"""The reduced network, loaded once; programs that it has compiled serve later tests as well."""

from __future__ import annotations

import pytest

from af3cli.inference.heads import Heads, load_heads
from af3cli.inference.trunk import TrunkModel, load_model
from af3cli.weights.load import Weights, load_weights


@pytest.fixture(scope="session")
def reduced_weights() -> Weights:
    return load_weights("synthetic-reduced")


@pytest.fixture(scope="session")
def reduced_model(reduced_weights: Weights) -> TrunkModel:
    return load_model(reduced_weights, precision="float32")


@pytest.fixture(scope="session")
def reduced_heads(reduced_weights: Weights, reduced_model: TrunkModel) -> Heads:
    return load_heads(reduced_weights, reduced_model.precision)
