"""Small sequence databases made by mutation: the same on every machine."""

from __future__ import annotations

import random
from pathlib import Path

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
NUCLEOTIDES = "ACGU"
# About the frequencies in UniProt, so that random sequences are like real ones.
_FREQUENCIES = (83, 14, 55, 67, 39, 71, 23, 59, 58, 97, 24, 41, 47, 39, 55, 66, 53, 69, 11, 29)
_COMPLEMENT = str.maketrans("ACGU", "UGCA")


def random_protein(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(AMINO_ACIDS, _FREQUENCIES, k=length))


def random_rna(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(NUCLEOTIDES, k=length))


def mutated(rng: random.Random, sequence: str, rate: float, letters: str) -> str:
    """A relative: substitutions at `rate`, and insertions and deletions of some residues."""
    parts = []
    position = 0
    while position < len(sequence):
        draw = rng.random()
        if draw < 0.012:
            position += rng.randint(1, 8)
            continue
        if draw < 0.024:
            parts.append("".join(rng.choices(letters, k=rng.randint(1, 12))))
        parts.append(rng.choice(letters) if rng.random() < rate else sequence[position])
        position += 1
    return "".join(parts)


def protein_queries(count: int = 24) -> list[str]:
    """Random proteins; among them repeats, low complexity, short, unknown letters, no relatives."""
    rng = random.Random(1)
    special = [
        "MSSSSSSSSSSSSSSSSGSSSSSSSSSTSSSSSSSSSSSSAASSSSSSSSSSSSSNNSSSSSSS",
        "GPPGPPGPPGPPGAPGPPGPPGPPGSPGPPGPPGPPGPPGPPGPPGPRGPPGPP",
        random_protein(rng, 45) * 3,
        random_protein(rng, 12),
        random_protein(rng, 80) + "XXXXXU" + random_protein(rng, 60) + "BZOJ",
    ]
    lengths = [40, 76, 110, 150, 230, 350, 520]
    return special + [
        random_protein(rng, lengths[i % len(lengths)]) for i in range(count - len(special))
    ]


def write_protein_database(path: Path, queries: list[str], num_sequences: int = 900) -> None:
    """Relatives of all queries but the last (some of two domains, some fragments), and others.

    Some are equal, some have no description, one has no residues' end in a newline.
    """
    rng = random.Random(2)
    records = []
    for number in range(num_sequences):
        if number % 3 == 0:
            sequence = random_protein(rng, rng.randint(30, 600))
        else:
            sequence = _relative(rng, rng.choice(queries[:-1]))
        records.append(sequence)
    records += records[5:15]
    with path.open("w") as file:
        for number, sequence in enumerate(records):
            description = f" some protein {number}  OS=Homo sapiens" if number % 4 else ""
            file.write(f">tr|Q{number:05d}|P{number % 97}_HUMAN{description}\n")
            file.writelines(f"{sequence[i : i + 60]}\n" for i in range(0, len(sequence), 60))


def _relative(rng: random.Random, query: str) -> str:
    relative = mutated(rng, query, rng.choice((0.0, 0.1, 0.3, 0.45, 0.6)), AMINO_ACIDS)
    kind = rng.random()
    if kind < 0.2:
        linker = random_protein(rng, rng.randint(20, 90))
        relative += linker + mutated(rng, query, 0.4, AMINO_ACIDS)
    elif kind < 0.4:
        start = rng.randrange(max(1, len(relative) // 2))
        relative = relative[start : start + max(20, len(relative) // 2)]
    flanks = random_protein(rng, rng.randint(0, 80)), random_protein(rng, rng.randint(0, 80))
    return flanks[0] + relative + flanks[1]


def rna_queries() -> list[str]:
    """Random RNA, short and long, low complexity, and last one without relatives."""
    rng = random.Random(3)
    return [
        *(random_rna(rng, length) for length in (30, 49, 50, 76, 120, 300)),
        "GGGGCC" * 12,
        random_rna(rng, 40) + "NNN" + random_rna(rng, 40),
        random_rna(rng, 90),
    ]


def write_rna_database(path: Path, queries: list[str], num_sequences: int = 400) -> None:
    """Relatives on both strands, some written with T, some records with no relative."""
    rng = random.Random(4)
    with path.open("w") as file:
        for number in range(num_sequences):
            sequence = random_rna(rng, rng.randint(60, 500))
            if number % 2:
                relative = mutated(
                    rng, rng.choice(queries[:-1]), rng.choice((0.02, 0.15, 0.3)), NUCLEOTIDES
                )
                if number % 3 == 0:
                    relative = relative[::-1].translate(_COMPLEMENT)
                place = rng.randrange(len(sequence))
                sequence = sequence[:place] + relative + sequence[place:]
            if number % 5 == 0:
                sequence = sequence.replace("U", "T")
            file.write(f">URS{number:06d}/1-99 RNA number {number}\n")
            file.writelines(f"{sequence[i : i + 70]}\n" for i in range(0, len(sequence), 70))
