"""Skips comparisons of conformers where other releases than the golden files' are installed."""

from __future__ import annotations

from importlib.metadata import version

import pytest

same_releases = pytest.mark.skipif(
    version("biotite").startswith("1.") or version("rdkit") != "2025.9.4",
    reason="reference conformers depend on the releases of RDKit and of the component dictionary",
)
