"""Alignment features of jobs that no golden case covers; expectations are worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from af3cli.chemistry import open_dictionary
from af3cli.errors import InputError
from af3cli.features.msa import msa_features
from af3cli.features.types import MsaFeatures
from af3cli.job import Dna, Entity, Job, Ligand, Modification, Protein, Rna
from af3cli.tokens import tokenize

COMPONENTS = open_dictionary()
LETTERS = "ARNDCQEGHILKMFPSTWYVX-AGCUAGCTN"


def features_of(*entities: Entity) -> MsaFeatures:
    job = Job("job", (1,), entities)
    tokens, _ = tokenize(job, COMPONENTS)
    return msa_features(job, tokens)


def rows_of(*entities: Entity) -> list[str]:
    return ["".join(LETTERS[code] for code in row) for row in features_of(*entities).rows]


def a3m(**rows: str) -> str:
    return "".join(f">{name}\n{row}\n" for name, row in rows.items())


def uniprot(*rows: tuple[str, str]) -> str:
    """An alignment whose rows are of species; "" is a header that names none."""
    return "".join(
        f">tr|A0A{i:06}|A0A{i:06}_{species}/1-9\n{row}\n" if species else f">{i}\n{row}\n"
        for i, (species, row) in enumerate(rows)
    )


def test_homodimer_repeats_its_alignment_and_pairs_nothing() -> None:
    alignment = a3m(query="ACDEF", one="ACD-F", two="GCDEFk")
    dimer = Protein(("A", "B"), "ACDEF", unpaired_msa=alignment, paired_msa=alignment)
    assert rows_of(dimer) == [row * 2 for row in ("ACDEF", "ACDEF", "ACD-F", "GCDEF")]


def test_chains_of_equal_letters_are_one_protein() -> None:
    """A phosphoserine reads as serine, so nothing is paired, though these are two entities."""
    alignment = uniprot(("", "ACSEF"), ("HUMAN", "AC-EF"))
    plain = Protein(("A",), "ACSEF", unpaired_msa="", paired_msa=alignment)
    phosphorylated = Protein(("B",), "ACSEF", (Modification("SEP", 3),), paired_msa=alignment)
    rows = rows_of(plain, phosphorylated)
    assert rows == ["ACSEF" + "AC" + "S" * 10 + "EF"] * 2


def test_three_chains_pair_by_species() -> None:
    """Most chains first, then rows high in their alignments; chains without a species have gaps."""
    first = uniprot(
        ("", "AAAAA"),
        ("HUMAN", "AAAAC"),
        ("MOUSE", "AAAAD"),
        ("HUMAN", "AAAAE"),
        ("ECOLI", "AAAAF"),
    )
    second = uniprot(("", "LLLLL"), ("MOUSE", "LLLLM"), ("HUMAN", "LLLLN"), ("YEAST", "LLLLP"))
    third = uniprot(("", "WWWWW"), ("HUMAN", "WWWWV"), ("YEAST", "WWWWY"))
    chains = [
        Protein((name,), sequence, unpaired_msa="", paired_msa=paired)
        for name, sequence, paired in zip(
            "ABC", ("AAAAA", "LLLLL", "WWWWW"), (first, second, third), strict=True
        )
    ]
    assert rows_of(*chains) == [
        "AAAAALLLLLWWWWW",
        "AAAACLLLLNWWWWV",
        "AAAADLLLLM-----",
        "-----LLLLPWWWWY",
    ]


def test_ties_keep_every_pair() -> None:
    """Rows whose numbers have equal products may come in any order, but all come."""
    species = [f"S{number}" for number in range(30)]
    first = uniprot(
        ("", "AAAAA"), *((name, "AA" + "ACDEF"[i % 5] * 3) for i, name in enumerate(species))
    )
    second = uniprot(
        ("", "LLLLL"), *((name, "LL" + "LMNPQ"[i % 5] * 3) for i, name in enumerate(species[::-1]))
    )
    rows = rows_of(
        Protein(("A",), "AAAAA", paired_msa=first), Protein(("B",), "LLLLL", paired_msa=second)
    )
    mates = {"ACDEF"[i % 5] + "LMNPQ"[(29 - i) % 5] for i in range(30)}
    assert {row[4] + row[9] for row in rows} == mates | {"AL"}
    assert len(rows) == 31


def test_paired_rows_are_taken_out_of_the_unpaired() -> None:
    """Equal is what has the same letters, whatever is inserted; shorter chains end in gaps."""
    pairs = uniprot(("", "AAAAA"), ("HUMAN", "AAAAC"))
    own = a3m(query="AAAAA", again="AAAkkkAC", other="AAAAD", twin="AAAAD")
    rows = rows_of(
        Protein(("A",), "AAAAA", unpaired_msa=own, paired_msa=pairs),
        Protein(
            ("B",), "LLLLL", unpaired_msa="", paired_msa=uniprot(("", "LLLLL"), ("HUMAN", "LLLLM"))
        ),
        Ligand(("C",), ("MG",)),
    )
    assert rows == ["AAAAALLLLL-", "AAAACLLLLM-", "AAAAD------", "AAAAD------"]


def test_protein_and_rna_stand_side_by_side_unpaired() -> None:
    protein = Protein(("A",), "ACDEF", unpaired_msa=a3m(query="ACDEF", one="AC-EF"), paired_msa="")
    rna = Rna(("B",), "ACGUN", unpaired_msa=a3m(query="ACGUN", one="A-GUT", two="CaaCGU-"))
    features = features_of(protein, rna)
    rows = ["".join(LETTERS[code] for code in row) for row in features.rows]
    assert rows == ["ACDEFACGUN", "ACDEFACGUN", "AC-EFA-GUN", "-----CCGU-"]
    assert features.rows[0, 5:].tolist() == [22, 24, 23, 25, 30]
    assert features.deletions[3].tolist() == [0] * 6 + [2, 0, 0, 0]
    assert features.deletions[:3].max() == 0
    np.testing.assert_allclose(features.deletion_mean[5:], [0, 2 / 3, 0, 0, 0], rtol=1e-7)
    expected = np.zeros((5, 31))
    expected[0, [22, 24]] = 2 / 3, 1 / 3
    expected[1, [24, 21]] = 2 / 3, 1 / 3
    expected[2, 23] = expected[3, 25] = 1
    expected[4, [30, 21]] = 2 / 3, 1 / 3
    np.testing.assert_allclose(features.profile[5:], expected, rtol=1e-7)


def test_dna_and_ligands_have_only_themselves() -> None:
    features = features_of(Dna(("A",), "ACGTN"), Ligand(("B",), ("MG",)))
    assert features.rows.tolist() == [[26, 28, 27, 29, 30, 21]] * 2
    assert features.profile.argmax(axis=1).tolist() == [26, 28, 27, 29, 30, 21]
    assert features.profile.max(axis=1).tolist() == [1] * 6


def test_a_ligand_alone_has_one_row_of_gaps() -> None:
    features = features_of(Ligand(("A",), ("MG",)))
    assert features.rows.tolist() == [[21]]


def test_chains_of_four_residues_ignore_their_alignment() -> None:
    def depth(sequence: str) -> int:
        alignment = a3m(query=sequence, one="-" * len(sequence), two="A" * len(sequence))
        return len(rows_of(Protein(("A",), sequence, unpaired_msa=alignment, paired_msa="")))

    assert depth("ACDE") == 2
    assert depth("ACDEF") == 4


def test_no_alignment_wanted_or_given_is_the_query_alone() -> None:
    for none in (None, "", " \n"):
        assert (
            rows_of(Protein(("A",), "ACDEF", unpaired_msa=none, paired_msa=none)) == ["ACDEF"] * 2
        )


def test_rare_letters_count_as_common_ones() -> None:
    rows = rows_of(
        Protein(("A",), "ACDEFGH", unpaired_msa=a3m(query="ACBZFGH", one="BJOUXZ-"), paired_msa="")
    )
    assert rows[1:] == ["ACDEFGH", "DXXCXE-"]


def test_an_alignment_may_be_wrapped_and_have_comments_before_it() -> None:
    text = "#6\t1\r\n>query\r\nACD\r\nEFG\r\n\r\n>one\r\n A-DEa \r\nkkFY\r\n"
    features = features_of(Protein(("A",), "ACDEFG", unpaired_msa=text, paired_msa=""))
    assert features.deletions[2].tolist() == [0, 0, 0, 0, 3, 0]


@pytest.mark.parametrize("chains", ["A", "AB"])
def test_what_is_inserted_into_the_query_is_in_its_own_row_alone(chains: str) -> None:
    """The row before the alignment's is the sequence as the job has it."""
    protein = Protein(tuple(chains), "ACDEF", unpaired_msa=a3m(query="ACaDEF"))
    features = features_of(protein)
    assert features.deletions.tolist() == [[0] * 5 * len(chains), [0, 0, 1, 0, 0] * len(chains)]
    assert features.deletion_mean.tolist() == [0, 0, 1, 0, 0] * len(chains)


def test_many_deletions_are_clipped_but_averaged_whole() -> None:
    alignment = a3m(query="ACDEF", one="AC" + "k" * 300 + "DEF" + "k" * 9)
    features = features_of(Protein(("A",), "ACDEF", unpaired_msa=alignment, paired_msa=""))
    assert features.deletions[2].tolist() == [0, 0, 127, 0, 0]
    assert features.deletion_mean.tolist() == [0, 0, 150, 0, 0]


def test_deep_alignments_are_cut_but_the_profile_sees_all() -> None:
    alignment = ">query\nACDEF\n" + ">row\nACDEW\n" * 19999
    features = features_of(Protein(("A",), "ACDEF", unpaired_msa=alignment, paired_msa=""))
    assert features.rows.shape == (16384, 5)
    assert features.profile[4, LETTERS.index("W")] == pytest.approx(19999 / 20000, rel=1e-6)


def test_at_most_half_of_the_rows_are_paired() -> None:
    def alignment(letter: str, mate: str) -> str:
        rows = ((f"S{i % 100}", letter * 4 + mate) for i in range(10000))
        return uniprot(("", letter * 5), *rows)

    own = ">query\nAAAAA\n" + ">row\nAAAAW\n" * 9000
    rows = rows_of(
        Protein(("A",), "AAAAA", unpaired_msa=own, paired_msa=alignment("A", "C")),
        Protein(("B",), "LLLLL", unpaired_msa="", paired_msa=alignment("L", "M")),
    )
    assert rows == ["AAAAALLLLL"] + ["AAAACLLLLM"] * 8191 + ["AAAAW-----"] * 8192


def test_one_species_pairs_at_most_600_times() -> None:
    rows = [
        uniprot(("", letter * 5), *(("HUMAN", letter * 4 + mate) for _ in range(700)))
        for letter, mate in ("AC", "LM")
    ]
    paired = rows_of(
        Protein(("A",), "AAAAA", paired_msa=rows[0]), Protein(("B",), "LLLLL", paired_msa=rows[1])
    )
    assert len(paired) == 601


@pytest.mark.parametrize(
    ("alignment", "message"),
    [
        ("ACDEF\n", "no line begins with '>'"),
        (">q\nACDEF\n>one\nACD*F\n", r"row 2 \(>one\) has '\*' at character 4"),
        (">q\nACDEF\n>é\nACDéF\n", r"row 2 \(>é\) has 'é' at character 4"),
        (">q\nACDEF\n>one\nACDE\n", r"row 2 \(>one\) has 4 columns .* first row has 5"),
        (">q\nACDEF\n>one\n>two\nACDEF\n", r"row 2 \(>one\) has no sequence"),
        (">q\nACDEFG\n", "6 columns and the chain 5 residues"),
        (">q\nACWEY\n", r"residue 3 is ASP \(D\), the row has W; residue 5 is PHE \(F\)"),
    ],
)
def test_bad_alignments_are_explained(alignment: str, message: str) -> None:
    chain = Protein(("X",), "ACDEF", unpaired_msa=alignment, paired_msa="")
    with pytest.raises(InputError, match=message) as caught:
        features_of(Ligand(("A",), ("MG",)), chain)
    assert "sequences[1].protein.unpairedMsa (chain X)" in str(caught.value)


def test_the_parent_of_a_modified_residue_is_wanted() -> None:
    changed = (Modification("TPO", 3),)
    assert rows_of(Protein(("A",), "ACSEF", changed, a3m(query="ACTEF"), ""))[0] == (
        "AC" + "T" * 11 + "EF"
    )
    with pytest.raises(InputError, match=r"residue 3 is TPO \(T\), the row has S"):
        rows_of(Protein(("A",), "ACSEF", changed, a3m(query="ACSEF"), ""))
