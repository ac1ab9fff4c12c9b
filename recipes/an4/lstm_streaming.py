"""A unidirectional LSTM on AN4 for streams: every emission frame waits for the next 20, which is 0.4 s.

    python recipes/an4/lstm_streaming.py --data data/an4 --out runs/an4-streaming
    python recipes/an4/lstm_streaming.py --data data/an4 --out runs/an4-at-once --set model.lookahead=0

Features are normalised by a running mean, and recordings are made louder and softer by up to 10 dB, since a
stream does not know how loud it will be. Some are heard between pauses or next to another one, as in streams.
"""

from dataclasses import replace
from pathlib import Path

from asr.cli.recipes import load_recipe
from asr.cli.train import main
from asr.config import FeatureConfig

offline = load_recipe(Path(__file__).with_name("bilstm.py"))
recipe = replace(
    offline,
    name="an4-lstm-streaming",
    features=FeatureConfig(normalization="running"),
    augment=replace(offline.augment, gain_db=(-10.0, 10.0), stream=0.4, stream_pause=2.0),
    model=replace(offline.model, bidirectional=False, hidden=320, lookahead=20),
)

if __name__ == "__main__":
    main(recipe)
