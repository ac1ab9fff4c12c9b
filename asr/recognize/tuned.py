"""What ``asr lm tune -o`` writes and ``asr lm attach`` reads: a tuning and its calibration, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from asr.decode.calibration import Calibration
from asr.decode.tuning import Tuning
from asr.errors import ConfigError
from asr.files import write_atomically
from asr.recognize.tune import Trial
from asr.settings import from_dict, to_dict


@dataclass(frozen=True, slots=True)
class Tuned:
    """What tuning found, and with which models.

    Attributes:
        tuning: The best one.
        calibration: Of the confidences of words that are recognised with it; None where nobody fitted one.
        acoustic_model: The model that listened, as `asr.recognize.emission_cache.acoustic_digest` tells it.
        language_model: The language model, as `asr.decode.identity.digest` tells it.
    """

    tuning: Tuning
    calibration: Calibration | None = None
    acoustic_model: str = ""
    language_model: str = ""


def write_tuned(path: Path, tuned: Tuned, trials: Sequence[Trial]) -> None:
    """Writes what was found, and all trials, which only people read.

    Raises:
        RunError: If it cannot be written.
    """
    content = to_dict(tuned) | {
        "trials": [
            to_dict(trial.tuning) | {"words": to_dict(trial.words), "characters": to_dict(trial.characters)}
            for trial in trials
        ]
    }
    text = msgspec.json.format(msgspec.json.encode(content), indent=2).decode()
    write_atomically(path, f"{text}\n")


def read_tuned(path: Path) -> Tuned:
    """Reads what `write_tuned` wrote; all but the tuning may be missing.

    Raises:
        ConfigError: If the file is missing or holds something else.
    """
    try:
        content = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        values = content["tuning"]
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; asr lm tune -o writes one") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; check it") from None
    except (msgspec.DecodeError, KeyError):
        raise ConfigError(f"{path}: not what asr lm tune -o writes; name such a file") from None
    fitted = content.get("calibration")
    return Tuned(
        tuning=from_dict(Tuning, values, where=str(path)),
        calibration=fitted and from_dict(Calibration, fitted, where=f"{path}, calibration"),
        acoustic_model=str(content.get("acoustic_model", "")),
        language_model=str(content.get("language_model", "")),
    )
