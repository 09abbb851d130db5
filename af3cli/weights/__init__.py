"""Model parameters: finding, reading, checking, making and writing them."""

from af3cli.weights.catalogue import CATALOGUE, CatalogueEntry
from af3cli.weights.find import cache_folder, find_weights
from af3cli.weights.load import load_weights
from af3cli.weights.provenance import Weights
from af3cli.weights.records import Record, write_records
from af3cli.weights.schema import official_schema
from af3cli.weights.synthetic import synthetic_parameters

__all__ = [
    "CATALOGUE",
    "CatalogueEntry",
    "Record",
    "Weights",
    "cache_folder",
    "find_weights",
    "load_weights",
    "official_schema",
    "synthetic_parameters",
    "write_records",
]
