"""What the device decides: precision, and where its compiled programs are kept."""

from __future__ import annotations

import jax
import pytest

from af3cli.errors import InputError
from af3cli.inference.compile_cache import keep_compiled_programs
from af3cli.inference.precision import Precision, choose_precision


@pytest.fixture
def no_cache():
    """Nothing has chosen a cache yet."""
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    jax.config.update("jax_compilation_cache_dir", before)


def test_precision_follows_the_device_unless_chosen():
    assert choose_precision("bfloat16") is Precision.BFLOAT16
    assert choose_precision("auto") is Precision.FLOAT32  # on a processor
    with pytest.raises(InputError, match="'float64' is not one of: auto, float32, bfloat16"):
        choose_precision("float64")


def test_compiled_programs_are_kept(tmp_path, no_cache):
    folder = keep_compiled_programs(tmp_path)
    assert folder.is_dir() and folder.parent.parent == tmp_path
    assert jax.config.jax_compilation_cache_dir == str(folder)


def test_the_users_own_choice_is_left(tmp_path, no_cache):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    assert keep_compiled_programs() == tmp_path


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path, no_cache):
    (tmp_path / "file").touch()
    assert keep_compiled_programs(tmp_path / "file") is None
    assert jax.config.jax_compilation_cache_dir is None
