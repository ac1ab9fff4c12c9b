"""A bidirectional LSTM on AN4 (CMU census): spelled words and numbers, 74 speakers, 42 minutes.

    python recipes/an4/bilstm.py --data data/an4 --out runs/an4

A first recipe, not the final one: docs/log.md tells what was tried.
"""

from asr.cli.train import main
from asr.config import AugmentConfig, FeatureConfig, ModelConfig, Recipe, TrainingConfig

DEV_SPEAKERS = ("fash", "fkdo", "ftal", "mcrt", "mema", "mjhp", "mmsh", "msct", "mtxj")

recipe = Recipe(
    name="an4-bilstm",
    dev_speakers=DEV_SPEAKERS,
    features=FeatureConfig(normalization="utterance"),
    augment=AugmentConfig(
        speeds=(0.9, 1.0, 1.1),
        noise=0.3,
        time_masks=2,
        time_mask_frames=20,
        mel_masks=2,
        mel_mask_bins=12,
        spec_from_epoch=10,
        non_speech=0.05,
    ),
    model=ModelConfig(cell="lstm", layers=3, hidden=192, subsampling=2, channels=32, dropout=0.2),
    training=TrainingConfig(epochs=50, batch_seconds=30, learning_rate=2e-3, warmup=0.1, average=5),
)

if __name__ == "__main__":
    main(recipe)
