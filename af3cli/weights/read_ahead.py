"""Reads a stream in a thread, so that decompressing it and storing it go on side by side."""

from __future__ import annotations

from queue import SimpleQueue
from threading import Thread
from typing import Protocol

import numpy as np

_NUM_CHUNKS, _CHUNK_BYTES = 8, 2**20


class Stream(Protocol):
    """What can be read ahead."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fills the beginning of `buffer` and returns with how many bytes; 0 is the end."""


class ReadAhead:
    """A stream whose next few chunks are read in a thread; to be closed before that stream is.

    An error of the stream is raised where its bytes would have been read.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._empty: SimpleQueue[np.ndarray | None] = SimpleQueue()
        self._filled: SimpleQueue[np.ndarray | Exception] = SimpleQueue()
        self._left = np.empty(0, np.uint8)
        self._end: np.ndarray | Exception | None = None
        for _ in range(_NUM_CHUNKS):
            self._empty.put(np.empty(_CHUNK_BYTES, np.uint8))
        self._thread = Thread(target=self._fill, daemon=True)
        self._thread.start()

    def readinto(self, buffer: memoryview, /) -> int:
        """Fills the beginning of `buffer` and returns with how many bytes; 0 is the end."""
        if not self._left.size:
            self._next_chunk()
        count = min(len(buffer), self._left.size)
        np.copyto(np.frombuffer(buffer, np.uint8, count), self._left[:count])
        self._left = self._left[count:]
        if count and not self._left.size:
            self._empty.put(self._left.base)
        return count

    def close(self) -> None:
        """Stops reading; the stream is not used any more when this returns."""
        self._empty.put(None)
        self._thread.join()

    def _next_chunk(self) -> None:
        chunk = self._filled.get() if self._end is None else self._end
        if isinstance(chunk, Exception) or not chunk.size:
            self._end = chunk
        if isinstance(chunk, Exception):
            raise chunk
        self._left = chunk

    def _fill(self) -> None:
        try:
            while (chunk := self._empty.get()) is not None:
                count = self._stream.readinto(memoryview(chunk))
                self._filled.put(chunk[:count])
                if not count:
                    return
        except Exception as error:
            self._filled.put(error)
