"""A small bidirectional LSTM on spoken digit strings, made by generate.py; `make demo` runs it.

    python recipes/digits/generate.py --to data/digits
    python recipes/digits/bilstm.py --data data/digits --out runs/digits

It trains in about a minute on one processor core, and is tested on strings and voices
that it never met in training.
"""

from asr.cli.train import main
from asr.config import AugmentConfig, FeatureConfig, ModelConfig, Recipe, TokenizerConfig, TrainingConfig

recipe = Recipe(
    name="digits-bilstm",
    corpus="digit strings spoken by eSpeak NG",
    dev=("dev",),
    features=FeatureConfig(normalization="utterance"),
    augment=AugmentConfig(
        speeds=(0.9, 1.0, 1.1),
        noise=0.3,
        time_masks=1,
        mel_masks=2,
        spec_from_epoch=4,
        non_speech=0.1,
    ),
    tokenizer=TokenizerConfig(kind="words"),
    model=ModelConfig(layers=2, hidden=96, subsampling=4, channels=16),
    training=TrainingConfig(epochs=12, batch_seconds=30, learning_rate=4e-3),
)

if __name__ == "__main__":
    main(recipe)
