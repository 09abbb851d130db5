"""Jobs: what a user asks for, and how it is read, checked and written."""

from af3cli.job.a3m import parse_a3m
from af3cli.job.chain_ids import chain_id, chain_order
from af3cli.job.draft import Draft, JobFile
from af3cli.job.names import file_name, job_digest
from af3cli.job.options import FastaOptions, StructureOptions
from af3cli.job.read import parse_jobs, read_file, read_job, read_jobs
from af3cli.job.summary import describe, remarks
from af3cli.job.types import (
    AtomAddress,
    ChainSource,
    Dna,
    Entity,
    Job,
    Ligand,
    Modification,
    Protein,
    Rna,
    SeenComponent,
    Template,
)
from af3cli.job.validate import validate
from af3cli.job.write import to_alphafold3_json

__all__ = [
    "AtomAddress",
    "ChainSource",
    "Dna",
    "Draft",
    "Entity",
    "FastaOptions",
    "Job",
    "JobFile",
    "Ligand",
    "Modification",
    "Protein",
    "Rna",
    "SeenComponent",
    "StructureOptions",
    "Template",
    "chain_id",
    "chain_order",
    "describe",
    "file_name",
    "job_digest",
    "parse_a3m",
    "parse_jobs",
    "read_file",
    "read_job",
    "read_jobs",
    "remarks",
    "to_alphafold3_json",
    "validate",
]
