"""The classes of residues that the network tells apart, as their indices.

They are the residue types of tokens (`af3cli.tokens.residue_types`).
"""

from af3cli.tokens.residue_types import CLASS_OF, RESIDUE_TYPES

GAP = CLASS_OF["-"]
GLYCINE = CLASS_OF["GLY"]
UNKNOWN_AMINO_ACID = CLASS_OF["UNK"]
UNKNOWN_NUCLEOTIDE = CLASS_OF["N"]
# Of a model whose classes tell unknown RNA from unknown DNA.
UNKNOWN_RNA = len(RESIDUE_TYPES)
