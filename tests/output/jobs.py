"""A job with every kind of molecule in it."""

from __future__ import annotations

from af3cli.job import AtomAddress, Dna, Job, Ligand, Modification, Protein, Rna

ETHANOL = """data_MINE-1
_chem_comp.id MINE-1
_chem_comp.name ethanol
_chem_comp.type non-polymer
_chem_comp.formula 'C2 H6 O'
_chem_comp.mon_nstd_parent_comp_id ?
_chem_comp.pdbx_synonyms ?
_chem_comp.formula_weight 46.07
loop_
_chem_comp_atom.comp_id
_chem_comp_atom.atom_id
_chem_comp_atom.type_symbol
_chem_comp_atom.charge
_chem_comp_atom.pdbx_leaving_atom_flag
_chem_comp_atom.pdbx_model_Cartn_x_ideal
_chem_comp_atom.pdbx_model_Cartn_y_ideal
_chem_comp_atom.pdbx_model_Cartn_z_ideal
MINE-1 "C1'" C 0 N 0 0 0
MINE-1 C2 C 0 N 1.5 0 0
MINE-1 O O 0 N 2.0 1.3 0
loop_
_chem_comp_bond.atom_id_1
_chem_comp_bond.atom_id_2
_chem_comp_bond.value_order
_chem_comp_bond.pdbx_aromatic_flag
"C1'" C2 SING N
C2 O SING N
"""

EVERYTHING = Job(
    name="every kind of molecule",
    seeds=(7, 3),
    entities=(
        Protein(
            ids=("A", "AA"),
            sequence="MKCSXN",
            modifications=(Modification("MSE", 1), Modification("SEP", 4)),
            description="it's \"5'\"\n;data_x\nloop_",
        ),
        Rna(ids=("B",), sequence="GUX", modifications=(Modification("PSU", 2),)),
        Dna(ids=("C",), sequence="CCX", modifications=(Modification("5CM", 2),)),
        Ligand(ids=("D",), ccd_codes=("TYR",)),
        Ligand(ids=("E",), ccd_codes=("NAD",)),
        Ligand(ids=("F",), ccd_codes=("NAG", "NAG", "FUC")),
        Ligand(ids=("G",), smiles="OC(=O)c1ccc(Cl)cc1"),
        Ligand(ids=("H",), ccd_codes=("MG",)),
        Ligand(ids=("I",), ccd_codes=("MINE-1",)),
    ),
    bonds=(
        (AtomAddress("A", 6, "ND2"), AtomAddress("F", 1, "C1")),
        (AtomAddress("F", 1, "O4"), AtomAddress("F", 2, "C1")),
        (AtomAddress("F", 1, "O6"), AtomAddress("F", 3, "C1")),
        (AtomAddress("A", 3, "SG"), AtomAddress("AA", 3, "SG")),
    ),
    user_ccd=ETHANOL,
)


def what_chains_are(job: Job) -> dict[str, tuple]:
    """Returns by its id what each chain consists of."""
    described = {}
    for entity in job.entities:
        match entity:
            case Ligand():
                what = (Ligand, entity.ccd_codes, entity.smiles)
            case Protein() | Rna() | Dna():
                what = (type(entity), entity.sequence, frozenset(entity.modifications))
        described |= dict.fromkeys(entity.ids, what)
    return described
