"""FASTA as jobs."""

from __future__ import annotations

import gzip
import string
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from af3cli.errors import InputError
from af3cli.job import Dna, FastaOptions, Protein, Rna, read_jobs, remarks
from af3cli.job.fasta import fasta_file


def test_each_record_is_a_job():
    text = ">first some words\nMKTAY\nIAKQ*\n\n>second\nacde fghi\r\n"
    jobs = fasta_file(text, "x.fasta").jobs()
    assert [job.name for job in jobs] == ["first", "second"]
    assert [job.entities for job in jobs] == [
        (Protein(("A",), "MKTAYIAKQ"),),
        (Protein(("A",), "ACDEFGHI"),),
    ]
    assert all(job.seeds == (1,) for job in jobs)


def test_a_stop_is_dropped_at_the_end_of_each_chain():
    (job,) = fasta_file(">a\nMKV*:MKVLL*\n", "x").jobs()
    assert [entity.sequence for entity in job.entities] == ["MKV", "MKVLL"]
    with pytest.raises(InputError, match=r"has '\*' at 2"):
        fasta_file(">a\nM*KV\n", "x").jobs()


def test_kinds_are_told_by_header_and_letters():
    text = ">a|RNA\nACG\n>b|dna\nACG\n>c|protein\nACGT\n>d\nACGU\n>e\nACGT\n>f\nACGTK\n"
    kinds = [type(job.entities[0]) for job in fasta_file(text, "x").jobs()]
    assert kinds == [Rna, Dna, Protein, Rna, Dna, Protein]
    notes = [remarks(job) for job in fasta_file(text, "x").jobs()]
    assert [bool(note) for note in notes] == [False, False, False, True, True, False]
    assert "record 5 (e): taken for DNA by its letters" in notes[4][0]


def test_one_complex_per_file():
    text = ">a\nMKTAY\n>b|dna\nACGT\n>c\nMKTAY\n>d\nMKL:MKTAY\n"
    (job,) = fasta_file(text, "dir/my complex.v1.fasta", FastaOptions(is_complex=True)).jobs()
    assert job.name == "my_complex"
    assert job.entities == (
        Protein(("A", "C", "E"), "MKTAY"),
        Dna(("B",), "ACGT"),
        Protein(("D",), "MKL"),
    )


def test_names_are_safe_and_unique():
    headers = ["sp|P0|A B", "a/../b", "..", "", "a", "a", "a_2", "a", "é"]
    text = "".join(f">{header}\nMKL\n" for header in headers)
    names = [job.name for job in fasta_file(text, "x").jobs()]
    assert names[:4] == ["sp_P0_A", "a_.._b", "sequence_3", "sequence_4"]
    assert names[4:] == ["a", "a_3", "a_2", "a_4", "sequence_9"]
    assert "a is there already; called a_3" in remarks(fasta_file(text, "x").jobs()[5])


def test_long_names_leave_room_for_what_stands_behind_them():
    first, second = fasta_file(f">{'x' * 400}1\nMKL\n>{'x' * 400}2\nMKV\n", "x").jobs()
    assert (first.name, second.name) == ("x" * 150, "x" * 150 + "_2")


@pytest.mark.parametrize(
    ("header", "name", "kind"),
    [
        ("A|protein|/x/a.a3m", "A", Protein),  # Boltz
        ("A|RNA|", "A", Rna),
        ("protein|name=some-name", "some-name", Protein),  # Chai
        ("dna|x", "x", Dna),
        ("c |rna", "c", Rna),
        ("c | rna", "c", Rna),
        ("c | rna | more words", "c", Rna),
        ("b|protein some words", "b", Protein),
        ("ligand|protein", "ligand", Protein),  # the name of a record may be anything
        ("x|A|rna", "x_A", Rna),
        ("rna", "rna", Dna),  # from here on the letters tell
        ("rna some|protein", "rna", Dna),
        ("sp|P12345|NAME_HUMAN Some | protein | rna", "sp_P12345_NAME_HUMAN", Dna),
        ("gi|12|ref|NP_1.1| RNA polymerase", "gi_12_ref_NP_1.1", Dna),
        ("1ABC_1|Chain A|Protein|Homo sapiens (9606)", "1ABC_1_Chain", Dna),
        ("1ABC_1|Chains A, B|Ligand", "1ABC_1_Chains", Dna),
        ("AT1G01010.1 | protein kinase | rna", "AT1G01010.1", Dna),
    ],
)
def test_headers_of_other_programs(header, name, kind):
    (job,) = fasta_file(f">{header}\nACGTACGT\n", "x").jobs()
    assert (job.name, type(job.entities[0])) == (name, kind)


def test_what_is_behind_the_kind_is_told():
    text = ">A|protein|/x/a.a3m\nACGT\n>B|protein|\nACGT\n"
    first, second = fasta_file(text, "x").jobs()
    assert remarks(first) == [
        "record 1 (A): '/x/a.a3m' in its header is passed over; alignments come from --msa-dir"
    ]
    assert not remarks(second)


@pytest.mark.parametrize("kind", ["ligand", "SMILES", "ccd", "ion", "glycan"])
@pytest.mark.parametrize("header", ["x|{}", "x | {}", "x|{}|CCO", "{}|name=x", "x|{} of some kind"])
def test_ligands_are_not_taken_for_proteins(header, kind):
    message = f"FASTA has no place for {kind.lower()} records; write the job as JSON"
    with pytest.raises(InputError, match=rf"record 1 \(x\): {message}"):
        fasta_file(f">{header.format(kind)}\nATP\n", "x").jobs()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_any_system_are_read(end):
    text = end.join((">a", "MKL", "VVV", "", ">b", "MKT", ""))
    assert [job.entities[0].sequence for job in fasta_file(text, "x").jobs()] == ["MKLVVV", "MKT"]


@given(st.lists(st.text(min_size=0, max_size=8), max_size=20))
def test_any_headers_give_names_that_are_safe_and_unique(headers):
    headers = [header.translate({ord(c): " " for c in "\r\n"}) for header in headers]
    text = "".join(f">{header}\nMKL\n" for header in [*headers, "last"])
    names = [job.name for job in fasta_file(text, "x").jobs()]
    assert len(set(names)) == len(names) == len(headers) + 1
    allowed = set(string.ascii_letters + string.digits + "_-.")
    assert all(name and set(name) <= allowed and not name.startswith(".") for name in names)


def test_alignments_are_found_by_name(tmp_path):
    (tmp_path / "one.a3m").write_text(">q\nMKL\n>r\nM-L\n")
    (tmp_path / "two.a3m.gz").write_bytes(gzip.compress(b">q\nACGU\n"))
    text = ">one\nMKL\n>two\nACGU\n>three\nMKV\n"
    one, two, three = fasta_file(text, "x", FastaOptions(msa_dir=tmp_path)).jobs()
    assert one.entities[0].unpaired_msa == ">q\nMKL\n>r\nM-L\n"
    assert one.entities[0].paired_msa == "" and one.entities[0].templates is None
    assert two.entities[0].unpaired_msa == ">q\nACGU\n"
    assert three.entities[0].unpaired_msa is None
    assert f"record 3 (three): {tmp_path} has no three.a3m" in remarks(three)


def test_alignments_of_records_with_several_chains(tmp_path):
    for name in ("same", "different", "dna"):
        (tmp_path / f"{name}.a3m").write_text(">q\nMKLVL\n>r\nM-LVL\n")
    text = ">same\nMKLVL:MKLVL\n>different\nMKLVL:MKLVV\n>dna|dna\nACG:ACT\n"
    same, different, dna = fasta_file(text, "x", FastaOptions(msa_dir=tmp_path)).jobs()
    (protein,) = same.entities
    assert protein.ids == ("A", "B") and protein.unpaired_msa == ">q\nMKLVL\n>r\nM-LVL\n"
    assert not remarks(same) and not remarks(dna)
    assert [entity.unpaired_msa for entity in different.entities] == [None, None]
    (note,) = remarks(different)
    assert note.startswith("record 2 (different): its chains differ, so that no alignment is taken")


def test_alignments_are_not_held_in_memory_together(tmp_path):
    """Thousands of alignments may be more than there is memory; each comes with its job."""
    row = "M" + "K" * 99
    for i in range(30):
        (tmp_path / f"p{i}.a3m").write_text(f">q\n{row}\n" * 3000)
    text = "".join(f">p{i}\n{row}\n" for i in range(30))
    tracemalloc.start()
    jobs = fasta_file(text, "x", FastaOptions(msa_dir=tmp_path)).jobs()
    num_rows = sum(job.entities[0].unpaired_msa.count(">") for job in jobs)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert num_rows == 90_000 and most < 5e6  # all alignments are 9 MB
    (tmp_path / "p3.a3m").unlink()
    with pytest.raises(InputError, match=r"p3\.a3m: does not exist"):
        jobs[3]


def test_alignments_that_cannot_be_read_are_told_at_their_record(tmp_path):
    (tmp_path / "b.a3m").write_bytes(b">q\n\xff\n")
    message = r"record 2 \(b\): .*b\.a3m: is not UTF-8"
    for is_complex in (False, True):
        with pytest.raises(InputError, match=message):
            fasta_file(">a\nMKL\n>b\nMKV\n", "x", FastaOptions(is_complex, tmp_path)).jobs()


def test_everything_wrong_is_reported_with_its_record(tmp_path):
    (tmp_path / "d.a3m").write_text(">q\nMK\n")
    text = ">a\nMK-L\n>b\n>c\nACGN\n>d\nMKL\n>e\nMKL\n"
    with pytest.raises(InputError) as caught:
        fasta_file(text, "x.fasta", FastaOptions(msa_dir=tmp_path)).jobs()
    lines = str(caught.value).splitlines()
    assert lines[0] == "x.fasta: 4 problems"
    assert "record 1 (a).sequence: must be upper-case letters A-Z, has '-' at 3" in lines[1]
    assert "record 2 (b).sequence: is empty" in lines[2]
    assert "record 3 (c): its letters do not tell whether" in lines[3]
    assert "record 4 (d).unpairedMsa: row 1 ('q') has 2 aligned columns" in lines[4]


def test_thousands_of_records_are_read(tmp_path: Path):
    path = tmp_path / "many.fasta"
    path.write_text("".join(f">p{i}\nMKTAYIAKQRQISFVK\n" for i in range(5000)))
    assert len(read_jobs(path)) == 5000
