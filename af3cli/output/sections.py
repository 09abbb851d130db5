"""Results at a path, one section a file or job: an overview, and pictures if they are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from af3cli.errors import OutputError
from af3cli.output.embeddings import open_embeddings
from af3cli.output.overview import Overview, embeddings_overview, prediction_overview
from af3cli.output.plots import entry_figure, png, sample_figure
from af3cli.output.prediction_reader import find_predictions, open_prediction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A file may hold thousands of entries; a picture takes some 100 kB and a second.
_MOST_PICTURES = 50


@dataclass(frozen=True)
class Picture:
    """A PNG file and what stands below it."""

    caption: str
    png: bytes


@dataclass(frozen=True)
class Section:
    """An overview and the pictures that belong to it."""

    overview: Overview
    pictures: Sequence[Picture]


def sections_of(path: Path, *, with_pictures: bool = False) -> Iterator[Section]:
    """Yields the section of an embedding file, or of each predicted job in a folder.

    Pictures need matplotlib; there is one of each of the first 50 entries, or of the best structure
    of each of the first 50 jobs.

    Raises:
        OutputError: there are no results, or they cannot be read.
    """
    num_pictures = _MOST_PICTURES if with_pictures else 0
    if path.is_dir():
        yield from _predictions(path, num_pictures)
    else:
        yield _embeddings(path, num_pictures)


def _embeddings(path: Path, num_pictures: int) -> Section:
    with open_embeddings(path) as file:
        is_meaningless = "meaningless" in file.attributes
        pictures = [
            _picture(entry.name, is_meaningless, entry_figure(entry))
            for entry in islice(file.values(), num_pictures)
        ]
        return Section(embeddings_overview(path.name, file), pictures)


def _predictions(path: Path, num_pictures: int) -> Iterator[Section]:
    folders = find_predictions(path)
    if not folders:
        raise OutputError(
            f"{path} holds no predictions: neither it nor a folder in it has folders such as "
            "seed-1_sample-0"
        )
    for number, folder in enumerate(folders):
        prediction = open_prediction(folder)
        best, pictures = prediction.samples[0], []
        if number < num_pictures:
            name = f"{prediction.folder.name}, {best.folder.name}"
            pictures = [_picture(name, prediction.is_meaningless, sample_figure(best))]
        yield Section(prediction_overview(prediction), pictures)


def _picture(name: str, is_meaningless: bool, figure: Figure) -> Picture:
    mark = " (random parameters: meaningless)" if is_meaningless else ""
    return Picture(name + mark, png(figure))
