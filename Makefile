# Everything runs in .venv, which is made on first use. PYTHON chooses the interpreter.
PYTHON ?= python3
BIN := .venv/bin
DIGITS := data/digits

.PHONY: demo test check slow bench clean

demo: .venv/demo  ## spoken digits: generate, train, evaluate, transcribe; the English model; live captions
	$(BIN)/python recipes/digits/generate.py --to $(DIGITS)
	rm -rf runs/demo
	OMP_NUM_THREADS=1 $(BIN)/python recipes/digits/bilstm.py --data $(DIGITS) --out runs/demo
	$(BIN)/asr transcribe $$(ls $(DIGITS)/test/*.flac | head -n 1) --model runs/demo/bundle -f json
	$(BIN)/asr transcribe $$(ls $(DIGITS)/test/*.flac | head -n 3)
	$(BIN)/asr stream $$(ls $(DIGITS)/test/*.flac | head -n 1) --live

test: .venv/test  ## all tests but the slow ones
	$(BIN)/python -m pytest -m "not slow"

check: .venv/test  ## style, types, direction of imports, length of files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_house.py

slow: .venv/test  ## the slow tests
	$(BIN)/python -m pytest -m slow

bench: .venv/test  ## benchmarks; each prints a table, JSON goes to runs/ (decoding needs peers: see benchmarks/peers.txt)
	$(BIN)/python -m benchmarks.features --json runs/features.json
	$(BIN)/python -m benchmarks.start --json runs/start.json
	$(BIN)/python -m benchmarks.engines --json runs/engines.json
	$(BIN)/python -m benchmarks.training --json runs/training.json

.venv/demo: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -c constraints.txt -e '.[demo]'
	touch $@

.venv/test: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -c constraints.txt -e '.[test]'
	touch $@ .venv/demo

clean:
	rm -rf .venv runs build *.egg-info
