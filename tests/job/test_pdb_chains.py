"""Chains and polymers of PDB files that use names and TER in their own ways."""

from __future__ import annotations

import itertools

import pytest

from af3cli.errors import InputError
from af3cli.job import Job, Ligand, read_job
from tests.job.jobs import STRUCTURES
from tests.job.test_other_writers import job_of, pdb_lines, without_names

LINES = [line for line in pdb_lines("rnase_frag.pdb.xz") if line[:4] == "ATOM"]
A, B = ([line for line in LINES if line[21] == name] for name in "AB")
SEQUENCES = [entity.sequence for entity in read_job(STRUCTURES / "rnase_frag.pdb.xz").entities]


def hetatm(code: str, place: str, atoms: str = "C1") -> list[str]:
    """Lines of a residue with some atoms, far from all others; `place` such as `X   1`."""
    coordinates = "    900.000 900.000 900.000  1.00  0.00"
    return [
        f"HETATM 9000  {atom:3} {code:3} {place}{coordinates}           C" for atom in atoms.split()
    ]


def molecules(job: Job) -> list[tuple[str, int]]:
    """Sequences and codes, each with how many chains there are of it."""
    return [
        ("-".join(e.ccd_codes) if isinstance(e, Ligand) else e.sequence, len(e.ids))
        for e in job.entities
    ]


@pytest.mark.parametrize(
    "first",
    ["PARENT N/A", "USER  MOD reduce.3.3.160602 H: found=0", "MASTER", "remark x", "# x", "#\n#"],
)
def test_a_file_with_lines_of_atoms_is_pdb_whatever_it_begins_with(tmp_path, first):
    assert molecules(job_of(tmp_path, "\n".join([first, *B]))) == [(SEQUENCES[1], 1)]


@pytest.mark.parametrize(
    "ligands",
    [
        [*hetatm("ATP", "X   1", "PG O1G O2G"), "TER", *hetatm("HEM", "Y   1"), "TER"],
        [*hetatm("ATP", "X   1"), *hetatm("HEM", "X   2"), "TER"],
        [*hetatm("ATP", "B 500"), *hetatm("HEM", "B 501"), "TER"],
        [*hetatm("ATP", "    1"), "TER", *hetatm("HEM", "    2"), "TER"],
    ],
)
def test_ligands_may_end_with_ter(tmp_path, ligands):
    job = job_of(tmp_path, "\n".join([*B, "TER", *ligands]))
    assert molecules(job) == [(SEQUENCES[1], 1), ("ATP", 1), ("HEM", 1)]


@pytest.mark.parametrize("place", ["B  97", "B 500"])
def test_a_ligand_before_ter_is_no_residue_of_the_polymer(tmp_path, place):
    lines = [*B, *hetatm("ATP", place), *hetatm(" ZN", "B 501"), "TER"]
    assert molecules(job_of(tmp_path, "\n".join(lines))) == [
        (SEQUENCES[1], 1),
        ("ATP", 1),
        ("ZN", 1),
    ]


def test_what_is_bound_to_the_last_residue_before_ter_is_of_the_polymer(tmp_path):
    last = next(line for line in B if line[22:26] == "  96" and line[12:16] == " C  ")
    bound = f"HETATM 9000  N   XYZ B  97{last[26:76]} N"
    (protein,) = job_of(tmp_path, "\n".join([*B, bound, "TER"])).entities
    assert [modification.ccd_code for modification in protein.modifications] == ["XYZ"]
    trace = [line for line in B if line[12:16] == " CA "]
    bound = f"HETATM 9000  C1  XYZ B  97{last[26:76]} C"
    (protein,) = job_of(tmp_path, "\n".join([*trace, bound, "TER"])).entities
    assert [modification.ccd_code for modification in protein.modifications] == ["XYZ"]


@pytest.mark.parametrize("end", [["TER"], []])
@pytest.mark.parametrize("cap", ["NME", "NH2"])
def test_a_cap_is_of_its_polymer_with_and_without_ter(tmp_path, cap, end):
    (protein,) = job_of(tmp_path, "\n".join([*B, *hetatm(cap, "B  97", "N"), *end])).entities
    assert [modification.ccd_code for modification in protein.modifications] == [cap]


@pytest.mark.parametrize(
    "lines",
    [
        [*B, "TER", *B, "TER"],
        [*B, *B],
        [*without_names(B), *without_names(B)],
        [*without_names(B), "TER", *without_names(B), "TER"],
    ],
)
def test_a_chain_begins_where_residues_come_again(tmp_path, lines):
    assert molecules(job_of(tmp_path, "\n".join(lines))) == [(SEQUENCES[1], 2)]
    other = [*without_names(A), *without_names(B)]
    assert molecules(job_of(tmp_path, "\n".join(other))) == [(s, 1) for s in SEQUENCES]


def test_numbers_that_fall_inside_a_chain_do_not_end_it(tmp_path):
    """As in a fusion protein whose middle part has numbers of its own."""
    middle = [f"{line[:22]}{int(line[22:26]) + 1000:4}{line[26:]}" for line in B[40:80]]
    job = job_of(tmp_path, "\n".join([*B[:40], *middle, *B[80:], "TER"]))
    assert len(job.entities) == 1 and job.entities[0].ids == ("B",)


def test_a_chain_that_ends_with_its_last_oxygen_does_not_go_on_behind_ter(tmp_path):
    """Though what follows has its name, and numbers that are higher."""
    last = next(line for line in B if line[22:26] == "  96" and line[12:16] == " C  ")
    oxygen = f"{last[:12]} OXT{last[16:30]} 900.000{last[38:76]} O"
    second = [f"{line[:22]}{int(line[22:26]) + 1000:4}{line[26:]}" for line in B]
    for end, number in (([], 1), ([oxygen], 2)):
        job = job_of(tmp_path, "\n".join([*B, *end, "TER", *second, "TER"]))
        assert sum(len(entity.ids) for entity in job.entities) == number


@pytest.mark.parametrize("end", [["TER"], []])
@pytest.mark.parametrize("between", [hetatm(" ZN", "X 900"), ["TER"], []])
def test_an_interrupted_chain_is_one(tmp_path, between, end):
    residues = [list(lines) for _, lines in itertools.groupby(B, lambda line: line[22:26])]
    lines = itertools.chain(*residues[:12], between, *residues[12:], end)
    job = job_of(tmp_path, "\n".join(lines))
    proteins = [molecule for molecule in molecules(job) if molecule != ("ZN", 1)]
    assert proteins == [(SEQUENCES[1], 1)]


def test_models_without_names_are_alike(tmp_path):
    model = [*without_names(A), "TER", *without_names(B), "TER", "ENDMDL"]
    job = job_of(tmp_path, "\n".join(["MODEL        1", *model, "MODEL        2", *model]))
    assert "the first of 2 models is taken" in job.notes
    assert any("sequence of the chain without a name: residues" in note for note in job.notes)


@pytest.mark.parametrize(("name", "number"), [("HISE", "   1"), ("NALA", "  15"), ("CYS2", "  96")])
@pytest.mark.parametrize("has_name", [True, False])
def test_names_of_four_letters_are_refused(tmp_path, name, number, has_name):
    lines = [
        f"{line[:17]}{name}{line[21:]}" if line[22:26] == number else line
        for line in (B if has_name else without_names(B))
    ]
    with pytest.raises(InputError, match=rf"has residue names of four letters \({name}\)"):
        job_of(tmp_path, "\n".join(lines))


def test_chains_may_have_names_of_two_letters(tmp_path):
    long = [f"{line[:20]}A{line[21:]}" for line in LINES]
    job = job_of(tmp_path, "\n".join([*long, *LINES]))
    assert molecules(job) == [(sequence, 2) for sequence in SEQUENCES]
    assert [source.author_chain_id for source in job.sources] == ["AA", "AB", "A", "B"]
