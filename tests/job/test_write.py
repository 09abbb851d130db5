"""What is written is read back as the same job."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from af3cli.job import (
    Dna,
    Job,
    Ligand,
    Modification,
    Protein,
    Rna,
    chain_id,
    chain_order,
    file_name,
    job_digest,
    parse_jobs,
    read_jobs,
    to_alphafold3_json,
)
from tests.job.jobs import EXAMPLES, GOLDEN_JOBS, everything, parse


@pytest.mark.parametrize(
    "path", EXAMPLES + GOLDEN_JOBS, ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_written_jobs_are_read_back(path):
    for job in read_jobs(path):
        text = to_alphafold3_json(job)
        assert parse_jobs(text) == [job]
        described = any(entity.description is not None for entity in job.entities)
        assert json.loads(text)["version"] == (4 if described else 1)


def test_keys_are_there_also_where_nothing_is_given():
    chains = (Protein(("A", "B"), "MKS"), Rna(("C",), "AGU"), Dna(("D",), "ACGT"))
    ligands = (Ligand(("E",), ccd_codes=("NAD",)), Ligand(("F",), smiles="CO"))
    document = json.loads(to_alphafold3_json(Job("bare", (1,), (*chains, *ligands))))
    assert document == {
        "name": "bare",
        "modelSeeds": [1],
        "sequences": [
            {
                "protein": {
                    "id": ["A", "B"],
                    "sequence": "MKS",
                    "modifications": [],
                    "unpairedMsa": None,
                    "pairedMsa": None,
                    "templates": None,
                }
            },
            {"rna": {"id": "C", "sequence": "AGU", "modifications": [], "unpairedMsa": None}},
            {"dna": {"id": "D", "sequence": "ACGT", "modifications": []}},
            {"ligand": {"id": "E", "ccdCodes": ["NAD"]}},
            {"ligand": {"id": "F", "smiles": "CO"}},
        ],
        "bondedAtomPairs": None,
        "userCCD": None,
        "dialect": "alphafold3",
        "version": 1,
    }


_RESIDUES = st.text("ACDEFGHIKLMNPQRSTVWYXUBZ", min_size=5, max_size=30)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def _jobs(draw: st.DrawFn) -> Job:
    sequence = draw(_RESIDUES)
    query = sequence.translate(str.maketrans("UBZ", "XXX"))
    a3m = draw(st.sampled_from(["", f">q {draw(_TEXT)!r}\n{query}\n>r\n{'-' * len(query)}a\n"]))
    protein = Protein(
        ids=("B", "A"),
        sequence=sequence,
        modifications=draw(
            st.sampled_from([(), (Modification("SEP", 1),), (Modification("X-1", len(sequence)),)])
        ),
        unpaired_msa=a3m,
        paired_msa="",
        templates=draw(st.sampled_from([None, ()])),
        description=draw(st.none() | _TEXT),
    )
    ligand = Ligand(("CA",), smiles="C\\C=C/" + "C" * draw(st.integers(0, 150)))
    seeds = draw(st.lists(st.integers(0, 2**32 - 1), min_size=1, unique=True))
    return Job("x" + draw(_TEXT), tuple(seeds), (protein, ligand))


@given(_jobs())
def test_any_job_survives_writing(job):
    assert parse_jobs(to_alphafold3_json(job)) == [job]


def test_digest_sees_what_matters():
    job = parse(everything())
    document = everything() | {"name": "other", "modelSeeds": [5]}
    document["sequences"].reverse()
    protein = document["sequences"][-1]["protein"]
    protein |= {"id": "B", "description": "other"}
    document["sequences"].insert(0, {"protein": protein | {"id": "A"}})
    assert job_digest(parse(document)) == job_digest(job)
    for key, value in (("modifications", []), ("templates", None), ("pairedMsa", ">q\nMKSTCGE")):
        document = everything()
        document["sequences"][0]["protein"][key] = value
        assert job_digest(parse(document)) != job_digest(job)
    assert job_digest(parse(everything() | {"bondedAtomPairs": []})) != job_digest(job)


def test_digest_is_stable():
    """Outputs keep it: a change makes every finished entry look like another input."""
    job = Job("x", (1,), (Protein(("A",), "MK"),))
    assert job_digest(job) == job_digest(Job("y", (2,), job.entities))
    assert job_digest(job)[:16] == "6064dcb8042439f0"


def test_file_names_are_the_official_ones():
    # alphabet and blanks as in the official `sanitised_name`
    assert file_name("My job (v1.2)/../x_é") == "My_job_v1.2..x_"
    allowed = set(string.ascii_letters + string.digits + "_-.")
    assert set(file_name("".join(map(chr, range(1000))))) == allowed


def test_chain_ids_count_like_mmcif():
    ids = [chain_id(number) for number in range(26 + 26 * 26 + 30)]
    assert ids[:2] + ids[25:28] + ids[51:53] == ["A", "B", "Z", "AA", "BA", "ZA", "AB"]
    assert ids[26 + 26 * 26] == "AAA"
    assert sorted(ids, key=chain_order) == ids
