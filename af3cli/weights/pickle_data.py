"""Reads the data of a PyTorch pickle without running anything that is in it.

A pickle is a program for a small stack machine that can import and call whatever it names. This
one knows the instructions that build numbers, texts, tuples, lists and dictionaries, and four
functions by name, for which it makes plain data. Anything else is refused with its name.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from af3cli.errors import WeightsError


@dataclass(frozen=True)
class StoredNumbers:
    """Numbers that one or more tensors share: `num_values` of `dtype`, found under `key`."""

    key: str
    dtype: str
    num_values: int


@dataclass(frozen=True)
class StoredTensor:
    """A tensor that is not read yet. Offset and strides count values of its storage."""

    storage: StoredNumbers
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


_MAX_NUMBER = 2**63 - 1  # of values, along an axis or in all; PyTorch counts in int64

_DTYPES = {
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "DoubleStorage": "float64",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}


class UnsafePickleError(WeightsError):
    """A pickle holds something else than tensors and plain values."""


@dataclass(frozen=True)
class _Name:
    """Something that a pickle names in order to call it; here it is only a name."""

    text: str


def _rebuilt_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> StoredTensor:
    axes = (offset, *shape, *strides)
    if not isinstance(storage, StoredNumbers) or len(shape) != len(strides) or len(shape) > 16:
        raise ValueError("a tensor without a storage, or with too many axes")
    if not all(map(_is_count, axes)):
        raise ValueError("a tensor whose shape or place makes no sense")
    return StoredTensor(storage, offset, tuple(shape), tuple(strides))


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MAX_NUMBER


_CALLS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": lambda: {},
    "torch.Size": lambda axes: axes,
    "torch._utils._rebuild_tensor_v2": _rebuilt_tensor,
    "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
}
_NAMES = {*_CALLS, *(f"torch.{storage}" for storage in _DTYPES)}


def read_pickle(stream: BinaryIO) -> Any:
    """Returns the one object that the pickle at the stream's position describes.

    Dictionaries have text or integer keys; tensors are `StoredTensor`.

    Raises:
        UnsafePickleError: it names, calls or does something that a set of parameters does not.
        ValueError: it is not a whole pickle.
    """
    machine = _Machine()
    try:
        for instruction, argument, _ in pickletools.genops(stream):
            if instruction.name == "STOP":
                return machine.pop()
            machine.run(instruction.name, argument)
    except (IndexError, KeyError, TypeError, OverflowError, struct.error) as error:
        raise ValueError(f"it is not a proper pickle ({error})") from error
    raise ValueError("it is not a whole pickle")


class _Machine:
    """The stack machine; a method named after an instruction does what it does."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def run(self, instruction: str, argument: Any) -> None:
        if instruction in _PUSHES:
            self._stack.append(argument)
        elif instruction in _CONSTANTS:
            self._stack.append(_CONSTANTS[instruction]())
        elif instruction in _SHORT_TUPLES:
            self._push_tuple(_SHORT_TUPLES[instruction])
        elif (method := getattr(self, f"do_{instruction.lower()}", None)) is not None:
            method(argument)
        elif instruction not in ("PROTO", "FRAME"):
            raise UnsafePickleError(f"the pickle instruction {instruction}")

    def pop(self) -> Any:
        return self._stack.pop()

    def _pop_mark(self) -> list[Any]:
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _push_tuple(self, length: int) -> None:
        items = tuple(self._stack[-length:])
        del self._stack[-length:]
        self._stack.append(items)

    def do_mark(self, _: None) -> None:
        self._marks.append(len(self._stack))

    def do_tuple(self, _: None) -> None:
        self._stack.append(tuple(self._pop_mark()))

    def do_append(self, _: None) -> None:
        item = self.pop()
        self._container(list).append(item)

    def do_appends(self, _: None) -> None:
        items = self._pop_mark()
        self._container(list).extend(items)

    def do_setitem(self, _: None) -> None:
        value, key = self.pop(), self.pop()
        self._set_items([key, value])

    def do_setitems(self, _: None) -> None:
        self._set_items(self._pop_mark())

    def _set_items(self, items: list[Any]) -> None:
        target = self._container(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) not in (str, int):
                raise UnsafePickleError(f"a dictionary key of type {type(key).__name__}")
            target[key] = value

    def _container(self, kind: type) -> Any:
        if type(self._stack[-1]) is not kind:
            raise ValueError(f"a {kind.__name__} was expected")
        return self._stack[-1]

    def do_memoize(self, _: None) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def do_binput(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    def do_binget(self, index: int) -> None:
        self._stack.append(self._memo[index])

    do_put = do_long_binput = do_binput
    do_get = do_long_binget = do_binget

    def do_global(self, argument: str) -> None:
        self._push_name(argument.replace(" ", ".", 1))

    def do_stack_global(self, _: None) -> None:
        name, module = self.pop(), self.pop()
        self._push_name(f"{module}.{name}" if type(module) is type(name) is str else "?")

    def _push_name(self, text: str) -> None:
        if text not in _NAMES:
            raise UnsafePickleError(text[:200])
        self._stack.append(_Name(text))

    def do_reduce(self, _: None) -> None:
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, _Name) or function.text not in _CALLS:
            raise UnsafePickleError(f"a call of {_called(function)}")
        try:
            self._stack.append(_CALLS[function.text](*arguments))
        except TypeError:
            raise ValueError(f"a call of {function.text} with other arguments") from None

    def do_build(self, _: None) -> None:
        """An ordered dictionary's attributes, such as PyTorch's version notes, are not needed."""
        self.pop()
        self._container(dict)

    def do_binpersid(self, _: None) -> None:
        kind, storage, key, _, num_values, *_ = self.pop()
        dtype = (
            _DTYPES.get(storage.text.removeprefix("torch.")) if storage.__class__ is _Name else None
        )
        if kind != "storage" or dtype is None or type(key) is not str:
            raise UnsafePickleError("a reference to something that is not a tensor's storage")
        if not _is_count(num_values):
            raise ValueError("a storage without a size")
        self._stack.append(StoredNumbers(key, dtype, num_values))


def _called(function: Any) -> str:
    """Returns what to call something in a message: a tuple's own text may be without end."""
    return function.text if isinstance(function, _Name) else f"a {type(function).__name__}"


_PUSHES = {
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE"),
    *("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "BINFLOAT", "FLOAT"),
}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}
_SHORT_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
