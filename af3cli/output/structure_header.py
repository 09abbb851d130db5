"""What made a predicted structure, how, and under which terms, as mmCIF tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from af3cli.output.cif_tables import UNKNOWN, add_table
from af3cli.output.complexes import ModelSource
from af3cli.output.terms import describe_source, disclaimer, licence_sentences

if TYPE_CHECKING:
    from gemmi import cif

_Table = Mapping[str, Sequence[object]]

# The same for every structure. The protocol is that of the official program's files, and so are the
# paper's authors. There is no audit_author: theirs are the official program's own.
_CONSTANT: dict[str, _Table] = {
    "audit_conform": {
        "dict_name": ["mmcif_ma.dic"],
        "dict_version": ["1.4.5"],
        "dict_location": [
            "https://raw.githubusercontent.com/ihmwg/ModelCIF/master/dist/mmcif_ma.dic"
        ],
    },
    "citation": {
        "id": ["primary"],
        "title": ["Accurate structure prediction of biomolecular interactions with AlphaFold 3"],
        "journal_full": ["Nature"],
        "journal_id_ASTM": ["NATUAS"],
        "journal_id_CSD": ["0006"],
        "journal_id_ISSN": ["0028-0836"],
        "journal_volume": ["630"],
        "page_first": ["493"],
        "page_last": ["500"],
        "year": ["2024"],
        "pdbx_database_id_PubMed": ["38718835"],
        "pdbx_database_id_DOI": ["10.1038/s41586-024-07487-w"],
        "book_publisher": [UNKNOWN],
        "country": ["UK"],
    },
    "citation_author": {
        "citation_id": ["primary", "primary"],
        "name": ["Google DeepMind", "Isomorphic Labs"],
        "ordinal": ["1", "2"],
    },
    "ma_data": {"id": ["1"], "name": ["Model"], "content_type": ["model coordinates"]},
    "ma_software_group": {"ordinal_id": ["1"], "group_id": ["1"], "software_id": ["1"]},
    "ma_protocol_step": {
        "ordinal_id": ["1", "2", "3"],
        "protocol_id": ["1", "1", "1"],
        "step_id": ["1", "2", "3"],
        "method_type": ["coevolution MSA", "template search", "modeling"],
    },
}


def add_header(block: cif.Block, source: ModelSource) -> None:
    """Adds the tables that say where the structure comes from."""
    add_table(block, "entry", {"id": [block.name]})
    for category, columns in (_CONSTANT | _tables_of_source(source)).items():
        add_table(block, category, columns)


def _tables_of_source(source: ModelSource) -> dict[str, _Table]:
    return {
        "pdbx_data_usage": {
            "id": ["1", "2"],
            "type": ["license", "disclaimer"],
            "details": [licence_sentences(source), disclaimer(source)],
            "url": [source.output_terms_url or source.terms_url or UNKNOWN, UNKNOWN],
        },
        "software": {
            "pdbx_ordinal": ["1"],
            "name": ["af3cli"],
            "version": [version("af3cli")],
            "date": [UNKNOWN],
            "type": ["package"],
            "classification": ["other"],
            "description": [f"Structure prediction with the parameters {describe_source(source)}"],
        },
        "ma_model_list": {
            "ordinal_id": ["1"],
            "model_id": ["1"],
            "model_group_id": ["1"],
            "model_group_name": [f"{source.name} (sha256 {source.sha256})"],
            "model_name": ["Predicted model"],
            "model_type": ["Ab initio model"],
            "data_id": ["1"],
        },
    }
