"""A bidirectional LSTM on AN4 (CMU census): spelled words and numbers, 74 speakers, 42 minutes.

    python recipes/an4/bilstm.py --data data/an4 --out runs/an4

2.4 million parameters, so that the bundle stays below 5 MB. docs/log.md tells what was tried.
"""

from asr.cli.train import main
from asr.config import AugmentConfig, FeatureConfig, ModelConfig, Recipe, TrainingConfig

DEV_SPEAKERS = ("fash", "fkdo", "ftal", "mcrt", "mema", "mjhp", "mmsh", "msct", "mtxj")

recipe = Recipe(
    name="an4-bilstm",
    corpus="AN4 (CMU census database, 1991)",
    dev_speakers=DEV_SPEAKERS,
    features=FeatureConfig(normalization="utterance"),
    augment=AugmentConfig(
        speeds=(0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15),
        noise=0.3,
        noise_snr_db=(15, 35),
        vocal_tract=0.1,
        time_masks=2,
        time_mask_frames=25,
        mel_masks=2,
        mel_mask_bins=12,
        spec_from_epoch=10,
        non_speech=0.08,
    ),
    model=ModelConfig(cell="lstm", layers=3, hidden=184, subsampling=2, channels=16, dropout=0.3),
    training=TrainingConfig(
        epochs=80, batch_seconds=25, learning_rate=2e-3, warmup=0.06, weight_decay=0.05, average=5
    ),
)

if __name__ == "__main__":
    main(recipe)
