"""The utterances to choose on, as an objective judges them."""

from __future__ import annotations

from collections.abc import Sequence

from asr.audio.normalization import Statistics
from asr.config import FeatureConfig
from asr.data.dataset import Dataset, Recordings, Texts
from asr.data.manifest import Utterance
from asr.progress import track
from asr.text.normalize import normalize
from asr.text.tokenizer import Tokenizer
from asr.train.ctc import DevUtterance


def dev_set(
    utterances: Sequence[Utterance],
    tokenizer: Tokenizer,
    normalizer: str,
    features: FeatureConfig,
    statistics: Statistics,
) -> list[DevUtterance]:
    """Reads utterances, and says what a model that hears them rightly writes.

    Args:
        utterances: The dev set.
        tokenizer: What the model's tokens mean.
        normalizer: Name of the normaliser of references.
        features: How features are computed.
        statistics: Their mean and deviation over the training data.

    Raises:
        AudioError: If a recording cannot be read.
    """
    texts = Texts([()] * len(utterances))
    dataset = Dataset(Recordings(utterances, features.sample_rate), texts, features, statistics)
    return [
        DevUtterance(
            id=utterance.id,
            speaker=utterance.speaker,
            features=dataset.example(index, 0).features,
            reference=tokenizer.heard(normalize(utterance.text, normalizer)),
            duration=utterance.duration,
        )
        for index, utterance in enumerate(track(utterances, "reading recordings to choose on"))
    ]
