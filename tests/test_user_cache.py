"""A user without a home folder, as in many containers, can run all that needs no cache."""

from __future__ import annotations

import platformdirs
import pytest

from af3cli.errors import InputError, WeightsError
from af3cli.search.cache import default_folder
from af3cli.weights import CATALOGUE, cache_folder, find_weights


@pytest.fixture
def homeless(monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr(platformdirs, "user_cache_path", fail)
    monkeypatch.delenv("AF3_WEIGHTS", raising=False)


def test_without_a_home_folder_the_cache_is_passed_over(homeless, tmp_path):
    assert find_weights("synthetic") == CATALOGUE["synthetic"]
    path = tmp_path / "af3.bin"
    path.touch()
    assert find_weights(weights_dir=path) == path
    with pytest.raises(WeightsError, match="Looked in no folder"):
        find_weights("alphafold3")


def test_what_needs_a_cache_says_how_to_name_one(homeless):
    with pytest.raises(WeightsError, match="--weights-dir"):
        cache_folder()
    with pytest.raises(InputError, match="--cache-dir"):
        default_folder()
