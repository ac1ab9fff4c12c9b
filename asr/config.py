"""Every setting of the toolkit, as frozen values that turn into JSON and back.

A `Recipe` says all that a training run depends on. Unknown keys and values of the wrong type are
errors that name the key and suggest the nearest one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from asr.errors import ConfigError, did_you_mean, readable

Positive = Annotated[int, msgspec.Meta(ge=1)]
Natural = Annotated[int, msgspec.Meta(ge=0)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
BelowOne = Annotated[float, msgspec.Meta(ge=0, lt=1)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Speed = Annotated[float, msgspec.Meta(ge=0.25, le=4)]
AboveZero = Annotated[float, msgspec.Meta(gt=0)]


@dataclass(frozen=True, slots=True)
class FeatureConfig:
    """Log-mel features and their normalisation.

    Attributes:
        sample_rate: Hz; recordings of any other rate are resampled.
        window, hop, fft: Samples: frame length, distance of frames, zero-padded transform length.
        mels: Mel bands, Slaney's scale and norm, from 0 Hz to half the sample rate.
        floor: Smallest mel energy before the natural logarithm.
        normalization: `corpus` (stored mean and deviation), `running` (causal mean, for streams)
            or `utterance` (its own mean and deviation, offline models only).
        deviation_floor: Smallest deviation that is divided by, so that silence stays silence and a
            band in which nothing ever happens does not drown the others.
    """

    sample_rate: Positive = 16_000
    window: Positive = 400
    hop: Positive = 160
    fft: Positive = 512
    mels: Positive = 80
    floor: AboveZero = 1e-8
    normalization: Literal["corpus", "running", "utterance"] = "corpus"
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


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """Changes made to training utterances, each drawn from (seed, epoch, utterance).

    Attributes:
        speeds: Factors of playing speed, one drawn per utterance and epoch.
        gain_db: Range of gains in decibels.
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
    """

    speeds: Annotated[tuple[Speed, ...], msgspec.Meta(min_length=1)] = (1.0,)
    gain_db: tuple[float, float] = (0.0, 0.0)
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

    def __post_init__(self) -> None:
        for name, (low, high) in (("gain_db", self.gain_db), ("noise_snr_db", self.noise_snr_db)):
            if low > high:
                raise ConfigError(f"{name}: the lower end ({low:g}) comes first, then the upper ({high:g})")


@dataclass(frozen=True, slots=True)
class TokenizerConfig:
    """How text becomes tokens.

    Attributes:
        kind: The unit: `characters` in the composed form of Unicode (NFC), or whole `words`.
        normalizer: Name of the normaliser applied to references and training texts alike.
    """

    kind: Literal["characters", "words"] = "characters"
    normalizer: str = "lower"


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
    average: Positive = 1
    patience: Natural = 0
    validate_every: Positive = 1
    checkpoint_seconds: NotNegative = 60.0
    seed: Natural = 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a training run depends on, besides the data.

    Attributes:
        name: Names the model in its card.
        train, test: Splits: folders with a `manifest.jsonl`, or `<split>.jsonl` beside a tar file.
        dev: Splits to choose on; where empty, the dev utterances are taken out of `train`.
        dev_speakers: Speakers of `train` whose utterances are the dev set.
        dev_fraction: Share of `train` to choose on, where there are no `dev_speakers`.
    """

    name: str
    train: tuple[str, ...] = ("train",)
    test: tuple[str, ...] = ("test",)
    dev: tuple[str, ...] = ()
    dev_speakers: tuple[str, ...] = ()
    dev_fraction: BelowOne = 0.1
    features: FeatureConfig = field(default_factory=FeatureConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


Config = TypeVar("Config")


def to_dict(config: Any) -> dict[str, Any]:
    """Turns a config into plain dicts, lists, strings and numbers, ready for JSON."""
    plain = json.loads(json.dumps(asdict(config)))
    assert isinstance(plain, dict)
    return plain


def from_dict(kind: type[Config], values: dict[str, Any], *, where: str = "config") -> Config:
    """Builds a config from plain values; missing keys take their defaults.

    Args:
        kind: A config class of this module.
        values: Plain values, as `to_dict` gives them.
        where: What to call `values` in messages, a file name for example.

    Raises:
        ConfigError: If a key is unknown or a value does not fit its type or range.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"{where}: expected an object with keys, got {type(values).__name__}")
    _check(kind, values, where)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {readable(error)}") from None
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _check(kind: Any, values: dict[str, Any], where: str, prefix: str = "") -> None:
    """Raises where a key or a choice is unknown (msgspec would not suggest one) or a number not finite."""
    hints = get_type_hints(kind)
    for key, value in values.items():
        if key not in hints:
            raise ConfigError(f"{where}: unknown key {prefix + key!r}{_suggest_key(kind, key)}")
        if is_dataclass(hints[key]) and isinstance(value, dict):
            _check(hints[key], value, where, f"{prefix}{key}.")
        choices = get_args(hints[key]) if get_origin(hints[key]) is Literal else (value,)
        if value not in choices:
            known = did_you_mean(str(value), map(str, choices))
            raise ConfigError(f"{where}: {prefix}{key}: unknown value {value!r}{known}")
        for number in value if isinstance(value, list | tuple) else (value,):
            if isinstance(number, float) and not math.isfinite(number):
                raise ConfigError(f"{where}: {prefix}{key}: expected a finite number, got {number}")


def _suggest_key(kind: Any, key: str) -> str:
    """Suggests the same key inside a group (training.epochs for epochs), else the nearest name."""
    for group, hint in get_type_hints(kind).items():
        if is_dataclass(hint) and key in get_type_hints(hint):
            return f"; did you mean {f'{group}.{key}'!r}?"
    return did_you_mean(key, get_type_hints(kind))


def with_settings(recipe: Config, settings: Sequence[str]) -> Config:
    """Applies settings such as ``training.epochs=2`` to a config, and checks all its values.

    Args:
        recipe: The config to start from; it is not changed.
        settings: ``dotted.key=value`` each, the value in JSON or a bare word.

    Raises:
        ConfigError: If a setting has no ``=``, names an unknown key or gives a value that does not fit.
    """
    result = from_dict(type(recipe), to_dict(recipe), where="recipe")
    for setting in settings:
        where = f"--set {' '.join(setting.split())}"
        values = _with_setting(type(recipe), to_dict(result), setting, where)
        result = from_dict(type(recipe), values, where=where)
    return result


def _with_setting(kind: Any, values: dict[str, Any], setting: str, where: str) -> dict[str, Any]:
    dotted, equals, text = setting.partition("=")
    dotted = dotted.strip()
    if not equals or not dotted:
        raise ConfigError(f"{where}: write it as key=value, for example training.epochs=2")
    *groups, last = dotted.split(".")
    inner = values
    for group in groups:
        kind = get_type_hints(kind).get(group)
        if not is_dataclass(kind):
            raise ConfigError(f"{where}: unknown key {dotted!r}{did_you_mean(group, inner)}")
        inner = inner[group]
    try:
        value = json.loads(text)
    except ValueError:
        value = text.strip()
    hint = get_type_hints(kind).get(last)
    value = text.strip() if hint is str and not isinstance(value, str) else value
    both_groups = is_dataclass(hint) and isinstance(value, dict)
    inner[last] = inner[last] | value if both_groups else value
    return values
