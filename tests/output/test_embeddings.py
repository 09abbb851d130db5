"""What is written is what is read, by our reader and by plain h5py; what must not be is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import h5py
import ml_dtypes
import numpy as np
import pytest

from af3cli.errors import InputError, OutputError
from af3cli.output.embeddings import Entry, open_embeddings
from af3cli.output.embeddings_arrays import UnstorableError
from af3cli.output.embeddings_format import MEANINGLESS, entry_name, parse_include
from af3cli.output.embeddings_writer import EmbeddingsWriter
from af3cli.tokens.table import TABLE_COLUMNS
from tests.output.conftest import NUM_TOKENS, named, random_arrays


@pytest.fixture
def path(tmp_path, file_header, entry, tokens, arrays):
    path = tmp_path / "emb.h5"
    with EmbeddingsWriter(path, file_header) as writer:
        writer.write(entry, tokens, arrays)
    return path


def test_a_reader_without_this_program_finds_everything(path, tokens, arrays):
    with h5py.File(path, "r") as file:
        assert file.attrs["format"] == "af3cli-embeddings"
        assert file.attrs["weights_name"] == "alphafold3"
        assert "meaningless" not in file.attrs
        group = file["2PV7"]
        assert group.attrs["status"] == "complete"
        assert list(group.attrs["msa_chain_ids"]) == ["A", "B"]
        assert list(group.attrs["unpaired_msa_depth"]) == [23, 0]
        assert list(group.attrs["msa_source"]) == ["searched: uniref90 (uniref90.fa)", ""]
        assert list(group.attrs["template_source"]) == ["given", ""]
        assert group["pair"].dtype == np.float16
        assert group["pair"].shuffle and group["pair"].compression == "gzip"
        np.testing.assert_array_equal(group["pair"][:], arrays["pair"].astype(np.float16))
        np.testing.assert_array_equal(group["single"][:], arrays["single"].astype(np.float16))
        table = group["tokens"][:]
        assert [name.decode() for name in table["atom_name"]] == list(tokens["atom_name"])
        assert table["is_modified"].dtype == bool


def test_our_reader_gives_the_same(path, tokens, arrays):
    with open_embeddings(path) as file:
        entry = file["2PV7"]
        assert list(file) == ["2PV7"] and len(file) == 1
        assert (entry.seed, entry.num_tokens) == (1, NUM_TOKENS)
        for column in tokens.dtype.names:
            assert list(entry.tokens[column]) == list(tokens[column])
        pair = arrays["pair"].astype(np.float16)
        np.testing.assert_array_equal(
            entry.pair_block(slice(5, 69), slice(60, 70)), pair[5:69, 60:]
        )
        np.testing.assert_array_equal(entry.pair, pair)


def test_all_columns_of_the_token_table_are_told():
    assert [name for name in TABLE_COLUMNS if f"`{name}`" not in Entry.tokens.__doc__] == []


def test_rows_are_found_by_chain_residue_and_atom(path):
    with open_embeddings(path) as file:
        entry = file["2PV7"]
        assert list(entry.rows(chain="A", residue=57)) == [56]
        assert list(entry.rows(chain="B")) == list(range(60, 70))
        assert list(entry.rows(chain="B", atom="C65'β")) == [65]
        with pytest.raises(KeyError, match="chain_id 'C': there is A, B"):
            entry.rows(chain="C")
        with pytest.raises(OutputError, match="residue_id 61, chain_id 'A': there is 1 to 60"):
            entry.rows(chain="A", residue=61)


def test_absent_entries_and_arrays_are_named(path):
    with open_embeddings(path) as file:
        with pytest.raises(KeyError, match="no entry '2PV8' in this file; it has 2PV7"):
            file["2PV8"]
        with pytest.raises(OutputError, match="made without target_feat; it has single, pair"):
            _ = file["2PV7"].target_feat
        assert file.get("2PV8") is None


@pytest.mark.parametrize("num_tokens", [1, 2, 63, 64, 65])
def test_chunks_of_any_size_hold_the_array(
    tmp_path, file_header, entry, tokens, arrays, num_tokens
):
    arrays = {
        "pair": arrays["pair"][:num_tokens, :num_tokens],
        "single": arrays["single"][:num_tokens],
    }
    with EmbeddingsWriter(tmp_path / "emb.h5", file_header) as writer:
        writer.write(replace(entry, num_tokens=num_tokens), tokens[:num_tokens], arrays)
    with open_embeddings(tmp_path / "emb.h5") as file:
        np.testing.assert_array_equal(file["2PV7"].pair, arrays["pair"].astype(np.float16))


@pytest.mark.parametrize("dtype", ["float16", "float32", "bfloat16"])
def test_each_dtype_is_rounded_once(tmp_path, file_header, entry, tokens, arrays, dtype):
    with EmbeddingsWriter(tmp_path / "emb.h5", file_header) as writer:
        writer.write(replace(entry, dtype=dtype), tokens, arrays)
    expected = arrays["pair"].astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    with open_embeddings(tmp_path / "emb.h5") as file:
        assert file["2PV7"].attributes["dtype"] == dtype
        np.testing.assert_array_equal(file["2PV7"].pair, expected.astype(np.float32))


def test_too_large_for_float16_is_an_error_and_never_infinity(
    path, file_header, entry, tokens, arrays
):
    arrays["pair"][3, 4, 5] = 1e5
    with EmbeddingsWriter(path, file_header) as writer:
        with pytest.raises(
            UnstorableError,
            match=r"pair has values up to 1e\+05, and float16 ends at 6.55e\+04.*--dtype float32",
        ):
            writer.write(named(entry, "large"), tokens, arrays)
        writer.write(named(replace(entry, dtype="bfloat16"), "large"), tokens, arrays)
    with open_embeddings(path) as file:
        assert list(file) == ["2PV7", "large"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_a_number_is_refused(path, file_header, entry, tokens, arrays, value):
    arrays["single"][0, 0] = value
    size = path.stat().st_size
    writer = EmbeddingsWriter(path, file_header)
    with writer, pytest.raises(UnstorableError, match="not finite"):
        writer.write(named(replace(entry, dtype="float32"), "nan"), tokens, arrays)
    assert path.stat().st_size == size


def test_only_the_included_arrays_are_written(tmp_path, file_header, entry, tokens, arrays):
    with EmbeddingsWriter(tmp_path / "emb.h5", file_header) as writer:
        writer.write(replace(entry, include=parse_include("target_feat")), tokens, arrays)
    with h5py.File(tmp_path / "emb.h5") as file:
        assert set(file["2PV7"]) == {"tokens", "target_feat"}


def test_unknown_arrays_cannot_be_included():
    assert parse_include("pair, single") == ("single", "pair")
    for text in ("", "single,triple"):
        with pytest.raises(InputError, match="cannot be included; choose from: single, pair"):
            parse_include(text)


def test_entries_are_named_by_seed_where_there_are_several(
    path, file_header, entry, tokens, arrays
):
    assert entry_name("x", 7, num_seeds=1) == "x"
    with EmbeddingsWriter(path, file_header) as writer:
        for seed in (7, 8):
            name = entry_name("x", seed, num_seeds=2)
            writer.write(replace(entry, name=name, job_name="x", seed=seed), tokens, arrays)
    with open_embeddings(path) as file:
        assert file["x_seed-8"].attributes["name"] == "x"
        with pytest.raises(KeyError, match="it has x_seed-7, x_seed-8"):
            file["x"]


def test_a_finished_entry_is_known_by_what_it_was_made_from(path, file_header, entry):
    with EmbeddingsWriter(path, file_header) as writer:
        assert writer.is_finished(entry)
        assert not writer.is_finished(named(entry, "other"))
        for change, text in {
            "input_sha256": r"alignments and templates included \(cdcdcdcdcdcd… there, 1 wanted\)",
            "seed": r"the seed \(1 there, 2 wanted\)",
            "dtype": r"the dtype \(float16 there, float32 wanted\)",
            "include": r"the arrays \(single, pair there, pair wanted\)",
            "ccd_sha256": "the component dictionary",
        }.items():
            value = {"seed": 2, "dtype": "float32", "include": ("pair",)}.get(change, "1")
            with pytest.raises(OutputError, match=text):
                writer.is_finished(replace(entry, **{change: value}))
    with EmbeddingsWriter(path, file_header, overwrite=True) as writer:
        assert not writer.is_finished(entry)


def test_overwriting_replaces_one_entry_and_keeps_the_others(
    path, file_header, entry, tokens, arrays
):
    other = random_arrays(1)
    with EmbeddingsWriter(path, file_header, overwrite=True) as writer:
        writer.write(named(entry, "other"), tokens, arrays)
        writer.write(entry, tokens, other)
    with open_embeddings(path) as file:
        assert len(file) == 2
        np.testing.assert_array_equal(file["2PV7"].pair, other["pair"].astype(np.float16))
        np.testing.assert_array_equal(file["other"].pair, arrays["pair"].astype(np.float16))


@pytest.mark.parametrize("field", ["weights_sha256", "num_recycles", "precision", "meaningless"])
def test_a_file_holds_one_model_and_setting(path, file_header, field):
    value = 3 if field == "num_recycles" else "other"
    writer = EmbeddingsWriter(path, replace(file_header, **{field: value}), overwrite=True)
    with pytest.raises(OutputError, match=rf"{field} \(.* there, {value} wanted\)"), writer:
        pass


def test_random_parameters_are_said_to_be_meaningless(tmp_path, file_header, entry, tokens, arrays):
    path = tmp_path / "emb.h5"
    with EmbeddingsWriter(path, replace(file_header, meaningless=MEANINGLESS)) as writer:
        writer.write(replace(entry, meaningless=MEANINGLESS), tokens, arrays)
    with h5py.File(path) as file:
        assert "meaningless" in file.attrs["meaningless"]
        assert "random parameters" in file["2PV7"].attrs["meaningless"]


def test_foreign_files_are_left_alone(tmp_path, file_header):
    text, foreign = tmp_path / "text.h5", tmp_path / "foreign.h5"
    text.write_text("not HDF5")
    with h5py.File(foreign, "w") as file:
        file["x"] = 1
    for path in (text, foreign):
        before = path.read_bytes()
        with pytest.raises(OutputError, match="it was left"), EmbeddingsWriter(path, file_header):
            pass
        with pytest.raises(OutputError, match="not a"):
            open_embeddings(path)
        assert path.read_bytes() == before
    with pytest.raises(OutputError, match="cannot be read: No such file"):
        open_embeddings(tmp_path / "absent.h5")


def _forget(name: str) -> Callable[[h5py.File], None]:
    return lambda file: file.attrs.__delitem__(name)


def _link_to_nothing(file: h5py.File) -> None:
    file["broken"] = h5py.SoftLink("/nowhere")


@pytest.mark.parametrize("damage", [_forget("format_version"), _link_to_nothing])
def test_damaged_files_are_messages(path, file_header, damage):
    with h5py.File(path, "r+") as file:
        damage(file)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="is damaged"), EmbeddingsWriter(path, file_header):
        pass
    with pytest.raises(OutputError, match="is damaged"):
        open_embeddings(path)
    assert path.read_bytes() == before


def test_zeros_in_a_file_are_a_message(path, file_header):
    content = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        address = h5py.h5o.get_info(file["2PV7"].id).addr
    content[address : address + 16] = bytes(16)
    path.write_bytes(content)
    with pytest.raises(OutputError, match="is damaged"), EmbeddingsWriter(path, file_header):
        pass


def test_a_file_that_cannot_be_added_to_is_told_when_it_is_opened(path, file_header, tmp_path):
    anew = tmp_path / "anew.h5"
    with h5py.File(path) as file, h5py.File(anew, "w", libver="latest") as copy:
        copy.attrs.update(file.attrs)
        file.copy("2PV7", copy)
    with open_embeddings(anew) as file:
        assert list(file) == ["2PV7"]
    with pytest.raises(OutputError, match="h5repack --low=0"), EmbeddingsWriter(anew, file_header):
        pass


def test_places_that_hold_no_file_are_named(tmp_path, file_header, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    for path, message in {
        "file/emb.h5": "file is not a folder",
        "": "is a folder; give the name of a file",
    }.items():
        with pytest.raises(OutputError, match=message), EmbeddingsWriter(path, file_header):
            pass
