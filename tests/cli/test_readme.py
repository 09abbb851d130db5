"""The README's Python runs and prints what it says."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def python_of(section: str) -> str:
    """Returns the first Python example below a heading of the README."""
    text = (ROOT / "README.md").read_text().split(f"## {section}\n")[1]
    return re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]


def test_the_steps_in_python(monkeypatch, capsys):
    code = python_of("The same steps in Python")
    assert len(code.splitlines()) <= 10
    monkeypatch.chdir(ROOT)
    namespace: dict[str, object] = {}
    exec(code, namespace)
    printed = capsys.readouterr().out.strip()
    assert printed == re.search(r"# (\(.*\))$", code, re.MULTILINE)[1]
    assert namespace["embeddings"].single.shape == (35, 384)
