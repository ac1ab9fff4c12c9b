"""English from eleven hours of four corpora: a bidirectional LSTM that writes phones.

    python -m data_prep cmudict --to data/cmudict --words …
    python recipes/english/bilstm.py --data data --out runs/english

The data folder holds an4, librispeech, speechocean762, commonvoice and cmudict. Words come from the phones by
a lexicon and a language model.
"""

from asr.cli.train import main
from asr.config import AugmentConfig, FeatureConfig, ModelConfig, Recipe, TokenizerConfig, TrainingConfig

AN4 = ("fash", "fkdo", "ftal", "mcrt", "mema", "mjhp", "mmsh", "msct", "mtxj")
LIBRISPEECH = ("1272", "1988", "2277", "2902")
SPEECHOCEAN = (
    "0001", "0104", "1027", "1362", "2061", "2380", "3046", "5401", "7001", "9609", "9639",
)  # fmt: skip
COMMON_VOICE = tuple(
    f"group:{group}"
    for group in (
        "fourties/female/us",
        "fourties/male/england",
        "seventies/male/australia",
        "sixties/female/african",
        "teens/male/?",
        "thirties/male/canada",
        "thirties/male/ireland",
        "twenties/female/?",
        "twenties/male/indian",
    )
)

recipe = Recipe(
    name="english-bilstm",
    corpus="AN4, LibriSpeech (parts), speechocean762, Common Voice (2017)",
    train=(
        "an4/train",
        "librispeech/dev-clean",
        "librispeech/test-clean-b",
        "librispeech/train-clean-100-sample",
        "speechocean762/train",
        "commonvoice/train",
    ),
    test=("librispeech/test-clean-a", "commonvoice/test", "speechocean762/test", "an4/test"),
    dev_speakers=(*AN4, *LIBRISPEECH, *SPEECHOCEAN, *COMMON_VOICE),
    features=FeatureConfig(normalization="speech"),
    tokenizer=TokenizerConfig(
        kind="phones", normalizer="lower_unhyphenated", lexicon="cmudict/lexicon.txt"
    ),
    augment=AugmentConfig(
        speeds=(0.9, 0.95, 1.0, 1.05, 1.1),
        reverb=0.2,
        noise=0.3,
        noise_snr_db=(8, 35),
        vocal_tract=0.1,
        time_masks=1,
        time_mask_frames=25,
        mel_masks=1,
        mel_mask_bins=12,
        spec_from_epoch=3,
        non_speech=0.05,
        stream=0.2,
    ),
    model=ModelConfig(layers=3, hidden=256, subsampling=4, channels=32, dropout=0.15),
    training=TrainingConfig(
        epochs=30, batch_seconds=320, learning_rate=3e-3, warmup=0.06, weight_decay=0.02, average=3,
        validate_every=1, checkpoint_seconds=300,
    ),
)  # fmt: skip

if __name__ == "__main__":
    main(recipe)
