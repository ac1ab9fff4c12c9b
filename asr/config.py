"""Every setting of the toolkit, as frozen values. A `Recipe` says all that a training run depends on.

Types and ranges are checked where values are read (`asr.settings`); what two values of a config must
agree on is checked here, whoever makes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from asr.errors import ConfigError, did_you_mean

Positive = Annotated[int, msgspec.Meta(ge=1)]
Natural = Annotated[int, msgspec.Meta(ge=0)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
BelowOne = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
NotPositive = Annotated[float, msgspec.Meta(le=0)]
Speed = Annotated[float, msgspec.Meta(ge=0.25, le=4)]
Weight = Annotated[float, msgspec.Meta(gt=0, le=100)]
AboveZero = Annotated[float, msgspec.Meta(gt=0)]


@dataclass(frozen=True, slots=True)
class FeatureConfig:
    """Log-mel features and their normalisation.

    Attributes:
        sample_rate: Hz; recordings of any other rate are resampled.
        window, hop, fft: Samples: frame length, distance of frames, zero-padded transform length.
        mels: Mel bands, Slaney's scale and norm, from 0 Hz to half the sample rate.
        floor: Smallest mel energy before the natural logarithm.
        normalization: `corpus` (stored mean and deviation), `running` (causal mean, for streams),
            `utterance` (its own mean and deviation, bidirectional models only) or `speech` (those of
            what is spoken in it, so that it may be a piece of a long recording; likewise).
        deviation_floor: Smallest deviation that is divided by, so that silence stays silence and a
            band in which nothing ever happens does not drown the others.
    """

    sample_rate: Positive = 16_000
    window: Positive = 400
    hop: Positive = 160
    fft: Positive = 512
    mels: Positive = 80
    floor: AboveZero = 1e-8
    normalization: Literal["corpus", "running", "utterance", "speech"] = "corpus"
    deviation_floor: AboveZero = 1.0

    def __post_init__(self) -> None:
        if self.fft < 2 or self.fft & (self.fft - 1):
            raise ConfigError(
                f"fft ({self.fft}) must be a power of two, such as {1 << self.fft.bit_length()}"
            )
        if self.fft < self.window:
            raise ConfigError(f"fft ({self.fft}) must not be smaller than window ({self.window})")
        if self.hop > self.window:
            raise ConfigError(f"hop ({self.hop}) must not be greater than window ({self.window})")

    @property
    def by_itself(self) -> bool:
        """Whether an utterance is normalised by itself alone, so that all of it has to be there."""
        return self.normalization in ("utterance", "speech")


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """Changes made to training utterances, each drawn from (seed, epoch, utterance).

    Attributes:
        speeds: Factors of playing speed, one drawn per utterance and epoch.
        gain_db: Range of gains in decibels.
        reverb: Probability that the utterance sounds as in a room.
        reverb_seconds: Range of the time in which the sound of the room decays by 60 dB.
        noise: Probability that noise is added.
        noise_snr_db: Range of signal-to-noise ratios in decibels.
        vocal_tract: Frequencies are stretched by up to this share up or down, as vocal tracts of
            other lengths would.
        time_masks, time_mask_frames: SpecAugment: number and greatest width, in frames.
        time_mask_fraction: A time mask is never wider than this share of the utterance.
        mel_masks, mel_mask_bins: SpecAugment: number and greatest width, in mel bins.
        spec_from_epoch: First epoch (counted from 0) with SpecAugment.
        non_speech: Synthetic noises, tones and silences with an empty text, as a share of the
            utterances; they teach a model to write nothing where nobody speaks.
        stream: Probability that an utterance is heard as in a stream: between pauses, and often with another
            one of the corpus before or after it. It teaches a model that speech begins late and goes on.
        stream_pause: Longest of these pauses, in seconds.
    """

    speeds: Annotated[tuple[Speed, ...], msgspec.Meta(min_length=1)] = (1.0,)
    gain_db: tuple[float, float] = (0.0, 0.0)
    reverb: Fraction = 0.0
    reverb_seconds: tuple[float, float] = (0.1, 0.6)
    noise: Fraction = 0.0
    noise_snr_db: tuple[float, float] = (10.0, 30.0)
    vocal_tract: Annotated[float, msgspec.Meta(ge=0, le=0.4)] = 0.0
    time_masks: Natural = 0
    time_mask_frames: Natural = 25
    time_mask_fraction: Fraction = 0.2
    mel_masks: Natural = 0
    mel_mask_bins: Natural = 15
    spec_from_epoch: Natural = 0
    non_speech: Fraction = 0.0
    stream: Fraction = 0.0
    stream_pause: Annotated[float, msgspec.Meta(ge=0, le=10)] = 2.0

    def __post_init__(self) -> None:
        if self.reverb_seconds[0] <= 0:
            raise ConfigError(f"reverb_seconds: must be above 0, not {self.reverb_seconds[0]:g}")
        ranges = ("gain_db", "noise_snr_db", "reverb_seconds")
        for name, (low, high) in ((name, getattr(self, name)) for name in ranges):
            if low > high:
                raise ConfigError(f"{name}: the lower end ({low:g}) comes first, then the upper ({high:g})")


@dataclass(frozen=True, slots=True)
class TokenizerConfig:
    """How text becomes tokens.

    Attributes:
        kind: The unit: `characters` in the composed form of Unicode (NFC), `subwords`, whole `words`, or
            `phones`.
        normalizer: Name of the normaliser applied to references and training texts alike.
        lexicon: For phones, the file that says how words are pronounced; see asr.text.lexicon. A path that
            is not absolute begins in the data folder.
        subwords: How many subwords to learn, where they are the unit.
    """

    kind: Literal["characters", "subwords", "words", "phones"] = "characters"
    normalizer: str = "lower"
    lexicon: str = ""
    subwords: Positive = 500

    def __post_init__(self) -> None:
        if bool(self.lexicon) != (self.kind == "phones"):
            raise ConfigError(
                f"lexicon ({self.lexicon!r}) and kind ({self.kind!r}) do not go together: phones need a "
                "lexicon, other kinds have none; set both"
            )


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Convolutional front-end, recurrent stack, CTC head.

    Attributes:
        cell: Recurrent cell.
        bidirectional: Whether each layer also reads the utterance backwards.
        layers, hidden: Recurrent layers and units per direction.
        subsampling: Feature frames per emission frame.
        channels: Channels of the two convolutions.
        norm: What stands before each recurrent layer: `layer` norm, masked `batch` norm, `none`.
        dropout: Variational dropout before each recurrent layer and the head: one mask per
            utterance, the same at every frame.
        lookahead: Future emission frames that a unidirectional model waits for.
        path: How the recurrent stack runs: `pairs`, `packed`, or `auto`, the faster on the device.
    """

    cell: Literal["lstm", "gru", "rnn"] = "lstm"
    bidirectional: bool = True
    layers: Positive = 3
    hidden: Positive = 256
    subsampling: Literal[2, 4] = 2
    channels: Positive = 32
    norm: Literal["layer", "batch", "none"] = "layer"
    dropout: BelowOne = 0.1
    lookahead: Natural = 0
    path: Literal["auto", "pairs", "packed"] = "auto"

    def __post_init__(self) -> None:
        if self.lookahead and self.bidirectional:
            raise ConfigError(
                f"lookahead ({self.lookahead}) is for unidirectional models, a bidirectional one sees all "
                "that follows; set lookahead to 0, or bidirectional to false"
            )


@dataclass(frozen=True, slots=True)
class DecodingConfig:
    """Beam search: what it looks at. The defaults leave out next to nothing.

    Attributes:
        beam_size: Prefixes kept at each frame.
        cutoff_top_n: Only so many best tokens of a frame extend a prefix.
        cutoff_prob: Once the best tokens of a frame have this probability together, others extend nothing.
        beam_threshold: Nats; a prefix that is so far below the best one is dropped.
        blank_threshold: Frames whose blank has at least this probability extend nothing; 1 skips none.
        commit_frames: What the best prefix wrote more than so many frames ago is final, which bounds
            the memory of an endless stream.
    """

    beam_size: Positive = 100
    cutoff_top_n: Positive = 40
    cutoff_prob: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    beam_threshold: AboveZero = 10.0
    blank_threshold: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    commit_frames: Positive = 2000


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Optimiser, schedule and length of training.

    Attributes:
        epochs: Passes over the training utterances.
        batch_seconds: Greatest length of a batch: utterances times the longest, in seconds.
        optimizer, learning_rate, weight_decay: As in torch.optim; the rate is the peak.
        schedule: After the warm-up: `cosine` to zero, `plateau` (halved after two stalls of dev), `constant`.
        warmup: Share of all steps in which the rate climbs linearly.
        clip: Greatest global gradient norm.
        accumulate: Batches per optimiser step.
        precision: `auto` is bf16 where the processor has instructions for it, else fp32.
        consistency: What it counts when the model hears two views of an utterance differently, beside the CTC
            loss (CR-CTC); each utterance is then in its batch twice. 0 trains with one view.
        average: Best checkpoints whose weights are averaged at the end; 1 keeps the best alone.
        patience: Validations without improvement before stopping; 0 never stops early.
        validate_every: Epochs between validations.
        checkpoint_seconds: Longest time between two checkpoints.
        seed: Of initial weights, order, dropout and augmentation.
    """

    epochs: Positive = 50
    batch_seconds: AboveZero = 60.0
    optimizer: Literal["adamw", "sgd", "rmsprop"] = "adamw"
    learning_rate: AboveZero = 2e-3
    weight_decay: NotNegative = 0.01
    schedule: Literal["cosine", "plateau", "constant"] = "cosine"
    warmup: Fraction = 0.1
    clip: AboveZero = 5.0
    accumulate: Positive = 1
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    consistency: NotNegative = 0.0
    average: Positive = 1
    patience: Natural = 0
    validate_every: Positive = 1
    checkpoint_seconds: NotNegative = 60.0
    seed: Natural = 0

    @property
    def views(self) -> int:
        """How often an utterance is in its batch, each time varied in another way."""
        return 2 if self.consistency else 1


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a training run depends on, besides the data.

    Attributes:
        name: Names the model in its card.
        corpus: Names the data there.
        train, test: Splits: folders with a `manifest.jsonl`, or `<split>.jsonl` beside a tar file.
        train_weights: How often each utterance of a split of `train` is drawn in an epoch: 2 is twice, 0.5
            once in two epochs; 1 for splits that are not named.
        train_fraction: Share of the utterances of every speaker that is trained on, to see what more data are
            worth; those of a smaller share are part of a larger one.
        dev: Splits to choose on; where empty, the dev utterances are taken out of `train`.
        dev_speakers: Speakers of `train` whose utterances are the dev set.
        dev_fraction: Share of `train` to choose on, where there are no `dev_speakers`.
        init: Model folder whose weights training begins with; random ones where empty.
    """

    name: str
    corpus: str = ""
    train: tuple[str, ...] = ("train",)
    train_weights: dict[str, Weight] = field(default_factory=dict)
    train_fraction: Share = 1.0
    test: tuple[str, ...] = ("test",)
    dev: tuple[str, ...] = ()
    dev_speakers: tuple[str, ...] = ()
    dev_fraction: BelowOne = 0.1
    init: str = ""
    features: FeatureConfig = field(default_factory=FeatureConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        for split in self.train_weights:
            if split not in self.train:
                known = did_you_mean(split, self.train)
                raise ConfigError(f"train_weights: {split!r} is no split of train{known}")
        way = self.features.normalization
        if self.features.by_itself and not self.model.bidirectional:
            raise ConfigError(
                f"features.normalization {way!r} does not suit a unidirectional model, as a stream has no "
                "mean of the whole utterance; set it to 'running' or 'corpus'"
            )
