"""PDB files: where their chains end, and which residues of a chain are a polymer.

A line of atoms has a chain's name, or none, and TER ends a polymer. As programs leave names out,
use them twice, and write TER at other places or not at all, the text is first cut into runs, which
end at TER, where the name changes, and where residue numbers start again. Runs of one name are then
put together where one goes on with the numbers of the other.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import gemmi

from af3cli.errors import InputError
from af3cli.job.structure.conect import add_conect_links
from af3cli.job.structure.names import WATERS

_OLD_LINE_LENGTH = 72
_WATER, _POLYMER, _OTHER = (
    gemmi.EntityType.Water,
    gemmi.EntityType.Polymer,
    gemmi.EntityType.NonPolymer,
)
_CAPS = ("NME", "NH2")
# What nucleotides of DNA were called before 2007, as those of RNA are.
_OLD_DNA = {"A": "DA", "C": "DC", "G": "DG", "T": "DT", "U": "DU", "I": "DI"}
# In Angstrom: longer than any bond between two residues, and shorter than contacts; longer than the
# way from residue to residue where a file has a few atoms of each alone.
_MAX_BOND = 2.2
_MAX_STEP = 8.0
_MAX_TRACE_ATOMS = 2
_UNNUMBERED = 10_000


def read_pdb(text: str, source: str) -> gemmi.Structure:
    """A PDB file in which each chain is one polymer with what is beside it, or has no polymer.

    Chains may have equal names. The types of residues are unknown where nothing tells them but
    their components. Raises `InputError` if residue names have more than three letters.
    """
    lines = text.splitlines()
    _refuse_long_names(lines, source)
    divided, have_ter = _divide(lines)
    structure = _read_lines("\n".join(divided))
    for model in structure:
        for run in model:
            _rename_old_dna(run, structure.get_entity(run.name))
    stated = {entity.name for entity in structure.entities if entity.full_sequence}
    ends = iter(have_ter)
    for model in structure:
        _number_chains(model, list(itertools.islice(ends, len(model))), stated)
    structure.merge_chain_parts()
    for model in structure:
        for chain in model:
            chain.name = chain.name.partition(" ")[2]
        _name_by_segments(model)
    structure.add_entity_types()
    for chain in (chain for model in structure for chain in model):
        _take_cap(chain)
    add_conect_links(structure)
    return structure


def _read_lines(text: str) -> gemmi.Structure:
    """A PDB file, also one of before 1996, with the entry's name where elements are now."""
    try:
        return gemmi.read_pdb_string(text, split_chain_on_ter=True)
    except (ValueError, RuntimeError):
        return gemmi.read_pdb_string(
            text, max_line_length=_OLD_LINE_LENGTH, split_chain_on_ter=True
        )


def _refuse_long_names(lines: list[str], source: str) -> None:
    """Raises `InputError` if a name of four letters runs into the column before the chain's."""
    found: dict[str, None] = {}
    atoms = (line if _is_atom(line) else "" for line in lines if _is_atom(line) or _is_end(line))
    for first, second in itertools.pairwise(atoms):
        if first[20:21] == second[20:21] or first[21:22] != second[21:22]:
            continue
        plain, long = sorted((first, second), key=lambda line: line[20:21])
        if plain[20:21] == " " and _number(second) - _number(first) in (0, 1):
            found[long[17:21]] = None
    if names := ", ".join(name for name in found if name[:3] not in WATERS):
        raise InputError(
            f"{source}: has residue names of four letters ({names}); change them to the names of "
            "three that the component dictionary has"
        )


def _is_atom(line: str) -> bool:
    return line[:4].upper() in ("ATOM", "HETA")


def _is_end(line: str) -> bool:
    return line[:4].strip().upper() in ("TER", "END", "ENDM", "MODE")


def _number(line: str) -> int:
    text = line[22:26].strip()
    return int(text) if text.removeprefix("-").isdecimal() else _UNNUMBERED


@dataclass(slots=True)
class _Run:
    """The atoms of a run, `before` its numbers last fell and `since`, and where that was."""

    name: tuple[str, str]
    number: int = -_UNNUMBERED
    fall: int = 0
    before: set[str] = field(default_factory=set)
    since: set[str] = field(default_factory=set)

    def starts_again(self, line: str, place: int) -> bool:
        """Whether an atom shows that what came since the last fall is another chain."""
        number, atom = _number(line), line[12:17] + line[22:27]
        if number < self.number:
            self.before |= self.since
            self.since, self.fall = set(), place
        self.number = number
        self.since.add(atom)
        if atom not in self.before:
            return False
        self.before = set()
        return True


def _divide(lines: list[str]) -> tuple[list[str], list[bool]]:
    """The lines with a TER between runs, and whether each run had one at its end.

    In a file that names no chain, a run also ends where the segment changes.
    """
    has_names = any(line[20:22].strip() for line in lines if _is_atom(line))
    divided: list[str] = []
    have_ter: list[bool] = []
    run: _Run | None = None
    for line in lines:
        if _is_atom(line):
            name = line[20:22].strip(), "" if has_names else line[72:76].strip()
            if run is None or run.name != name:
                divided.append("TER")
                have_ter.append(False)
                run = _Run(name)
            if run.starts_again(line, len(divided)):
                divided.insert(run.fall, "TER")
                have_ter.append(False)
        elif _is_end(line):
            if run and line[:3].upper() == "TER":
                have_ter[-1] = True
            run = None
        divided.append(line)
        if line[:4].strip().upper() == "END":
            break
    return divided, have_ter


def _rename_old_dna(run: gemmi.Chain, entity: gemmi.Entity | None) -> None:
    """Gives nucleotides of DNA, which has no O2', the names that they have now."""
    nucleotides = [residue for residue in run if residue.name in _OLD_DNA]
    atoms = {atom.name.replace("*", "'") for residue in nucleotides for atom in residue}
    if "O3'" not in atoms or "O2'" in atoms:
        return
    for residue in nucleotides:
        residue.name = _OLD_DNA[residue.name]
    if entity:
        entity.full_sequence = [_OLD_DNA.get(name, name) for name in entity.full_sequence]


def _number_chains(model: gemmi.Model, have_ter: list[bool], stated: set[str]) -> None:
    """Puts numbers before the names of runs, equal ones for one chain, and types residues.

    That is, the residues of polymers that end with TER, and of what has no polymer. `stated` are
    the names of chains whose sequence the file states.
    """
    are_polymers = _are_polymers(model, have_ter, stated)
    firsts = _first_runs(model, are_polymers)
    runs = list(zip(model, firsts, are_polymers, have_ter, strict=True))
    ends = {first: has_ter for _, first, is_polymer, has_ter in runs if is_polymer}
    for run, first, is_polymer, _ in runs:
        if not is_polymer:
            _set_types(run, 0)
        elif ends[first] and not any(residue.is_water() for residue in run):
            _set_types(run, len(run) if run.name in stated else _polymer_end(run))
        run.name = f"{first} {run.name}"


def _are_polymers(model: gemmi.Model, have_ter: list[bool], stated: set[str]) -> list[bool]:
    """Whether each run has a polymer, by its components.

    One after a polymer of the same name has what is beside that, and another polymer, or more of
    it, if it ends with TER or has several residues of polymers that are no HETATM.
    """
    known: set[str] = set()
    found = []
    for run, has_ter in zip(model, have_ter, strict=True):
        is_polymer = run.whole().check_polymer_type() != gemmi.PolymerType.Unknown
        if run.name in known:
            num_linking = sum(res.het_flag == "A" and _is_linking(res) for res in run)
            is_polymer = is_polymer and (has_ter or num_linking > 1)
        else:
            is_polymer = is_polymer or (has_ter and run.name in stated)
        if is_polymer and run.name:
            known.add(run.name)
        found.append(is_polymer)
    return found


def _first_runs(model: gemmi.Model, are_polymers: list[bool]) -> list[int]:
    """Of each run, which is the first of its chain; runs without names are chains of their own."""
    firsts: list[int] = []
    polymers: dict[str, int] = {}
    for i, (run, is_polymer) in enumerate(zip(model, are_polymers, strict=True)):
        before = polymers.get(run.name, i) if is_polymer else max(i - 1, 0)
        if is_polymer:
            polymers[run.name] = i
        belongs = _continues(model[before], run) if is_polymer else model[before].name == run.name
        firsts.append(firsts[before] if before < i and run.name and belongs else i)
    return firsts


def _continues(first: gemmi.Chain, second: gemmi.Chain) -> bool:
    """Whether a polymer goes on in another run of its chain: the numbers do, and nothing ended."""
    last = first[-1]
    return (
        _polymer_end(first) == len(first)
        and last.seqid.num < second[0].seqid.num
        and not any(atom.name == "OXT" for atom in last)
    )


def _set_types(run: gemmi.Chain, end: int) -> None:
    """Makes a polymer of the first `end` residues."""
    for number, residue in enumerate(run):
        beside = _WATER if residue.is_water() else _OTHER
        residue.entity_type = _POLYMER if number < end else beside


def _polymer_end(run: gemmi.Chain) -> int:
    """How many residues are the polymer: all but the last, if those are neither of it nor bound."""
    end = max((i for i, res in enumerate(run, start=1) if _is_linking(res)), default=len(run))
    while end < len(run) and _is_attached(run[end - 1], run[end]):
        end += 1
    return end


def _is_linking(residue: gemmi.Residue) -> bool:
    known = gemmi.find_tabulated_residue(residue.name)
    if known.found():
        return known.is_amino_acid() or known.is_nucleic_acid()
    return residue.get_ca() is not None


def _is_cap(last: gemmi.Residue, residue: gemmi.Residue) -> bool:
    return residue.name in _CAPS and residue.seqid.num == last.seqid.num + 1


def _is_attached(last: gemmi.Residue, residue: gemmi.Residue) -> bool:
    """Whether a residue is a cap of another, or follows it by its number and touches it."""
    reach = _MAX_BOND if len(last) > _MAX_TRACE_ATOMS else _MAX_STEP
    return _is_cap(last, residue) or (
        residue.seqid.num - last.seqid.num in (0, 1)
        and any(atom.pos.dist(other.pos) < reach for atom in last for other in residue)
    )


def _take_cap(chain: gemmi.Chain) -> None:
    """Makes a cap behind a polymer a part of it."""
    for last, residue in itertools.pairwise(chain):
        if last.entity_type == _POLYMER and _is_cap(last, residue):
            residue.entity_type = _POLYMER


def _name_by_segments(model: gemmi.Model) -> None:
    """Calls chains after their segments, if they have no names and there are several segments."""
    segments = {residue.segment for chain in model for residue in chain}
    if len(segments) > 1 and not any(chain.name for chain in model):
        for chain in model:
            chain.name = chain[0].segment
