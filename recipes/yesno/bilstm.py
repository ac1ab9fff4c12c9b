"""A small bidirectional LSTM on yesno: eight Hebrew words for yes and no in each recording, one speaker.

    python recipes/yesno/bilstm.py --data data/yesno --out runs/yesno

It trains in half a minute of one processor core and makes a good first recipe to read and to change.
"""

from asr.cli.train import main
from asr.config import AugmentConfig, FeatureConfig, ModelConfig, Recipe, TokenizerConfig, TrainingConfig

recipe = Recipe(
    name="yesno-bilstm",
    dev_fraction=0.2,
    features=FeatureConfig(normalization="utterance"),
    augment=AugmentConfig(speeds=(0.9, 1.0, 1.1), time_masks=2, mel_masks=2, spec_from_epoch=8),
    tokenizer=TokenizerConfig(kind="words"),
    model=ModelConfig(layers=1, hidden=64, subsampling=4, channels=8),
    training=TrainingConfig(epochs=20, batch_seconds=30, learning_rate=5e-3),
)

if __name__ == "__main__":
    main(recipe)
