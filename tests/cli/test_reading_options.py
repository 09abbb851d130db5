"""How structures and FASTA become jobs is an option of every command that reads them."""

from __future__ import annotations

import json
import lzma
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from af3cli.cli import main

STRUCTURES = Path(__file__).parents[1] / "data" / "structures"
OPTIONS = ("--keep", "--drop", "--assembly", "--as-templates", "--complex", "--msa-dir")


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


@pytest.mark.parametrize("command", ["embed", "predict", "search", "check", "tokens", "convert"])
def test_every_command_has_them(command):
    _, help_text = run(command, "--help")
    assert all(option in help_text for option in OPTIONS)


@pytest.mark.parametrize("command", ["embed", "predict", "search", "check", "tokens"])
def test_commands_that_look_components_up_take_another_dictionary(command, tmp_path):
    assert "--ccd" in run(command, "--help")[1]
    where = ("--out-dir", tmp_path / "out") if command == "search" else ()
    code, output = run(command, STRUCTURES / "1bna.cif.xz", *where, "--ccd", tmp_path)
    assert code == 2 and "is a directory" in output


def test_structures_are_read_as_asked(tmp_path):
    structure = STRUCTURES / "1ncb.cif.xz"
    assert "ligand CA (chain G)" in run("check", structure)[1]
    _, output = run("check", structure, "--drop", "CA,NAG", "--assembly", 1)
    assert "chains A, B, C, D; " not in output and "(chains A, D, E, F)" in output
    assert "ligand" not in output.splitlines()[0]
    _, output = run("tokens", structure, "--drop", "NAG", "--format", "json")
    assert {row["molecule_type"] for row in json.loads(output)} == {"protein", "ligand"}


def test_chain_names_of_a_file_cannot_steer_the_terminal(tmp_path):
    text = lzma.decompress((STRUCTURES / "1bna.cif.xz").read_bytes()).decode()
    odd, shown = "'A\x1b[2J\rx'", r"A\x1b[2J\rx"
    path = tmp_path / "odd.cif"
    path.write_text(re.sub(r"^(ATOM .* )A( +\S+ +1 *)$", rf"\g<1>{odd}\2", text, flags=re.M))
    for arguments in (("check",), ("tokens",), ("tokens", "--format", "tsv")):
        code, output = run(*arguments, path)
        assert code == 0 and shown in output and "\r" not in output
    assert shown in run("convert", path, tmp_path / "odd.json")[1]


def test_fasta_is_read_as_asked(tmp_path):
    fasta = tmp_path / "two.fasta"
    fasta.write_text(">a\nMKL\n>b\nMKVVV\n")
    (tmp_path / "b.a3m").write_text(">b\nMKVVV\n>x\nMKV-V\n")
    _, output = run("check", fasta, "--complex", "--msa-dir", tmp_path)
    assert "two: protein of 3 residues (chain A); protein of 5 residues (chain B)" in output
    assert "MSA wanted (chain A), of 2 rows (chain B)" in output
    code, output = run("tokens", fasta)
    assert code == 2 and "has 2 jobs ('a', 'b'); say which with --name" in output
    assert "chain A, protein of 5 residues" in run("tokens", fasta, "--name", "b")[1]
    code, output = run("tokens", fasta, "--name", "c")
    assert code == 2 and "has no job called 'c'; it has 'a', 'b'" in output


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (">a\nMKL\n", ("--drop", "ZN"), "is FASTA; --keep, --drop, --assembly and --as-templates"),
        ("[]", ("--as-templates",), "is JSON; --keep, --drop, --assembly and --as-templates are"),
        ("[]", ("--complex",), "is JSON; --complex and --msa-dir are for FASTA"),
        ("HEADER    X\n", ("--complex",), "is a structure; --complex and --msa-dir are for FASTA"),
    ],
)
def test_options_that_mean_nothing_for_a_file_are_refused(tmp_path, text, arguments, message):
    path = tmp_path / "file"
    path.write_text(text)
    code, output = run("check", path, *arguments)
    assert code == 2 and message in output
