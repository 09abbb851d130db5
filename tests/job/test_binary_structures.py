"""BinaryCIF structures: the same jobs as from mmCIF text, and no harm from hostile files."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import biotite.structure.io.pdbx as pdbx
import gemmi
import msgpack
import numpy as np
import pytest

from af3cli.binarycif import unpack_blocks
from af3cli.errors import InputError
from af3cli.features.template_structure import read_template
from af3cli.job import Job, StructureOptions, read_job
from af3cli.job.structure.binary import binary_document
from af3cli.job.structure.tables import rows_of
from af3cli.job.textfile import read_text
from tests.job.jobs import STRUCTURES

TEXT_FILES = sorted(path.name for path in STRUCTURES.glob("*.cif.*"))
BINARY = STRUCTURES / "4i39.bcif.gz"
TAGS = ("id", "type_symbol", "label_alt_id", "Cartn_x", "occupancy", "pdbx_PDB_model_num")


def everything(job: Job) -> tuple[object, ...]:
    return job, job.sources, job.notes


def test_the_archives_two_forms_of_an_entry_are_the_same_job(tmp_path):
    text = STRUCTURES / "4i39.cif.xz"
    assert everything(read_job(BINARY)) == everything(read_job(text))
    assert len(read_job(BINARY).bonds) == 1
    path = tmp_path / "entry.bcif"
    path.write_bytes(gzip.decompress(BINARY.read_bytes()))
    assert everything(read_job(path)) == everything(read_job(text))
    options = StructureOptions(as_templates=True)
    found, expected = (
        read_template(read_job(file, options).entities[0].templates[0].mmcif, "here")
        for file in (BINARY, text)
    )
    backbone = slice(0, 3)  # the text file has no side chains
    np.testing.assert_array_equal(found.positions[:, backbone], expected.positions[:, backbone])


@pytest.mark.parametrize("name", TEXT_FILES)
def test_what_biotite_writes_is_read(name, tmp_path):
    """All tables of a text file, in the encodings that biotite finds the smallest."""
    text = read_text(STRUCTURES / name)
    path = tmp_path / name.replace(".cif", ".bcif")
    write_with_biotite(text, path)
    assert everything(read_job(path)) == everything(read_job(STRUCTURES / name))
    (block,) = binary_document(path.read_bytes(), name)
    text_block = gemmi.cif.read_string(text)[0]
    for ours, theirs in zip(
        rows_of(block, "_atom_site.", *TAGS), rows_of(text_block, "_atom_site.", *TAGS), strict=True
    ):
        assert ours[:3] == theirs[:3] and ours[5] == theirs[5]
        assert [float(number or 0) for number in ours[3:5]] == [float(n or 0) for n in theirs[3:5]]


def write_with_biotite(text: str, path: Path) -> None:
    binary = pdbx.BinaryCIFFile()
    source = path.with_suffix(".text")
    source.write_text(text)
    for name, block in pdbx.CIFFile.read(source).items():
        binary[name] = pdbx.BinaryCIFBlock()
        for category_name, category in block.items():
            columns = {}
            for column_name, column in category.items():
                mask = None if column.mask is None else column.mask.array
                columns[column_name] = pdbx.BinaryCIFColumn(numbers(column.as_array()), mask)
            binary[name][category_name] = pdbx.BinaryCIFCategory(columns)
    pdbx.compress(binary).write(path)


def numbers(texts: np.ndarray) -> np.ndarray:
    """Numbers as such, if writing them gives the text again."""
    for kind in (np.int32, np.float64):
        try:
            values = texts.astype(kind)
        except ValueError:
            continue
        if kind is np.float64 or values.astype(str).tolist() == texts.tolist():
            return values
    return texts


def binary_cif(category: str, columns: dict[str, tuple[object, list[dict]]]) -> bytes:
    encoded = [
        {"name": name, "data": {"data": data, "encoding": encoding}, "mask": None}
        for name, (data, encoding) in columns.items()
    ]
    table = {"name": category, "rowCount": 1, "columns": encoded}
    blocks = [{"header": "X", "categories": [table]}]
    return msgpack.packb({"encoder": "test", "version": "0.3.0", "dataBlocks": blocks})


def packed(values: list[int]) -> bytes:
    return np.array(values, "<i4").tobytes()


INTEGERS = {"kind": "ByteArray", "type": 3}
REPEATED = {"kind": "RunLength", "srcType": 3, "srcSize": 3}
STRINGS = {
    "kind": "StringArray",
    "dataEncoding": [INTEGERS],
    "stringData": "CAN",
    "offsetEncoding": [INTEGERS],
    "offsets": packed([0, 2, 3]),
}


def test_steps_of_an_interval_and_absent_strings_are_read():
    encoding = pdbx.IntervalQuantizationEncoding(-2.0, 3.0, 11)
    values = np.array([-2.0, 0.5, 3.0])
    steps = {"kind": "IntervalQuantization", "min": -2.0, "max": 3.0, "numSteps": 11}
    columns = {
        "x": (packed(encoding.encode(values).tolist()), [steps, INTEGERS]),
        "name": (packed([1, -1, 0]), [STRINGS]),
    }
    (block,) = binary_document(binary_cif("_atom_site", columns), "here")
    assert [float(x) for x in block.find_values("_atom_site.x")] == values.tolist()
    names = [gemmi.cif.as_string(name) for name in block.find_values("_atom_site.name")]
    assert names == ["N", "", "CA"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": (packed([1, 2**31 - 1]), [REPEATED, INTEGERS])}, "damaged"),
        ({"id": (packed([1, -5]), [REPEATED, INTEGERS])}, "damaged"),
        ({"id": (packed([1]), [{"kind": "Zip"}])}, "damaged"),
        ({"id": (packed([1]) + b"x", [INTEGERS])}, "damaged"),
        ({"id": (packed([1]), [INTEGERS]), "x": (packed([1, 2]), [INTEGERS])}, "not as long"),
        ({"id": (packed([2, 0]), [STRINGS])}, "damaged"),
        ({"id": ("text", [INTEGERS])}, "damaged"),
        ({"id": (packed([1]), [{"kind": "FixedPoint", "factor": 0}, INTEGERS])}, "damaged"),
        (
            {"id": (packed([1, 2**26 + 1]), [REPEATED, INTEGERS])},
            "holds more than any structure needs",
        ),
        (
            {
                "id": (
                    packed([0, 10**6]),
                    [
                        STRINGS
                        | {
                            "dataEncoding": [REPEATED, INTEGERS],
                            "stringData": "x" * 10**6,
                            "offsets": packed([0, 10**6]),
                        }
                    ],
                )
            },
            "holds more than any structure needs",
        ),
    ],
)
def test_what_is_wrong_inside_is_explained(columns, message, tmp_path):
    path = tmp_path / "bad.bcif"
    path.write_bytes(binary_cif("_atom_site", columns))
    with pytest.raises(InputError, match=message) as caught:
        read_job(path)
    assert "bad.bcif" in str(caught.value)


def repeated(value: int, times: int) -> tuple[bytes, list[dict]]:
    return packed([value, times]), [REPEATED, INTEGERS]


def many_strings(offsets: bytes, encoding: list[dict], text: object = "") -> dict:
    strings = STRINGS | {"offsets": offsets, "offsetEncoding": encoding, "stringData": text}
    return {"id": (packed([0]), [strings])}


STEPS = {"kind": "IntervalQuantization", "min": 0.0, "max": 1e308, "numSteps": 2}


@pytest.mark.parametrize(
    "columns",
    [
        many_strings(packed([0, 10**6] * 100), [INTEGERS], "x" * 10**6),
        many_strings(packed([0, 10]), [INTEGERS]),
        many_strings(packed([0, 1]), [INTEGERS], [["x"]]),
        many_strings(*repeated(0, 2**22 + 1)),
        *(
            {"x": (packed([1, 10**6]), [{"kind": "FixedPoint", "factor": factor}, *encoding])}
            for factor, encoding in (
                (1e300, [REPEATED, INTEGERS]),
                (1e-300, [REPEATED, INTEGERS]),
                (10.0, [STEPS, REPEATED, INTEGERS]),
            )
        ),
    ],
)
def test_few_bytes_do_not_become_much_text_or_something_else(columns):
    data = binary_cif("_atom_site", columns)
    tracemalloc.start()
    with pytest.raises(InputError, match="damaged"):
        binary_document(data, "here")
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()


def test_strings_count_among_the_values(monkeypatch):
    monkeypatch.setattr("af3cli.job.structure.binary._MAX_VALUES", 200)
    columns = many_strings(*repeated(0, 100))
    assert binary_document(binary_cif("_a", columns), "here")
    twice = columns | {"x": columns["id"]}
    with pytest.raises(InputError, match=r"_a: holds more than any structure needs"):
        binary_document(binary_cif("_a", twice), "here")


@pytest.mark.parametrize(
    "data",
    [
        {"x": [{}] * 10**6},
        {"x": [[[]] * 1000] * 1000},
        {"x": [[0] * 10000] * 200},
        {"x": {str(number): 0 for number in range(10**5)}},
    ],
)
def test_many_objects_of_few_bytes_are_refused(data):
    content = msgpack.packb(data | {"dataBlocks": []})
    tracemalloc.start()
    with pytest.raises(InputError, match="is not BinaryCIF, or is damaged"):
        unpack_blocks(content, "here")
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()


@pytest.mark.parametrize(
    "data", [b"\x83", b"\x80", b"\x81\xaadataBlocks\xc0", b"\x8fabc", b"\x81" * 9]
)
def test_what_is_no_binary_cif_is_explained(data, tmp_path):
    path = tmp_path / "bad.bcif"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"bad\.bcif: is not BinaryCIF, or is damaged"):
        read_job(path)


def test_cut_and_damaged_files_never_give_a_traceback(tmp_path):
    data = gzip.decompress(BINARY.read_bytes())
    path = tmp_path / "bad.bcif"
    random = np.random.default_rng(0)
    for part in range(1, 20):
        damaged = bytearray(data)
        for place in random.integers(len(data), size=20):
            damaged[place] = random.integers(256)
        for content in (data[: len(data) * part // 20], bytes(damaged)):
            path.write_bytes(content)
            try:
                read_job(path)
            except InputError as error:
                assert "bad.bcif" in str(error)
