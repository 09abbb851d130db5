"""Reading both dialects, against the documents themselves."""

from __future__ import annotations

import gzip
import json
import lzma

import pytest
import zstandard

from af3cli.errors import InputError
from af3cli.job import (
    AtomAddress,
    Dna,
    Ligand,
    Modification,
    Protein,
    Rna,
    parse_jobs,
    read_job,
    read_jobs,
)
from tests.job.jobs import EXAMPLES, GOLDEN_JOBS, everything, parse


def test_every_field_arrives():
    job = parse(everything())
    protein, rna, dna, glycan, smiles = job.entities
    assert job.name == "every thing" and job.seeds == (1, 2)
    assert protein == Protein(
        ids=("A", "B"),
        sequence="MKSTCGE",
        modifications=(Modification("SEP", 3),),
        unpaired_msa=">q\nMKSTCGE\n>r\nMK-aaTCGE\n",
        paired_msa="",
        templates=(),
        description="a protein",
    )
    assert rna == Rna(("C",), "ACGU", (Modification("PSU", 4),), unpaired_msa=None)
    assert dna == Dna(("D",), "ACGT")
    assert glycan == Ligand(("E",), ccd_codes=("NAG", "NAG"))
    assert smiles == Ligand(("F",), smiles="C[C@@H](O)/C=C\\C")
    assert job.bonds[1] == (AtomAddress("A", 5, "SG"), AtomAddress("E", 1, "C1"))


@pytest.mark.parametrize("path", GOLDEN_JOBS, ids=lambda path: path.parent.name)
def test_jobs_that_the_official_program_ran_are_read(path):
    document = json.loads(path.read_text())
    job = read_job(path)
    assert list(job.seeds) == document["modelSeeds"]
    for entity, ((kind, content),) in zip(
        job.entities, (sequence.items() for sequence in document["sequences"]), strict=True
    ):
        assert type(entity).__name__.lower() == kind
        ids = content["id"]
        assert list(entity.ids) == ([ids] if isinstance(ids, str) else ids)
        if kind == "ligand":
            assert list(entity.ccd_codes) == content.get("ccdCodes", [])
        else:
            assert entity.sequence == content["sequence"]
        for attribute, key in (("unpaired_msa", "unpairedMsa"), ("paired_msa", "pairedMsa")):
            assert getattr(entity, attribute, None) == content.get(key)
        templates = getattr(entity, "templates", None) or ()
        assert [list(t.query_indices) for t in templates] == [
            t["queryIndices"] for t in content.get("templates", [])
        ]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_read(path):
    assert read_jobs(path)


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_all_versions_are_read(version):
    assert parse(everything() | {"version": version})


def test_null_is_wanted_and_empty_is_none():
    document = everything()
    del document["sequences"][0]["protein"]["modifications"]
    for value, expected in ((None, None), ("", "")):
        document["sequences"][0]["protein"] |= {"unpairedMsa": value, "pairedMsa": value}
        document["sequences"][1]["rna"]["unpairedMsa"] = value
        protein, rna, *_ = parse(document).entities
        assert (protein.unpaired_msa, protein.paired_msa, rna.unpaired_msa) == (expected,) * 3
    document["sequences"][0]["protein"] |= {"templates": None}
    assert parse(document).entities[0].templates is None


@pytest.mark.parametrize(
    "compress",
    [bytes, gzip.compress, lzma.compress, zstandard.compress],
    ids=["plain", "gzip", "xz", "zstd"],
)
def test_files_beside_the_job_are_read(tmp_path, compress):
    document = everything()
    protein = document["sequences"][0]["protein"]
    a3m = protein.pop("unpairedMsa")
    protein |= {"unpairedMsaPath": "msas/a.a3m", "pairedMsa": None, "pairedMsaPath": "msas/a.a3m"}
    (tmp_path / "msas").mkdir()
    (tmp_path / "msas" / "a.a3m").write_bytes(compress(a3m.encode()))
    (tmp_path / "job.json").write_text(json.dumps(document))
    read = read_job(tmp_path / "job.json").entities[0]
    assert read.unpaired_msa == read.paired_msa == a3m


def test_relative_paths_need_a_base():
    document = everything()
    document["userCCDPath"] = "components.cif"
    with pytest.raises(InputError, match="userCCDPath: must be an absolute path"):
        parse(document)


def test_server_jobs_are_read():
    jobs = parse_jobs(
        json.dumps(
            [
                {
                    "name": "first",
                    "modelSeeds": ["7", 8],
                    "sequences": [
                        {
                            "proteinChain": {
                                "sequence": "MKS",
                                "count": 2,
                                "modifications": [{"ptmType": "CCD_SEP", "ptmPosition": 3}],
                                "useStructureTemplate": False,
                            }
                        },
                        {"rnaSequence": {"sequence": "ACG"}},
                        {"dnaSequence": {"sequence": "ACT", "count": 1}},
                        {"ligand": {"ligand": "CCD_ATP"}},
                        {"ion": {"ion": "MG", "count": 25}},
                    ],
                    "dialect": "alphafoldserver",
                    "version": 1,
                },
                {"name": "second", "modelSeeds": [], "sequences": [{"ion": {"ion": "ZN"}}]},
            ]
        )
    )
    first, second = jobs
    assert first.seeds == (7, 8) and second.seeds == (1,)
    assert first.entities[0] == Protein(
        ("A", "B"), "MKS", (Modification("SEP", 3),), None, None, templates=()
    )
    assert first.entities[1:4] == (
        Rna(("C",), "ACG"),
        Dna(("D",), "ACT"),
        Ligand(("E",), ("ATP",)),
    )
    assert first.entities[4].ids[-5:] == ("Z", "AA", "BA", "CA", "DA")


def test_one_job_is_wanted_where_there_are_two(tmp_path):
    path = tmp_path / "two.json"
    job = {"name": "x", "sequences": [{"ion": {"ion": "ZN"}}]}
    path.write_text(json.dumps([job, job]))
    assert len(read_jobs(path)) == 2
    with pytest.raises(InputError, match="has 2 jobs"):
        read_job(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty; a job is JSON"),
        (" \n", "is empty; a job is JSON"),
        ("#70\t1\n>101\nMKTAYIAKQR\n", "is an alignment .*; name it with unpairedMsaPath in JSON"),
        ("MKTAYIAKQR\n", r"begins with 'MKTAYIAKQR\\n'; a job is JSON, .* FASTA \(>\), mmCIF"),
    ],
)
def test_what_is_no_job_of_any_kind_is_explained(tmp_path, content, message):
    path = tmp_path / "job"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_jobs(path)
