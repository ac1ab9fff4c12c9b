"""The AN4 recipe with GRU cells.

python recipes/an4/gru.py --data data/an4 --out runs/an4-gru
"""

from dataclasses import replace
from pathlib import Path

from asr.cli.recipes import load_recipe
from asr.cli.train import main

lstm = load_recipe(Path(__file__).with_name("bilstm.py"))
recipe = replace(lstm, name="an4-bigru", model=replace(lstm.model, cell="gru"))

if __name__ == "__main__":
    main(recipe)
