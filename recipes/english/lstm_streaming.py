"""English for streams: a unidirectional LSTM that writes phones; every emission frame waits for 0.4 s more.

    python recipes/english/lstm_streaming.py --data data --out runs/english-streaming

What differs from the bidirectional one is what a stream asks for.
"""

from dataclasses import replace
from pathlib import Path

from asr.cli.recipes import load_recipe
from asr.cli.train import main
from asr.config import FeatureConfig

offline = load_recipe(Path(__file__).with_name("bilstm.py"))
recipe = replace(
    offline,
    name="english-lstm-streaming",
    features=FeatureConfig(normalization="running"),
    augment=replace(offline.augment, gain_db=(-10.0, 10.0), stream=0.4),
    model=replace(offline.model, bidirectional=False, layers=4, hidden=384, lookahead=10),
)

if __name__ == "__main__":
    main(recipe)
