"""PyTorch checkpoints: files that `torch.save` 2.13 wrote, and hostile ones."""

from __future__ import annotations

import io
import os
import pickle
import re
import struct
import tracemalloc
import zipfile
from collections import OrderedDict
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from af3cli.errors import WeightsError
from af3cli.weights.recognise import without_prefixes
from af3cli.weights.torch_file import check_torch_file, read_torch_file

DATA = Path(__file__).parents[1] / "data" / "weights" / "torch"
DTYPES = {"half": np.float16, "bfloat16": ml_dtypes.bfloat16, "double": np.float64, "bool": bool}


@pytest.mark.parametrize(
    "name",
    ["flat", "legacy", "module_prefix", "lightning", "lightning_ema", "deepspeed_ema"],
)
def test_real_checkpoints_are_read(name):
    tensors = without_prefixes(read_torch_file(DATA / f"{name}.pt"))
    with np.load(DATA / "expected.npz") as expected:
        assert set(tensors) == set(expected.files)
        for key in expected.files:
            assert tensors[key].shape == expected[key].shape
            np.testing.assert_array_equal(tensors[key].astype(np.float32), expected[key])
            dtype = DTYPES.get(key.split(".")[1])
            assert dtype is None or tensors[key].dtype == dtype
            assert not tensors[key].flags.writeable or not tensors[key].size


def test_numbers_that_changed_on_the_way_are_noticed(tmp_path):
    content = bytearray((DATA / "flat.pt").read_bytes())
    with np.load(DATA / "expected.npz") as expected:
        value = next(array for array in expected.values() if array.size > 2).astype(np.float32)
    check_torch_file(DATA / "flat.pt")
    check_torch_file(DATA / "legacy.pt")
    content[content.index(value.tobytes()) + 1] ^= 1
    path = tmp_path / "flat.pt"
    path.write_bytes(content)
    read_torch_file(path)
    with pytest.raises(WeightsError, match=r"damaged: .*data/\d+ has not the checksum"):
        check_torch_file(path)


def test_a_checkpoint_made_now_is_read(tmp_path):
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    for name, options in (("new", {}), ("old", {"_use_new_zipfile_serialization": False})):
        path = tmp_path / f"{name}.pt"
        torch.save(module.state_dict(), path, **options)
        tensors = read_torch_file(path)
        for key, value in module.state_dict().items():
            np.testing.assert_array_equal(tensors[key], value.numpy())


@pytest.mark.parametrize(
    ("name", "culprit"),
    [("whole_module", "torch.nn.modules.container.Sequential"), ("class", "torch.optim.sgd.SGD")],
)
def test_anything_but_tensors_is_refused_by_name(name, culprit):
    with pytest.raises(WeightsError, match=re.escape(f"contains {culprit}")):
        read_torch_file(DATA / f"{name}.pt")


def zip_with(pickled: bytes, path: Path, compression=zipfile.ZIP_STORED, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickled)
        for name, data in members.items():
            archive.writestr(f"archive/data/{name.removeprefix('s')}", data)
    return path


class Harmful:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


class Call:
    """Pickles as a call of something by name."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_nothing_in_a_pickle_is_run(tmp_path, protocol):
    marker = tmp_path / "harmed"
    data = pickle.dumps({"a": Harmful(marker)}, protocol)
    for path in (zip_with(data, tmp_path / "a.pt"), tmp_path / "b.pt"):
        if path.name == "b.pt":
            magic = b"".join(pickle.dumps(part, 2) for part in LEGACY_START)
            path.write_bytes(magic + data)
        with pytest.raises(WeightsError, match=r"system|instruction"):
            read_torch_file(path)
    assert not marker.exists()


LEGACY_START = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})


@pytest.mark.parametrize(
    "value",
    [
        Call(eval, "1"),
        Call(getattr, "x", "y"),
        Call(np.frombuffer, b"x"),
        np.zeros(3),
        np.float32(1),
        Path("x"),
        {1, 2},
        b"bytes",
        1j,
        OrderedDict,
        {(1, 2): 3},
    ],
)
def test_other_objects_are_refused(tmp_path, value):
    path = zip_with(pickle.dumps({"a": value}, 2), tmp_path / "a.pt")
    with pytest.raises(WeightsError, match=r"refused|not a readable"):
        read_torch_file(path)


class Tensor:
    """Pickles as `torch._utils._rebuild_tensor_v2` of whatever is given."""

    def __init__(self, key="0", num_values=4, offset=0, shape=(4,), strides=(1,)):
        self.storage = ("storage", "FloatStorage", key, "cpu", num_values)
        self.rest = (offset, shape, strides, False, OrderedDict())


def tensor_pickle(**tensors: Tensor) -> bytes:
    """Returns the pickle that `torch.save` would write for a dictionary of tensors."""
    out = io.BytesIO()
    out.write(b"\x80\x02}(")
    for name, tensor in tensors.items():
        out.write(pickle.dumps(name, 2)[2:-1])
        out.write(b"ctorch._utils\n_rebuild_tensor_v2\n((")
        kind, storage, key, place, size = tensor.storage
        out.write(pickle.dumps(kind, 2)[2:-1] + f"ctorch\n{storage}\n".encode())
        out.write(b"".join(pickle.dumps(part, 2)[2:-1] for part in (key, place, size)) + b"tQ")
        out.write(b"".join(pickle.dumps(part, 2)[2:-1] for part in tensor.rest[:4]))
        out.write(b"NtR")
    out.write(b"u.")
    return out.getvalue()


def test_crafted_tensor_is_read(tmp_path):
    path = zip_with(tensor_pickle(a=Tensor()), tmp_path / "a.pt", s0=struct.pack("<4f", 1, 2, 3, 4))
    np.testing.assert_array_equal(read_torch_file(path)["a"], [1, 2, 3, 4])


def test_the_stride_of_an_axis_of_one_value_does_not_count(tmp_path):
    tensor = Tensor(shape=(1, 4), strides=(2**63 - 1, 1))
    path = zip_with(tensor_pickle(a=tensor), tmp_path / "a.pt", s0=struct.pack("<4f", 1, 2, 3, 4))
    np.testing.assert_array_equal(read_torch_file(path)["a"], [[1, 2, 3, 4]])


HUGE = 2**62


@pytest.mark.parametrize(
    "tensor",
    [
        Tensor(shape=(HUGE,)),
        Tensor(shape=(2**400_000,) * 16, strides=(1,) * 16),
        Tensor(shape=(1, 4), strides=(2**63, 1)),
        Tensor(num_values=2**63),
        Tensor(shape=(5,)),
        Tensor(shape=(2**20, 2**20), strides=(0, 0)),
        Tensor(offset=1),
        Tensor(offset=-1),
        Tensor(shape=(2,), strides=(-1,)),
        Tensor(shape=(2, 2), strides=(1,)),
        Tensor(shape=("a",)),
        Tensor(shape=(1,) * 20, strides=(1,) * 20),
        Tensor(num_values=HUGE, shape=(HUGE,)),
        Tensor(num_values=5),
        Tensor(num_values=-1),
        Tensor(key="1"),
        Tensor(key="../../etc/passwd"),
        Tensor(key=1),
    ],
)
def test_lying_tensors_cost_no_memory(tmp_path, tensor):
    path = zip_with(tensor_pickle(a=tensor), tmp_path / "a.pt", s0=struct.pack("<4f", 1, 2, 3, 4))
    tracemalloc.start()
    with pytest.raises(WeightsError):
        read_torch_file(path)
    assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    tracemalloc.stop()


def test_compressed_members_are_refused(tmp_path):
    path = zip_with(bytes(2**28), tmp_path / "bomb.pt", zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    with pytest.raises(WeightsError, match="compressed"):
        read_torch_file(path)
    assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("keys", [3, [1], [["0"]], {"0": 1}])
def test_legacy_list_of_storages_that_is_none(tmp_path, keys):
    path = tmp_path / "a.pt"
    parts = (*LEGACY_START, {}, keys)
    path.write_bytes(b"".join(pickle.dumps(part, 2) for part in parts))
    with pytest.raises(WeightsError, match="list of storages"):
        read_torch_file(path)


def test_names_in_it_are_told_in_one_line(tmp_path):
    path = zip_with(b"\x80\x02codd\x1b[2J\rmodule\nname\n.", tmp_path / "a.pt")
    with pytest.raises(WeightsError, match=r"contains odd\\x1b\[2J\\rmodule\.name, which"):
        read_torch_file(path)


def test_calls_with_other_arguments_are_named(tmp_path):
    pickled = b"\x80\x02ccollections\nOrderedDict\n(K\x01tR."
    path = zip_with(pickled, tmp_path / "a.pt")
    with pytest.raises(WeightsError, match=r"call of collections\.OrderedDict with other"):
        read_torch_file(path)


@pytest.mark.parametrize(("instruction", "end"), [(b"N", b"t."), (b"(", b"."), (b"]", b".")])
def test_long_pickles_are_refused_before_they_are_read(tmp_path, instruction, end):
    path = zip_with(b"\x80\x02(" + instruction * 2**24 + end, tmp_path / "a.pt")
    tracemalloc.start()
    with pytest.raises(WeightsError, match="too large"):
        read_torch_file(path)
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()


def test_nested_pickles_neither_recurse_nor_grow(tmp_path):
    deep = b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."
    doubled = b"\x80\x02]q\x00" + b"".join(
        b"(h" + bytes([i % 256]) + b"h" + bytes([i % 256]) + b"lq" + bytes([(i + 1) % 256])
        for i in range(200)
    )
    tuples = b"\x80\x02}K\x01" + b"2\x86" * 60 + b"K\x01s."
    for number, data in enumerate((deep, doubled + b".", tuples)):
        path = zip_with(data, tmp_path / f"{number}.pt")
        with pytest.raises(WeightsError):
            read_torch_file(path)


def test_a_call_of_nested_tuples_is_told_by_its_type(tmp_path):
    doubled = b"".join(b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(22))
    path = zip_with(b"\x80\x02)q\x00" + doubled + b")R.", tmp_path / "a.pt")
    tracemalloc.start()
    with pytest.raises(WeightsError, match="it contains a call of a tuple,"):
        read_torch_file(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["flat", "legacy"])
def test_every_truncation_is_a_message(tmp_path, name):
    data = (DATA / f"{name}.pt").read_bytes()
    for end in range(0, len(data) - 1, max(1, len(data) // 150)):
        path = tmp_path / "cut.pt"
        path.write_bytes(data[:end])
        with pytest.raises(WeightsError):
            read_torch_file(path)


def test_changed_bytes_never_crash(tmp_path):
    random = np.random.default_rng(0)
    data = bytearray((DATA / "flat.pt").read_bytes())
    start = data.index(b"data.pkl") + 8
    for _ in range(300):
        changed = bytearray(data)
        for place in random.integers(start, start + 1500, 3):
            changed[place] = random.integers(256)
        path = tmp_path / "changed.pt"
        path.write_bytes(changed)
        try:
            read_torch_file(path)
        except WeightsError:
            continue
