"""The classes of residues that the network tells apart, as their indices.

They are the residue types of tokens (`af3cli.tokens.residue_types`), each with a letter.
"""

# 20 amino acids, unknown, gap, RNA, DNA, unknown nucleotide.
CLASS_LETTERS = "ARNDCQEGHILKMFPSTWYVX-AGCUAGCTN"
GAP = CLASS_LETTERS.index("-")
GLYCINE = CLASS_LETTERS.index("G")
UNKNOWN_AMINO_ACID = CLASS_LETTERS.index("X")
UNKNOWN_NUCLEOTIDE = CLASS_LETTERS.index("N", GAP)
# Of a model whose classes tell unknown RNA from unknown DNA.
UNKNOWN_RNA = len(CLASS_LETTERS)
