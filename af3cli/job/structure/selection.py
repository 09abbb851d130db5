"""Which chains of a structure file belong in a job, and what they are called there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from af3cli.job.alphabets import ALPHABETS
from af3cli.job.chain_ids import chain_id
from af3cli.job.options import StructureOptions
from af3cli.job.structure.links import Link, LinkEnd
from af3cli.job.structure.names import ADDITIVES, UNKNOWN_LIGANDS, WATERS
from af3cli.job.structure.polymers import polymer_kind
from af3cli.job.structure.tables import Chain
from af3cli.wording import some

_POLYMER_RESIDUES = frozenset().union(*(alphabet.letters for alphabet in ALPHABETS.values()))

_MAX_ID_LENGTH = 4

# A chain of the job: the label in the file, and which copy of an assembly it is.
Instance = tuple[str, int]


def chain_kind(chain: Chain) -> str | None:
    """`protein`, `rna`, `dna`, `ligand`, `water`, or `None` of what a job cannot say."""
    codes = [residue.code for residue in chain.residues]
    if chain.entity_type == "water" or WATERS.issuperset(codes):
        return "water"
    if chain.is_polymer and not chain.polymer_type.startswith("polysaccharide"):
        return polymer_kind(chain.polymer_type, codes)
    return "ligand"


def select_chains(
    chains: list[Chain], links: list[Link], options: StructureOptions, *, is_predicted: bool
) -> tuple[list[Chain], list[str]]:
    """The chains that a job takes, and notes of what is left out.

    Left out are waters, polymers of other kinds, components to drop, unknown ligands, and, but in
    predicted structures, single additives that are bonded to nothing and not to be kept.
    """
    kept = options.keep | ADDITIVES if is_predicted else options.keep
    bonded = {end.chain for link in links for end in link.ends if _joins_two(link)}
    selected: list[Chain] = []
    num_waters = 0
    impossible: list[str] = []
    dropped: Counter[str] = Counter()
    unwanted: Counter[str] = Counter()
    for chain in chains:
        kind = chain_kind(chain)
        codes = {residue.code for residue in chain.residues}
        name = "-".join(residue.code for residue in chain.residues)
        if kind == "water":
            num_waters += len(chain.residues)
        elif kind is None:
            impossible.append(f"{_called(chain)} ({chain.polymer_type or 'of unknown type'})")
        elif kind == "ligand" and codes & options.drop:
            dropped[name] += 1
        elif kind == "ligand" and _is_unwanted(codes, chain.label in bonded, kept):
            unwanted[name] += 1
        else:
            selected.append(chain)
    left_out = {
        "left out: waters": f"({num_waters})" if num_waters else "",
        "left out, as jobs have no such polymers:": ", ".join(impossible),
        "left out, as --drop says:": _counts(dropped),
        "left out, unless --keep names them:": _counts(unwanted),
        "not in the file, whatever --keep and --drop say:": _absent(chains, options),
    }
    return selected, [f"{what} {which}" for what, which in left_out.items() if which]


def merge_linked_ligands(chains: list[Chain], links: list[Link]) -> tuple[list[Chain], list[Link]]:
    """Makes one ligand of the single components that are linked to each other.

    PDB files do not say which sugars are one glycan; their links do.
    """
    ligands = {chain.label for chain in chains if chain_kind(chain) == "ligand"}
    root = {chain.label: chain.label for chain in chains}

    def find(label: str) -> str:
        while root[label] != label:
            root[label] = label = root[root[label]]
        return label

    for link in links:
        labels = [end.chain for end in link.ends]
        if not link.is_symmetric and ligands.issuperset(labels):
            root[find(labels[1])] = find(labels[0])
    moved: dict[tuple[str, int], tuple[str, int]] = {}
    merged: dict[str, Chain] = {}
    for chain in chains:
        target = find(chain.label)
        before = merged.get(target)
        offset = len(before.residues) if before else 0
        for position in range(1, len(chain.residues) + 1):
            moved[chain.label, position] = target, offset + position
        merged[target] = (
            replace(before, entity_type="branched", residues=before.residues + chain.residues)
            if before
            else replace(chain, label=target)
        )
    new_links = [
        replace(
            link,
            ends=tuple(
                LinkEnd(*moved[end.chain, end.residue], end.code, end.atom) for end in link.ends
            ),
        )
        for link in links
    ]
    return list(merged.values()), new_links


def assign_ids(
    chains: list[Chain], copies: dict[str, list[str]], *, is_predicted: bool
) -> dict[Instance, str]:
    """Chain ids for every copy of every chain, as a job wants them: upper-case letters, unique.

    First copies keep their label in the file, a long one in predicted structures only; where that
    is no such id, a polymer takes its author's id. All others get the next free one.
    """
    longest = None if is_predicted else _MAX_ID_LENGTH
    present = [chain for chain in chains if copies[chain.label]]
    ids = {(c.label, 0): c.label for c in present if _is_id(c.label, longest)}
    taken = set(ids.values())
    for chain in present:
        is_named = (chain.label, 0) in ids
        if (
            not is_named
            and chain.is_polymer
            and _is_id(chain.author, longest)
            and chain.author not in taken
        ):
            ids[chain.label, 0] = chain.author
            taken.add(chain.author)
    free = _unused_ids(taken)
    for chain in present:
        for copy in range(len(copies[chain.label])):
            if (chain.label, copy) not in ids:
                ids[chain.label, copy] = next(free)
    order = {chain.label: number for number, chain in enumerate(present)}
    return dict(sorted(ids.items(), key=lambda item: (order[item[0][0]], item[0][1])))


def renaming_notes(chains: list[Chain], ids: dict[Instance, str]) -> list[str]:
    """A note of the chains that the job calls other than the file does.

    Polymers are known by their author's id; ligands, which share it with a polymer, by their label,
    and so are all where the author gave none.
    """
    by_label = {chain.label: chain for chain in chains}
    copies: dict[str, list[str]] = {}
    renamed = []
    for (label, copy), identifier in ids.items():
        chain = by_label[label]
        known_as = (chain.author,) if chain.is_polymer and chain.author else (chain.author, label)
        if copy:
            copies.setdefault(label, []).append(identifier)
        elif identifier not in known_as:
            renamed.append(f"{chain_title(chain)} is {identifier}")
    for label, names in copies.items():
        title = chain_title(by_label[label])
        if len(names) == 1:
            renamed.append(f"{title}, copy 2, is {names[0]}")
        else:
            renamed.append(f"{title}, copies 2 to {len(names) + 1}, are {names[0]} to {names[-1]}")
    return [f"renamed: {'; '.join(renamed)}"] if renamed else []


def chain_title(chain: Chain) -> str:
    """What people know a chain by, such as `chain A`, or `CA 401 of chain A` of a ligand."""
    if chain.is_polymer:
        return _called(chain)
    first = chain.residues[0]
    return f"{first.code} {first.author_number} of {_called(chain)}"


def broken_polymers(chains: list[Chain], links: list[Link]) -> list[Chain]:
    """Ligands with two or more residues as of a polymer, and no link that says what joins them."""
    joined = {link.ends[0].chain for link in links if not _joins_two(link)}
    return [
        chain
        for chain in chains
        if chain_kind(chain) == "ligand"
        and chain.label not in joined
        and sum(residue.code in _POLYMER_RESIDUES for residue in chain.residues) > 1
    ]


def sequence_notes(chains: list[Chain]) -> list[str]:
    """A note of the polymers of which the file does not say what was not seen."""
    unstated = dict.fromkeys(_called(c) for c in chains if c.is_polymer and not c.has_sequence)
    if not unstated:
        return []
    return [
        f"the file does not state the sequence of {some(list(unstated))}: residues that have no "
        "coordinates are missing there"
    ]


def _called(chain: Chain) -> str:
    return f"chain {chain.author}" if chain.author else "the chain without a name"


def _is_unwanted(codes: set[str], is_bonded: bool, keep: frozenset[str]) -> bool:
    if codes <= keep:
        return False
    return bool(codes & UNKNOWN_LIGANDS) or (codes <= ADDITIVES and not is_bonded)


def _counts(names: Counter[str]) -> str:
    return ", ".join(f"{name} ({n})" if n > 1 else name for name, n in sorted(names.items()))


def _absent(chains: list[Chain], options: StructureOptions) -> str:
    """The components that options name for nothing."""
    present = {residue.code for chain in chains for residue in chain.residues}
    return ", ".join(sorted((options.keep | options.drop) - present))


def _joins_two(link: Link) -> bool:
    return link.ends[0].chain != link.ends[1].chain


def _is_id(name: str, longest: int | None) -> bool:
    return re.fullmatch("[A-Z]+", name) is not None and len(name) <= (longest or len(name))


def _unused_ids(taken: set[str]) -> Iterator[str]:
    number = 0
    while True:
        if (identifier := chain_id(number)) not in taken:
            yield identifier
        number += 1
