"""Whether RDKit and the component dictionary are the releases of the recorded official arrays."""

from __future__ import annotations

from importlib.metadata import version

SAME_RELEASES = version("rdkit") == "2025.9.4" and version("biotite").startswith("2.0.")
