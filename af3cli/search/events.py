"""What a search tells while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScanStarted:
    """A pass over a file of `num_bytes` begins, for several chains at once."""

    database: str
    file_name: str
    num_bytes: int
    chains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScanAdvanced:
    """So much of the file has been read."""

    bytes_read: int


@dataclass(frozen=True, slots=True)
class ScanFinished:
    """The pass is over, its results are kept."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ChainSearched:
    """What a source (database, server) has for a chain, kept from an earlier search or new."""

    chain: str
    source: str
    num_rows: int
    was_cached: bool


@dataclass(frozen=True, slots=True)
class ServerWaits:
    """The server has a request of ours; `status` is its word for where that stands."""

    chain: str
    status: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ServerTroubled:
    """A request for a chain failed, and is tried again in `pause` seconds."""

    chain: str
    trouble: str
    pause: float


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the user should know."""

    text: str


Event = (
    ScanStarted | ScanAdvanced | ScanFinished | ChainSearched | ServerWaits | ServerTroubled | Note
)
OnEvent = Callable[[Event], None]
