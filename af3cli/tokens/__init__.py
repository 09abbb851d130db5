"""Tokens and atoms: the rows of everything that the network computes."""

from af3cli.tokens.residue_types import RESIDUE_TYPES
from af3cli.tokens.tokenize import tokenize
from af3cli.tokens.types import Atoms, MoleculeType, Tokens

__all__ = ["RESIDUE_TYPES", "Atoms", "MoleculeType", "Tokens", "tokenize"]
