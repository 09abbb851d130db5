"""Reading ahead gives the bytes of the stream, its errors where they belong, and ends."""

from __future__ import annotations

import io
import threading

import numpy as np
import pytest

from af3cli.weights.read_ahead import ReadAhead


def read(stream: ReadAhead, size: int) -> bytes:
    buffer = bytearray(size)
    return bytes(buffer[: stream.readinto(memoryview(buffer))])


@pytest.mark.parametrize("size", [1000, 2**20, 3_000_001])
def test_the_bytes_are_those_of_the_stream(size):
    content = np.random.default_rng(size).bytes(20_000_003)
    ahead = ReadAhead(io.BytesIO(content))
    assert b"".join(iter(lambda: read(ahead, size), b"")) == content
    assert read(ahead, size) == b""
    ahead.close()


def test_an_error_comes_after_the_bytes_before_it():
    class Broken(io.BytesIO):
        def readinto(self, buffer: memoryview) -> int:
            return super().readinto(buffer) or self.fail()

        def fail(self) -> int:
            raise OSError("gone")

    ahead = ReadAhead(Broken(b"abc"))
    assert read(ahead, 5) == b"abc"
    for _ in range(2):
        with pytest.raises(OSError, match="gone"):
            read(ahead, 5)
    ahead.close()


def test_closing_early_stops_reading():
    class Endless:
        closed = False

        def readinto(self, buffer: memoryview) -> int:
            assert not self.closed
            return len(buffer)

    stream, before = Endless(), set(threading.enumerate())
    ahead = ReadAhead(stream)
    assert len(read(ahead, 3)) == 3
    ahead.close()
    stream.closed = True
    assert not set(threading.enumerate()) - before
