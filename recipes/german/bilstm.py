"""A small bidirectional LSTM on German dates and times of day, made by generate.py: another language.

    python recipes/german/generate.py --to data/german
    python recipes/german/bilstm.py --data data/german --out runs/german

Nothing in the recipe is about German but its name: the letters, with ä, ö, ü and ß, come from the texts.
"""

from asr.cli.train import main
from asr.config import AugmentConfig, FeatureConfig, ModelConfig, Recipe, TokenizerConfig, TrainingConfig

recipe = Recipe(
    name="german-bilstm",
    corpus="German dates and times spoken by eSpeak NG",
    dev=("dev",),
    features=FeatureConfig(normalization="utterance"),
    augment=AugmentConfig(
        speeds=(0.9, 1.0, 1.1),
        noise=0.3,
        time_masks=1,
        mel_masks=1,
        spec_from_epoch=6,
        non_speech=0.05,
    ),
    tokenizer=TokenizerConfig(kind="characters", normalizer="lower_words"),
    model=ModelConfig(layers=2, hidden=112, subsampling=4, channels=16),
    training=TrainingConfig(epochs=16, batch_seconds=30, learning_rate=4e-3, average=3),
)

if __name__ == "__main__":
    main(recipe)
