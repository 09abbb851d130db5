"""Results as figures. They are drawn with matplotlib, which is an extra: `af3cli[plots]`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Shaped

from af3cli.output.embeddings import Entry
from af3cli.output.prediction_reader import SavedSample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DOTS_PER_INCH = 110
_MAX_PAE = 31.75  # Å, the centre of the last bin of the network's expected errors
# Rows of a pair representation that are read together.
_BLOCK = 256
# More chains than these leave no room for their names.
_MOST_NAMES = 20


def entry_figure(entry: Entry) -> Figure:
    """Returns a figure of the lengths of an entry's vectors: of its pairs and of its tokens."""
    chains = entry.tokens["chain_id"]
    held = entry.attributes["include"]
    names = [name for name in ("pair", "single", "target_feat") if name in held]
    figure = _figure(len(names))
    for axes, name in zip(figure.axes, names, strict=True):
        axes.set_title(f"length of {name} vectors")
        if name == "pair":
            _draw_matrix(axes, _pair_lengths(entry), chains, "viridis")
        else:
            lengths = np.linalg.norm(getattr(entry, name).astype(np.float32), axis=1)
            _draw_curve(axes, lengths, chains)
            axes.set_xlabel("token")
    return figure


def sample_figure(sample: SavedSample) -> Figure:
    """Returns a figure of a structure's expected errors, contacts and pLDDT.

    Raises:
        OutputError: its confidences cannot be read.
    """
    confidences = sample.confidences()
    chains = confidences.token_chain_id
    figure = _figure(3)
    pae, contacts, plddt = figure.axes
    pae.set_title("PAE (Å): error of the column, aligned on the row")
    _draw_matrix(pae, confidences.pae, chains, "Greens_r", (0, _MAX_PAE))
    contacts.set_title("probability of contact")
    _draw_matrix(contacts, confidences.contact_probs, chains, "Blues", (0, 1))
    plddt.set_title("pLDDT")
    _draw_curve(plddt, confidences.plddt, confidences.atom_chain_id)
    plddt.set_xlabel("atom")
    plddt.set_ylim(0, 100)
    return figure


def png(figure: Figure) -> bytes:
    """Returns a figure as a PNG file."""
    file = BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _figure(num_panels: int) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure((5 * num_panels, 4.4), dpi=_DOTS_PER_INCH, layout="constrained")
    figure.subplots(1, num_panels)
    return figure


def _draw_matrix(
    axes: Axes,
    values: Float32[np.ndarray, "token token"],
    chains: Shaped[np.ndarray, "token"],
    colours: str,
    limits: tuple[float | None, float | None] = (None, None),
) -> None:
    image = axes.imshow(values, cmap=colours, vmin=limits[0], vmax=limits[1])
    axes.figure.colorbar(image, ax=axes, shrink=0.8)
    for edge in _starts(chains)[1:]:
        axes.axhline(edge - 0.5, color="black", linewidth=0.6)
        axes.axvline(edge - 0.5, color="black", linewidth=0.6)
    _name_chains(axes, chains)


def _draw_curve(
    axes: Axes, values: Float32[np.ndarray, "row"], chains: Shaped[np.ndarray, "row"]
) -> None:
    axes.plot(values, linewidth=0.9)
    axes.margins(x=0)
    for edge in _starts(chains)[1:]:
        axes.axvline(edge - 0.5, color="black", linewidth=0.6)
    _name_chains(axes, chains)


def _name_chains(axes: Axes, chains: Shaped[np.ndarray, "row"]) -> None:
    """Writes the ids of the chains above their middle, on a second axis."""
    starts = _starts(chains)
    if len(starts) > _MOST_NAMES:
        return
    edges = np.array([*starts, len(chains)])
    middles = (edges[:-1] + edges[1:]) / 2 - 0.5
    above = axes.secondary_xaxis("top")
    above.set_xticks(middles, [chains[start] for start in starts])
    above.tick_params(length=0)


def _starts(chains: Shaped[np.ndarray, "row"]) -> Sequence[int]:
    """Returns the first row of each chain."""
    return [0, *(np.flatnonzero(chains[1:] != chains[:-1]) + 1).tolist()]


def _pair_lengths(entry: Entry) -> Float32[np.ndarray, "token token"]:
    """Returns the length of each pair's vector, reading some rows at a time."""

    def blocks() -> Iterator[Float32[np.ndarray, "row token"]]:
        for start in range(0, entry.num_tokens, _BLOCK):
            block = entry.pair_block(slice(start, start + _BLOCK), slice(None))
            yield np.linalg.norm(block.astype(np.float32), axis=2)

    return np.concatenate(list(blocks()))
