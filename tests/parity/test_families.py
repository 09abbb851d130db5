"""The networks of OpenFold3 and Protenix: every recorded stage, from their own tensors.

The default run uses networks cut short, `pytest -m slow` whole ones.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import jax
import numpy as np
import pytest

from af3cli.chemistry import open_dictionary
from af3cli.features.featurise import featurise
from af3cli.features.padding import Buckets, Sizes
from af3cli.inference.heads import Heads, load_heads
from af3cli.inference.trunk import TrunkModel, embed, load_model
from af3cli.job import read_job
from af3cli.model.config import ModelConfig
from af3cli.tokens import tokenize
from af3cli.weights.load import Weights
from tests.parity.comparison import Comparison, compare
from tests.parity.families import BOUND, NETWORKS, FamilyCase, family_cases
from tests.parity.family_features import features_from_family
from tests.parity.family_tensors import OPENFOLD3, PROTENIX
from tests.releases import SAME_RELEASES

DATA = Path(__file__).parents[1] / "data"
_SHORT = {"openfold3": "reduced", "protenix": "base_reduced"}
_REDUCED = [
    ("openfold3", "dna_duplex", "reduced"),
    ("openfold3", "dna_duplex_native", "reduced"),
    ("openfold3", "template_5y2e", "reduced"),
    ("openfold3", "user_ccd", "reduced"),
    ("protenix", "covalent_ligand", "base_reduced"),
    ("protenix", "dna_duplex", "base_reduced"),
    ("protenix", "template_5y2e", "base_reduced"),
]
_FULL = [
    ("openfold3", "dna_duplex", "full"),
    ("protenix", "dna_duplex", "tiny_full"),
    ("protenix", "dna_duplex", "base_full"),
]


@cache
def weights_of(network: str) -> Weights:
    return NETWORKS[network].load()


@cache
def loaded(network: str) -> tuple[TrunkModel, Heads]:
    weights = weights_of(network)
    model = load_model(weights, precision="float32")
    return model, load_heads(weights, model.precision)


def case_of(family: str, name: str) -> FamilyCase:
    (case,) = family_cases(DATA / family / name)
    return case


@dataclass(frozen=True)
class OneSize(Buckets):
    """The same sizes for all cases, so that few programs are compiled; results do not change."""

    def sizes(self, own: Sizes) -> Sizes:
        return Sizes(token=64, atom=512, row=16, template=1, bond=256)


def assert_within(comparisons: Sequence[Comparison]) -> None:
    """Asserts that every comparison is within its bound and that all parts are compared."""
    outside = [str(comparison) for comparison in comparisons if not comparison.is_within]
    assert not outside, "\n".join(outside)
    names = " ".join(comparison.name for comparison in comparisons)
    for part in ("s_inputs", "z_init", "0.z_after_msa", "1.s", "1.z", "diff2", "distogram"):
        assert part in names
    assert all(f"conf.{head}" in names for head in ("plddt", "pae", "pde"))


@pytest.mark.parametrize(("family", "name", "network"), _REDUCED)
def test_reduced_network(family: str, name: str, network: str) -> None:
    case = case_of(family, name)
    assert_within(list(case.compare(network, *loaded(network), OneSize())))


@pytest.mark.parametrize("masked", [False, True])
def test_atoms_without_reference_conformer(masked: bool) -> None:
    """A quarter of the atoms lack one; recorded of OpenFold3 0.5.0's own input embedder."""
    weights = weights_of("reduced")
    weights = replace(weights, config=replace(weights.config, masked_reference_atoms=masked))
    model = load_model(weights, precision="float32")
    case = case_of("openfold3", "user_ccd_no_conformer")
    assert not case.arrays("features")["ref_mask"].all()
    first = next(case.compare("reduced", model, loaded("reduced")[1], OneSize()))
    assert first.name == "s_inputs"
    assert first.is_within is not masked


def test_native_features_and_embeddings_of_a_job() -> None:
    """From the job by OpenFold3's own conventions, templates that are not there among them."""
    recorded = case_of("openfold3", "dna_duplex_native")
    model, components = loaded("reduced")[0], open_dictionary()
    conventions = model.config.features
    job = read_job(DATA / "dna_duplex" / "job.json")
    tokens, atoms = tokenize(job, components, terminal_atoms=conventions.terminal_atoms)
    features = featurise(job, tokens, atoms, components, job.seeds[0], conventions)
    expected = features_from_family(recorded.arrays("features"))
    paths = jax.tree_util.tree_leaves_with_path(expected)
    for (path, array), ours in zip(paths, jax.tree.leaves(features), strict=True):
        name = jax.tree_util.keystr(path)
        assert ours.dtype == array.dtype, name
        if name != ".atoms.ref_position" or SAME_RELEASES:
            tolerance = 1e-3 if name == ".atoms.ref_position" else 0
            np.testing.assert_allclose(ours, array, rtol=0, atol=tolerance, err_msg=name)
    # Conformers of another release of RDKit are other ones; the recorded ones are on hand.
    atoms = replace(features.atoms, ref_position=expected.atoms.ref_position)
    embeddings = embed(
        model, replace(features, atoms=atoms), seed=1, num_recycles=1, buckets=OneSize()
    )
    arrays = recorded.arrays("reduced")
    ours = {"pass1.s": embeddings.single, "pass1.z_rows": embeddings.pair[arrays["rows"]]}
    for name, array in ours.items():
        assert compare(name, array, arrays[name], BOUND).is_within


@pytest.mark.slow
@pytest.mark.parametrize(("family", "name", "network"), _FULL)
def test_full_network(family: str, name: str, network: str) -> None:
    weights = NETWORKS[network].load()
    model = load_model(weights, precision="float32")
    heads = load_heads(weights, model.precision)
    del weights
    assert_within(list(case_of(family, name).compare(network, model, heads)))


def test_tensors_are_those_that_were_recorded() -> None:
    tensors = OPENFOLD3.tensors()
    assert hashlib.sha256(as_safetensors(tensors)).hexdigest() == (
        "d6b42de1845a8664bc942b24909eb3b018ddac51b8603ca0ba968285f0d6814d"
    )
    digest = 0
    for name, tensor in PROTENIX.tensors().items():
        digest = zlib.crc32(tensor.tobytes(), zlib.crc32(name.encode(), digest))
    assert digest == 0xDFCE2764


def as_safetensors(tensors: Mapping[str, np.ndarray]) -> bytes:
    """Returns the file that the safetensors package writes: names sorted, no spaces in the JSON."""
    header, end = {}, 0
    for name in sorted(tensors):
        start, end = end, end + tensors[name].nbytes
        shape = list(tensors[name].shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    values = (tensors[name].tobytes() for name in sorted(tensors))
    return b"".join([struct.pack("<Q", len(text)), text, *values])


def damaged(config: ModelConfig, field: str, value: object) -> ModelConfig:
    """Returns a configuration with one field changed, such as `confidence.atoms_by_rank`."""
    first, _, rest = field.partition(".")
    return replace(
        config, **{first: damaged(getattr(config, first), rest, value) if rest else value}
    )


def first_outside(comparisons: Iterable[Comparison]) -> str | None:
    """Returns the name of the first array that is out of bounds, itself or by its statistics."""
    return next((c.name.removeprefix("stat.") for c in comparisons if not c.is_within), None)


_IN_TRUNK = [
    ("openfold3", "user_ccd", "one_way_bonds_quirk", True, "z_init_rows"),
    ("openfold3", "template_5y2e", "key_space_uid_quirk", True, "s_inputs"),
    ("openfold3", "user_ccd", "empty_atom_keys_quirk", True, "s_inputs"),
    ("protenix", "dna_duplex", "atom_transformer.shifted_windows", True, "s_inputs"),
    ("protenix", "dna_duplex", "atom_transformer.twice_normalised_keys", False, "s_inputs"),
    ("protenix", "dna_duplex", "pairformer.transposed_ending_bias", False, "cycle0.z_after_msa"),
    (
        "protenix",
        "template_5y2e",
        "template.stack.transposed_ending_bias",
        False,
        "cycle0.z_after_template",
    ),
]


@pytest.mark.parametrize(("family", "name", "field", "value", "expected"), _IN_TRUNK)
def test_each_difference_of_the_trunk_counts(
    family: str, name: str, field: str, value: object, expected: str
) -> None:
    network = _SHORT[family]
    weights = weights_of(network)
    weights = replace(weights, config=damaged(weights.config, field, value))
    model = load_model(weights, precision="float32")
    comparisons = case_of(family, name).compare(network, model, loaded(network)[1], OneSize())
    assert first_outside(comparisons) == expected


_IN_HEADS = [
    ("openfold3", "dna_duplex", "confidence.atoms_by_rank", False, "conf.plddt_logits"),
    ("protenix", "dna_duplex", "confidence.symmetric_pde_input", False, "conf.pde"),
    ("protenix", "dna_duplex", "confidence.distance_input", False, "conf.pae"),
    ("protenix", "dna_duplex", "confidence.normalised_single", False, "conf.plddt"),
]
_ARRAYS = [
    ("openfold3", "diffuser/~/diffusion_head/noise_embedding:phase", "diff0.denoised"),
    ("protenix", "diffuser/distogram_head/half_logits:bias", "distogram_logits"),
    ("protenix", "diffuser/~/diffusion_head/pair_cond_relative_encoding:weights", "diff.pair_z"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("family", "name", "field", "value", "expected"), _IN_HEADS)
def test_each_difference_of_the_heads_counts(
    family: str, name: str, field: str, value: object, expected: str
) -> None:
    network = _SHORT[family]
    weights = weights_of(network)
    weights = replace(weights, config=damaged(weights.config, field, value))
    heads = load_heads(weights, loaded(network)[0].precision)
    comparisons = case_of(family, name).compare(network, loaded(network)[0], heads, OneSize())
    assert first_outside(comparisons) == expected


@pytest.mark.slow
@pytest.mark.parametrize(("family", "array", "expected"), _ARRAYS)
def test_each_array_of_its_own_counts(family: str, array: str, expected: str) -> None:
    network = _SHORT[family]
    weights = weights_of(network)
    wrong = {array: np.zeros_like(weights.arrays[array])}
    weights = replace(weights, arrays=weights.arrays | wrong)
    heads = load_heads(weights, loaded(network)[0].precision)
    comparisons = case_of(family, "dna_duplex").compare(
        network, loaded(network)[0], heads, OneSize()
    )
    assert first_outside(comparisons) == expected


def test_a_stage_that_is_not_known_is_out_of_bounds(tmp_path: Path) -> None:
    for path in (DATA / "openfold3").glob("user_ccd.*"):
        shutil.copy(path, tmp_path)
    with np.load(tmp_path / "user_ccd.reduced.npz") as arrays:
        recorded = dict(arrays)
    np.savez(tmp_path / "user_ccd.reduced.npz", rows=recorded["rows"], surprise=recorded["s_init"])
    (case,) = family_cases(tmp_path)
    comparisons = list(case.compare("reduced", *loaded("reduced"), OneSize()))
    assert [(c.name, c.is_within) for c in comparisons] == [("surprise", False)]
