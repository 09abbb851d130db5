"""Which components the residues of a job have, where what is wrong with it leaves that known."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from af3cli.job import AtomAddress, Dna, Job, Ligand, Protein, Rna
from af3cli.job.places import MODIFICATION_KEYS, entity_kind, entity_place
from af3cli.job.problems import Problems
from af3cli.tokens.chains import job_chains


class KnownResidues:
    """The components of the residues of each chain.

    A chain is left out if `problems` have something about its sequence, its codes or its id.
    """

    def __init__(self, job: Job, problems: Problems) -> None:
        entities = []
        self._misplaced: dict[str, tuple[str, ...]] = {}
        for number, entity in enumerate(job.entities):
            place = entity_place(number, entity)
            if not isinstance(entity, Ligand):
                if problems.concern(f"{place}.sequence") or _lost_modifications(
                    entity, place, problems
                ):
                    continue
                entity, misplaced = _placed(entity, place, problems)
                self._misplaced |= dict.fromkeys(entity.ids, misplaced)
            elif entity.smiles:
                continue
            entities.append(entity)
        uses = Counter(chain for entity in job.entities for chain in entity.ids)
        self._codes = {
            chain.chain_id: chain.codes
            for chain in job_chains(replace(job, entities=tuple(entities)))
            if uses[chain.chain_id] == 1
        }

    def of_chain(self, chain_id: str) -> tuple[str, ...]:
        """The component of each residue; none if they are not known."""
        return self._codes.get(chain_id, ())

    def of_atom(self, atom: AtomAddress) -> tuple[str, ...]:
        """The component of the atom's residue, then modifications that may be meant for it."""
        codes = self.of_chain(atom.chain_id)
        if not 1 <= atom.residue_id <= len(codes):
            return ()
        return codes[atom.residue_id - 1], *self._misplaced.get(atom.chain_id, ())


def _lost_modifications(entity: Protein | Rna | Dna, place: str, problems: Problems) -> bool:
    return not entity.modifications and problems.concern(f"{place}.modifications")


def _placed(
    entity: Protein | Rna | Dna, place: str, problems: Problems
) -> tuple[Protein | Rna | Dna, tuple[str, ...]]:
    """The entity without the modifications whose position is wrong, and the codes of those."""
    _, key = MODIFICATION_KEYS[entity_kind(entity)]
    placed, misplaced = [], []
    for i, modification in enumerate(entity.modifications):
        is_wrong = problems.concern(f"{place}.modifications[{i}].{key}")
        (misplaced if is_wrong else placed).append(modification)
    codes = tuple(modification.ccd_code for modification in misplaced)
    return replace(entity, modifications=tuple(placed)), codes
