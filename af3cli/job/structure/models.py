"""Models after the first, of which a job has nothing."""

from __future__ import annotations

import gemmi

from af3cli.job.structure.names import WATERS
from af3cli.job.structure.tables import Chain, rows_of
from af3cli.wording import some

_TAGS = ("label_asym_id", "auth_asym_id", "label_comp_id")


def model_notes(block: gemmi.cif.Block, chains: list[Chain]) -> list[str]:
    """A note if there are several models, with the chains that are in none of `chains`."""
    num_models = len(set(block.find_values("_atom_site.pdbx_PDB_model_num")))
    if num_models < 2:
        return []
    known = {chain.label for chain in chains}
    lost = dict.fromkeys(
        author or label
        for label, author, code in rows_of(block, "_atom_site.", *_TAGS)
        if label not in known and code not in WATERS
    )
    rest = f"; left out is what only others have, of chain {some(list(lost))}" if lost else ""
    return [f"the first of {num_models} models is taken{rest}"]
