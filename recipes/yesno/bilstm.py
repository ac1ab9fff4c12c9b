"""A small bidirectional LSTM on yesno: eight Hebrew words for yes and no in each recording, one speaker.

    python recipes/yesno/bilstm.py --data data/yesno --out runs/yesno

It trains in half a minute of one processor core and makes a good first recipe to read and to change.
Every recording holds eight words, so a model can count instead of listening and learn nothing more:
the stretches of non-speech are what keeps it from that (see the README beside this file).
"""

from asr.cli.train import main
from asr.config import AugmentConfig, FeatureConfig, ModelConfig, Recipe, TokenizerConfig, TrainingConfig

recipe = Recipe(
    name="yesno-bilstm",
    corpus="yesno (60 recordings of one speaker)",
    dev_fraction=0.2,
    features=FeatureConfig(
        sample_rate=8000, window=200, hop=80, fft=256, mels=64, normalization="utterance"
    ),  # the recordings came from a telephone: there is nothing above 4 kHz
    augment=AugmentConfig(
        speeds=(0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2),
        noise=0.5,
        non_speech=1.0,
    ),
    tokenizer=TokenizerConfig(kind="words"),
    model=ModelConfig(layers=1, hidden=64, subsampling=4, channels=32, dropout=0.3),
    training=TrainingConfig(epochs=30, batch_seconds=14, learning_rate=3e-3, warmup=0.3, average=5),
)

if __name__ == "__main__":
    main(recipe)
