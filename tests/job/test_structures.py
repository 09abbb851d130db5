"""Structure files as jobs, against what gemmi reads in the same files."""

from __future__ import annotations

from collections import Counter

import gemmi
import pytest
from biotite.structure.info import get_from_ccd

from af3cli.chemistry import open_dictionary
from af3cli.errors import InputError
from af3cli.job import (
    Dna,
    Job,
    Ligand,
    Protein,
    Rna,
    StructureOptions,
    chain_id,
    parse_jobs,
    read_job,
    remarks,
    to_alphafold3_json,
)
from af3cli.job.structure.selection import ADDITIVES
from af3cli.job.textfile import read_text
from af3cli.tokens import tokenize
from af3cli.tokens.table import token_table
from tests.job.jobs import STRUCTURES

FILES = sorted(
    path.name for path in STRUCTURES.iterdir() if ".cif" in path.name or ".pdb" in path.name
)
KINDS = {
    gemmi.PolymerType.PeptideL: Protein,
    gemmi.PolymerType.PeptideD: Protein,
    gemmi.PolymerType.Dna: Dna,
    gemmi.PolymerType.Rna: Rna,
}


@pytest.fixture(scope="module")
def components():
    return open_dictionary()


def gemmi_structure(name: str) -> gemmi.Structure:
    """The file as gemmi reads it, without using any code of ours but for decompression."""
    text = read_text(STRUCTURES / name)
    if ".cif" in name:
        structure = gemmi.make_structure_from_block(gemmi.cif.read_string(text)[0])
    else:
        structure = gemmi.read_pdb_string(text)
    set_up_entities(structure)
    structure.assign_label_seq_id()
    return structure


def set_up_entities(structure: gemmi.Structure) -> None:
    """Finds the entities, with a name for the moment where the only chain has none."""
    is_nameless = [chain.name for chain in structure[0]] == [""]
    if is_nameless:
        structure.rename_chain("", "A")
    structure.setup_entities()
    if is_nameless:
        structure.rename_chain("A", "")


def subchains(structure: gemmi.Structure) -> dict[str, gemmi.ResidueSpan]:
    return {span.subchain_id(): span for span in structure[0].subchains()}


def codes_of(job: Job) -> dict[str, list[str]]:
    """Components of every chain, spelt by gemmi's own table."""
    residue_kinds = {
        Protein: gemmi.ResidueKind.AA,
        Rna: gemmi.ResidueKind.RNA,
        Dna: gemmi.ResidueKind.DNA,
    }
    codes = {}
    for entity in job.entities:
        for chain in entity.ids:
            if isinstance(entity, Ligand):
                codes[chain] = list(entity.ccd_codes)
                continue
            kind = residue_kinds[type(entity)]
            codes[chain] = [gemmi.expand_one_letter(c, kind) for c in entity.sequence]
            for modification in entity.modifications:
                codes[chain][modification.position - 1] = modification.ccd_code
    return codes


@pytest.mark.parametrize("name", FILES)
def test_polymers_are_those_that_gemmi_reads(name):
    structure = gemmi_structure(name)
    job = read_job(STRUCTURES / name)
    codes = codes_of(job)
    kind_of = {chain: type(entity) for entity in job.entities for chain in entity.ids}
    by_label = {source.label_chain_id: source.chain_id for source in job.sources}
    polymers = 0
    for entity in structure.entities:
        if entity.entity_type != gemmi.EntityType.Polymer:
            continue
        for label in entity.subchains:
            chain = by_label[label]
            polymers += 1
            assert kind_of[chain] is KINDS[entity.polymer_type]
            if not entity.full_sequence:
                residues = subchains(structure)[label].first_conformer()
                assert codes[chain] == [residue.name for residue in residues]
                continue
            sequence = [gemmi.Entity.first_mon(item) for item in entity.full_sequence]
            assert codes[chain] == sequence
            for residue in subchains(structure)[label].first_conformer():
                expected = codes[chain][residue.label_seq - 1]
                assert residue.name == expected or is_alternative(entity, residue)
    assert polymers == sum(kind is not Ligand for kind in kind_of.values())


def is_alternative(entity: gemmi.Entity, residue: gemmi.Residue) -> bool:
    if not entity.full_sequence:
        return False
    return residue.name in entity.full_sequence[residue.label_seq - 1].split(",")


@pytest.mark.parametrize("name", FILES)
def test_ligands_are_those_that_gemmi_reads(name):
    structure = gemmi_structure(name)
    job = read_job(STRUCTURES / name)
    expected = Counter(
        residue.name
        for chain in structure[0]
        for residue in chain
        if residue.entity_type in (gemmi.EntityType.NonPolymer, gemmi.EntityType.Branched)
        and not residue.is_water()
        and residue.name not in ADDITIVES
    )
    found = Counter(
        code
        for entity in job.entities
        if isinstance(entity, Ligand)
        for code in entity.ccd_codes
        for _ in entity.ids
    )
    assert found == expected


@pytest.mark.parametrize("name", FILES)
def test_bonds_are_those_that_gemmi_reads(name):
    structure = gemmi_structure(name)
    job = read_job(STRUCTURES / name)
    codes = codes_of(job)
    found = Counter(
        frozenset((codes[a.chain_id][a.residue_id - 1], a.atom_name) for a in bond)
        for bond in job.bonds
    )
    links = set()  # a bond between atoms with alternative locations is there for each of them
    for link in structure.connections:
        partners = (link.partner1, link.partner2)
        found_atoms = [structure[0].find_cra(p, ignore_segment=True) for p in partners]
        if link.type == gemmi.ConnectionType.Covale and any(
            cra.residue and cra.residue.entity_type != gemmi.EntityType.Polymer
            for cra in found_atoms
        ):
            links.add(
                frozenset(
                    (p.chain_name, str(p.res_id.seqid), cra.residue.name, p.atom_name)
                    for p, cra in zip(partners, found_atoms, strict=True)
                )
            )
    expected = Counter(frozenset(end[2:] for end in link) for link in links)
    assert found == expected


@pytest.mark.parametrize("name", FILES)
def test_token_table_has_every_residue_that_gemmi_sees(name, components):
    """Found by the author's chain and number: the same residue, label number and atoms."""
    structure = gemmi_structure(name)
    job = read_job(STRUCTURES / name)
    tokens, _ = tokenize(job, components)
    rows: dict[tuple[str, str, str], list[dict]] = {}
    for values in token_table(tokens, job.sources):
        row = dict(zip(values.dtype.names, values, strict=True))
        key = row["author_chain_id"], row["author_residue_id"], row["residue_name"]
        rows.setdefault(key, []).append(row)
    entity_of = {label: entity for entity in structure.entities for label in entity.subchains}
    num_found = 0
    for chain in structure[0]:
        for residue in chain:
            entity = entity_of[residue.subchain]
            is_polymer = entity.entity_type == gemmi.EntityType.Polymer
            found = rows.get((chain.name, str(residue.seqid), residue.name))
            if found is None:
                is_left_out = residue.is_water() or residue.name in ADDITIVES
                assert is_left_out or (is_polymer and is_alternative(entity, residue))
                continue
            num_found += 1
            if entity.full_sequence:
                assert {row["residue_id"] for row in found} == {residue.label_seq}
            if is_polymer:
                assert {row["label_chain_id"] for row in found} == {residue.subchain}
            if found[0]["atom_name"]:
                seen = {atom.name for atom in residue if atom.element.weight > 3}
                assert seen & staying_atoms(residue.name) <= {row["atom_name"] for row in found}
    assert num_found > 0


def staying_atoms(code: str) -> set[str]:
    """Returns the atoms that a component keeps when it is bonded."""
    atoms = get_from_ccd("chem_comp_atom", code)
    is_leaving = atoms["pdbx_leaving_atom_flag"].as_array(str) == "Y"
    return set(atoms["atom_id"].as_array(str)[~is_leaving])


@pytest.mark.parametrize("name", FILES)
def test_jobs_of_structures_survive_as_json(name):
    job = read_job(STRUCTURES / name)
    assert parse_jobs(to_alphafold3_json(job)) == [job]


def test_both_forms_of_an_entry_are_the_same_job():
    cif, pdb = (read_job(STRUCTURES / f"2d0f.{form}.xz") for form in ("cif", "pdb"))
    assert [e.ids for e in cif.entities] == [e.ids for e in pdb.entities]
    assert codes_of(cif) == codes_of(pdb)
    assert set(map(frozenset, cif.bonds)) == set(map(frozenset, pdb.bonds))
    assert len(cif.bonds) == 6


def test_additives_are_left_out_by_rule():
    path = STRUCTURES / "5i55.cif.xz"
    assert [type(entity) for entity in read_job(path).entities] == [Protein]
    assert "left out, unless --keep names them: ACT, MPD" in remarks(read_job(path))
    assert "left out: waters (12)" in remarks(read_job(path))
    kept = read_job(path, StructureOptions(keep=frozenset({"MPD"})))
    assert [e.ccd_codes for e in kept.entities if isinstance(e, Ligand)] == [("MPD",)]
    glycan_free = read_job(STRUCTURES / "1ncb.cif.xz", StructureOptions(drop=frozenset({"NAG"})))
    assert [e.ccd_codes for e in glycan_free.entities if isinstance(e, Ligand)] == [("CA",)]
    assert glycan_free.bonds == ()
    assert "left out, as --drop says: NAG, NAG-NAG, NAG-NAG-BMA-MAN-MAN-MAN" in glycan_free.notes


def test_codes_that_are_not_in_the_file_are_told():
    options = StructureOptions(keep=frozenset({"MPD", "XYZ"}), drop=frozenset({"ABC", "MSE"}))
    notes = read_job(STRUCTURES / "5i55.cif.xz", options).notes
    assert "not in the file, whatever --keep and --drop say: ABC, XYZ" in notes


def test_a_modified_residue_that_is_dropped_becomes_its_parent():
    path = STRUCTURES / "5i55.cif.xz"
    (protein,) = read_job(path).entities
    (modification,) = protein.modifications
    assert modification.ccd_code == "MSE" and protein.sequence[modification.position - 1] == "M"
    (plain,) = read_job(path, StructureOptions(drop=frozenset({"MSE"}))).entities
    assert plain.modifications == () and plain.sequence == protein.sequence


def test_assemblies_copy_chains_and_their_bonds():
    path = STRUCTURES / "1f2n.cif.xz"
    whole = read_job(path, StructureOptions(assembly="1"))
    assert {len(entity.ids) for entity in whole.entities} == {180}
    ids = [chain for entity in whole.entities for chain in entity.ids]
    assert len(set(ids)) == 360 and {"A", "B", "C", "D", "E", "F"} < set(ids)
    (renamed,) = [note for note in whole.notes if note.startswith("renamed")]
    assert "chain A, copies 2 to 60, are G to MB; chain B, copies 2 to 60, are NB to " in renamed
    assert whole.entities[0].ids[1:60] == tuple(map(chain_id, range(6, 65)))
    monomer = read_job(STRUCTURES / "1ncb.cif.xz")
    tetramer = read_job(STRUCTURES / "1ncb.cif.xz", StructureOptions(assembly="1"))
    assert len(tetramer.bonds) == 4 * len(monomer.bonds)
    assert {len(entity.ids) for entity in tetramer.entities} == {4}
    assert len({frozenset(bond) for bond in tetramer.bonds}) == len(tetramer.bonds)
    assert not any("not in assembly" in note for note in tetramer.notes)
    with pytest.raises(InputError, match="has no assembly '9'; it has: 1, 2"):
        read_job(STRUCTURES / "1ncb.cif.xz", StructureOptions(assembly="9"))


def test_chains_outside_an_assembly_are_told(tmp_path):
    block = gemmi.cif.read_string(read_text(STRUCTURES / "1ncb.cif.xz"))[0]
    column = block.find_values("_pdbx_struct_assembly_gen.asym_id_list")
    for row, labels in enumerate(column):
        column[row] = labels.replace("B,", "").replace("C,", "").replace("G,", "")
    path = tmp_path / "part.cif"
    path.write_text(block.as_string())
    notes = read_job(path, StructureOptions(assembly="1")).notes
    assert "not in assembly 1: chain L, chain H, CA 0 of chain N" in notes


def test_bonds_between_copies_of_the_crystals_unit_are_left_out(tmp_path):
    block = gemmi.cif.read_string(read_text(STRUCTURES / "4i39.cif.xz"))[0]
    symmetry = block.find_values("_struct_conn.ptnr2_symmetry")
    for i in range(len(symmetry)):
        symmetry[i] = "2_655"
    path = tmp_path / "neighbour.cif"
    path.write_text(block.as_string())
    assert read_job(path).bonds == ()
    assert "left out: bonds between crystal copies (1)" in remarks(read_job(path))


@pytest.mark.parametrize("expression", ["(1-999999)(1-999999)", "1-20000", ",".join("1" * 20000)])
def test_absurd_assemblies_are_refused(tmp_path, expression):
    block = gemmi.cif.read_string(read_text(STRUCTURES / "1bna.cif.xz"))[0]
    block.find_values("_pdbx_struct_assembly_gen.oper_expression")[0] = f"'{expression}'"
    path = tmp_path / "absurd.cif"
    path.write_text(block.as_string())
    with pytest.raises(InputError, match=r"more than 10000 chains|too many"):
        read_job(path, StructureOptions(assembly="1"))


def test_own_chains_as_templates(components):
    from af3cli.features.template_structure import read_template

    path = STRUCTURES / "1f2n.cif.xz"
    job = read_job(path, StructureOptions(as_templates=True))
    protein = job.entities[0]
    assert protein.unpaired_msa == protein.paired_msa == "" and len(protein.templates) == 3
    structure = gemmi_structure("1f2n.cif.xz")
    for template, label in zip(protein.templates, "ABC", strict=True):
        observed = [residue.label_seq - 1 for residue in subchains(structure)[label]]
        assert list(template.query_indices) == list(template.template_indices) == observed
        # The official program knows no other spelling.
        assert "_entity_poly.type polypeptide(L)\n" in template.mmcif
        chain = read_template(template.mmcif, "here")
        assert len(chain.mask) == len(protein.sequence)
        alpha = subchains(structure)[label][0].find_atom("CA", "*").pos
        assert chain.positions[observed[0], 1] == pytest.approx(alpha.tolist(), abs=1e-3)


def test_author_names_are_kept_and_renaming_is_reported():
    job = read_job(STRUCTURES / "5ugo.cif.xz")
    sources = {source.chain_id: source for source in job.sources}
    assert sources["D"].author_chain_id == "A"
    assert sources["D"].author_residue_ids[:2] == ("1", "2")
    assert "renamed: chain T is A; chain P is B; chain D is C; chain A is D" in remarks(job)
