"""Overviews and pictures of results as one HTML file, which asks nothing of the network."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from html import escape

from af3cli.output.overview import Table
from af3cli.output.sections import Section

# Nothing that stands in a job or a file can make a browser load or run anything.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 1100px; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0; font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: 600 }
th, td { text-align: left; padding: .15em 1em .15em 0; border-bottom: 1px solid #ddd }
div { overflow-x: auto }
img { max-width: 100% }
"""


def report_html(title: str, sections: Sequence[Section]) -> str:
    """Returns the text of the file."""
    body = "\n".join(line for section in sections for line in _section(section))
    return (
        "<!doctype html>\n"
        '<html lang="en">\n'
        "<head>\n"
        '<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>{_STYLE}</style>\n"
        "</head>\n"
        f"<body>\n{body}\n</body>\n"
        "</html>\n"
    )


def _section(section: Section) -> Iterator[str]:
    yield f"<h1>{escape(section.overview.title)}</h1>"
    for line in section.overview.lines:
        yield f"<p>{escape(line)}</p>"
    for table in section.overview.tables:
        yield from _table(table)
    for picture in section.pictures:
        data = b64encode(picture.png).decode()
        caption = escape(picture.caption)
        yield (
            f'<figure><img alt="{caption}" src="data:image/png;base64,{data}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )


def _table(table: Table) -> Iterator[str]:
    yield f"<div><table>\n<caption>{escape(table.title)}</caption>"
    for number, row in enumerate(table.rows):
        tag = "td" if number else "th"
        yield "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>"
    yield "</table></div>"
