"""A predicted structure as an mmCIF file that follows ModelCIF.

ModelCIF is the extension of mmCIF for computed models (github.com/ihmwg/ModelCIF).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from af3cli.output.complexes import Complex
from af3cli.output.structure_atoms import add_atom_tables
from af3cli.output.structure_bonds import add_component_tables, add_connections
from af3cli.output.structure_chains import add_chain_tables, residues_of
from af3cli.output.structure_header import add_header

# Columns at which gemmi aligns values, as far as they fit.
_PAIR_WIDTH, _LOOP_WIDTH = 33, 30


def structure_mmcif(
    complex_: Complex,
    coordinates: Float32[np.ndarray, "atom 3"],
    plddt: Float32[np.ndarray, "atom"],
) -> str:
    """Returns the text of an mmCIF file of one sample (coordinates in Å, pLDDT 0..100).

    Atoms are in the order of the complex's table, which is the official one; the atom table has the
    official columns and decimals. Numbers that are not finite are written as unknown.
    """
    from gemmi import cif

    document = cif.Document()
    block = document.add_new_block(complex_.name)
    residues = residues_of(complex_.tokens)
    add_header(block, complex_.source)
    add_chain_tables(block, complex_.job, residues)
    add_component_tables(block, residues, complex_.components.for_job(complex_.job))
    add_connections(block, complex_.job, residues, complex_.atoms)
    add_atom_tables(block, complex_.atoms, residues, coordinates, plddt)
    options = cif.WriteOptions()
    options.align_pairs, options.align_loops = _PAIR_WIDTH, _LOOP_WIDTH
    return document.as_string(options)
