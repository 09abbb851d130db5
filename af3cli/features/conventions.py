"""How features are made of a job: what differs between checkpoint families."""

from __future__ import annotations

from dataclasses import dataclass

# An alignment has at most this many rows, in all families.
MAX_ROWS = 16384


@dataclass(frozen=True)
class FeatureConventions:
    """Each field is one difference; the defaults are the official program's ways.

    None of them changes which tokens there are, so that rows mean the same in all families.
    """

    # 31 residue classes, or 32: unknown RNA is then class 31 and not 30, as unknown DNA.
    num_residue_types: int = 31
    # Residues of one token keep OXT at the end of a protein, OP3 at the start of a nucleic acid.
    terminal_atoms: bool = True
    # Atoms of a modified residue have the class of its parent, else that of an unknown amino acid.
    parent_types: bool = True
    # Conformers are made of components all whose ideal coordinates are known. Else they are made
    # of others too; where none can be, atoms without ideal coordinates are masked, and those of
    # models are not taken.
    conformers_need_ideal: bool = True
    # Atoms of a ligand that is a standard residue have its class, else all those of ligands have
    # that of an unknown amino acid.
    ligand_types_by_name: bool = False
    # The contact matrix has bonds of residues that are one token, else only those of atom tokens.
    whole_residue_bonds: bool = True
    # A bond joins the tokens of its atoms. Else that of a polymer joins its residue's CA or C1',
    # of atom tokens too, and there is none of atoms called H..., such as mercury, nor inside a
    # ligand that is a standard residue.
    bonds_at_their_atoms: bool = False
    # The job's bonds between residues of polymers count, but for neighbours in one chain.
    distant_polymer_bonds: bool = False
    # The contact matrix has the bonds along a chain from residue to residue.
    bonds_along_chains: bool = False

    # An alignment's rows that are equal but for insertions count once, in its profile as well.
    unique_rows: bool = False
    # A chain's unpaired alignment begins with the rows of its paired one.
    paired_rows_in_unpaired: bool = False
    # Where rows are paired, the query also stays the first of the unpaired rows.
    query_after_paired_rows: bool = False
    # The row of a DNA is its sequence and that of a ligand gaps, both with that profile; else both
    # have rows of gaps, and no profile.
    rows_of_dna_and_ligands: bool = True
    # A ligand's columns in alignments are unknown amino acids, not gaps.
    unknown_ligand_columns: bool = False
    # A nucleic acid's or ligand's row has its query, not gaps, where only other chains have a row.
    query_fills_rows: bool = False

    # The class that tokens have in templates which are not there: alanine, or 21, the gap.
    absent_template_class: int = 0
    # Chains without templates are laid out by token, but looked up by residue, so that a modified
    # residue in one of them moves all that follows it.
    template_columns_quirk: bool = True
    # A chain without templates has one of gaps, which tells nothing but is counted as one.
    template_of_gaps: bool = False


OFFICIAL_FEATURES = FeatureConventions()
