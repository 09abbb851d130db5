"""Skips comparisons of conformers where other releases than the golden files' are installed."""

from __future__ import annotations

import pytest

from tests.releases import SAME_RELEASES

same_releases = pytest.mark.skipif(
    not SAME_RELEASES,
    reason="reference conformers depend on the releases of RDKit and of the component dictionary",
)
