"""What is told of embedding files, as text, figures and a page that a browser can trust."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from af3cli import open_embeddings
from af3cli.output import sections
from af3cli.output.embeddings_format import MEANINGLESS
from af3cli.output.embeddings_writer import EmbeddingsWriter
from af3cli.output.plots import entry_figure
from af3cli.output.report import report_html
from af3cli.output.sections import sections_of
from tests.output.conftest import named

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def path(tmp_path, file_header, entry, tokens, arrays):
    path = tmp_path / "emb.h5"
    with EmbeddingsWriter(path, replace(file_header, meaningless=MEANINGLESS)) as writer:
        for name in ("2PV7", HOSTILE, "B"):
            writer.write(named(entry, name), tokens, arrays)
    return path


class Page(HTMLParser):
    """Collects the tags and texts of a page; fails for a tag that is closed out of order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_the_overview_says_what_made_the_file_and_what_its_rows_are(path):
    (section,) = sections_of(path)
    assert not section.pictures
    made, warning = section.overview.lines
    assert made.startswith("3 entries, made with the parameters alphafold3 (sha256 abababababab…)")
    assert warning == MEANINGLESS
    (table,) = section.overview.tables
    assert [row[0] for row in table.rows] == ["entry", "2PV7", HOSTILE, "B"]
    assert table.rows[1][1:] == ("70", "A protein 60, B LIG_B 10", "A 23", "single, pair (float16)")


def test_a_report_has_the_tables_and_pictures(path, monkeypatch):
    monkeypatch.setattr(sections, "_MOST_PICTURES", 2)
    page = Page(report_html("emb.h5", list(sections_of(path, with_pictures=True))))
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    assert [picture["alt"] for picture in pictures] == [
        "2PV7 (random parameters: meaningless)",
        f"{HOSTILE} (random parameters: meaningless)",
    ]
    assert all(picture["src"].startswith("data:image/png;base64,iVBOR") for picture in pictures)
    assert {HOSTILE, MEANINGLESS, "A protein 60, B LIG_B 10"} <= set(page.texts)
    assert not {"script", "link", "a"} & {tag for tag, _ in page.tags}


def test_the_figure_shows_the_lengths_of_vectors(path, arrays):
    with open_embeddings(path) as file:
        pair, single, *_ = entry_figure(file["2PV7"]).axes
    lengths = {name: np.linalg.norm(arrays[name], axis=-1) for name in ("pair", "single")}
    np.testing.assert_allclose(pair.images[0].get_array(), lengths["pair"], rtol=2e-3)
    np.testing.assert_allclose(single.lines[0].get_ydata(), lengths["single"], rtol=2e-3)
