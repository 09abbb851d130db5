# Needs python3 (3.11 or later) and a package index; everything is put into .venv.
#
#   make demo   embed a small complex on the processor and show what is in the file
#   make test   the test suite, some minutes on two cores
#   make lint   what ruff says
#   make slow   tests that take minutes each

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test slow lint clean

demo: $(READY)
	rm -rf demo && mkdir demo
	$(BIN)/af3 tokens examples/ion.json
	$(BIN)/af3 embed examples/ion.json --weights synthetic-reduced --out demo/emb.h5
	$(BIN)/python examples/read_embeddings.py demo/emb.h5

test: $(READY)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

slow: $(READY)
	$(BIN)/python -m pytest -m slow

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Python compiles what is imported when it is; compiling all packages takes 20 seconds more.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf .venv demo
