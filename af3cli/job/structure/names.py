"""Components that are known by their names to be no part of a job, or one only if it is wished."""

from __future__ import annotations

# What crystals are grown, frozen and phased with (the official program's crystallisation aids).
ADDITIVES = frozenset(
    (
        *("SO4", "GOL", "EDO", "PO4", "ACT", "PEG", "DMS", "TRS"),
        *("PGE", "PG4", "FMT", "EPE", "MPD", "MES", "CD", "IOD"),
    )
)
# Ligands and atoms that nobody could name, without atoms in the component dictionary, and the dummy
# atoms of which membranes are drawn.
UNKNOWN_LIGANDS = frozenset(("UNL", "UNX", "DUM"))
WATERS = frozenset(("HOH", "DOD", "WAT", "H2O", "TIP"))
