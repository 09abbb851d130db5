"""What the cache gives back is what was kept, or nothing."""

from __future__ import annotations

from pathlib import Path

from af3cli.search.cache import Cache
from af3cli.search.hits import Row


def test_a_flipped_bit_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    rows = [Row(f"sp|P{i}|X/1-8", "a protein", 1e-20, 50.0, "MKVLLWAG") for i in range(9)]
    cache.keep_rows("key", rows)
    (path,) = tmp_path.rglob("*.zst")
    data = path.read_bytes()
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        assert cache.rows("key") in (None, rows)
    path.write_bytes(data)
    assert cache.rows("key") == rows
