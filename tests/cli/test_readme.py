"""The Python in the documents runs and prints what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def python_of(document: str, section: str) -> tuple[str, str]:
    """Returns the first Python example below a heading of a document, and the text after it."""
    text = (ROOT / document).read_text().split(f"## {section}\n")[1]
    match = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    return match[1], text[match.end() :]


def test_the_steps_in_python(monkeypatch, capsys):
    code, _ = python_of("README.md", "The same steps in Python")
    assert len(code.splitlines()) <= 10
    monkeypatch.chdir(ROOT)
    namespace: dict[str, object] = {}
    exec(code, namespace)
    printed = capsys.readouterr().out.strip()
    assert printed == re.search(r"# (\(.*\))$", code, re.MULTILINE)[1]
    assert namespace["embeddings"].single.shape == (35, 384)


@pytest.mark.slow
def test_predicting_in_python(monkeypatch, capsys):
    code, after = python_of("docs/predict.md", "In Python")
    monkeypatch.chdir(ROOT)
    exec(code, {})
    first, second = capsys.readouterr().out.splitlines()
    assert first == re.search(r"prints `(0 .*?)`", after)[1]
    assert second == first.replace("0", "1", 1)
