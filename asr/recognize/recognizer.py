"""The recogniser: recordings in, transcripts out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.audio.activity import frame_levels, is_steady
from asr.audio.cutting import Cutting
from asr.audio.features import log_mel
from asr.audio.io import AudioSource, audio_blocks, load_audio
from asr.audio.mel import framing
from asr.audio.normalization import normalize
from asr.bundle import Bundle
from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder
from asr.decode.ctc import Hypothesis, greedy
from asr.decode.fusion import Fusion
from asr.decode.identity import decoding_name
from asr.decode.pauses import fit_to_levels
from asr.decode.words import to_segment
from asr.errors import BundleError, FusionError
from asr.models import OFFLINE, shipped
from asr.recognize.batches import emissions
from asr.recognize.engine import Engine
from asr.recognize.engines import AUTO, Chunks, read_model, start_engine
from asr.recognize.language import Language, default_search, fusion_for
from asr.recognize.long import joined, parts
from asr.transcript import Alternative, Segment, Transcript

CUTTING = Cutting()
"""How long recordings are cut by default."""

_log = logging.getLogger("asr")


class Recognizer:
    """Turns recordings into text. It keeps no state between calls.

    Args:
        bundle: Says how to compute features and what tokens mean.
        engine: Runs the acoustic model.
        decoding: How wide to search with a beam; by default, the best path is taken.
        fusion: What the search knows besides the emissions; see `fusion_for`.

    Attributes:
        calibration: Of the confidences of words: the one of the bundle that was fitted to this way of
            decoding; None where it has none.
        window: From samples to emission frames.
        beam: The search; None where the best path is taken.

    Raises:
        FusionError: If there is a fusion, but no search.
    """

    def __init__(
        self,
        bundle: Bundle,
        engine: Engine,
        decoding: DecodingConfig | None = None,
        fusion: Fusion | None = None,
    ) -> None:
        if fusion is not None and decoding is None:
            raise FusionError("the best path alone takes no language model or hotwords; search with a beam")
        self.bundle = bundle
        self.engine = engine
        self._decoding, self._fusion = decoding, fusion
        self.beam = BeamDecoder(decoding, len(bundle.vocabulary), fusion) if decoding else None
        self._tokenizer = bundle.tokenizer
        self.window = framing(bundle.features).then(engine.window)
        name = self.decoding if bundle.calibrations else None
        self.calibration = bundle.calibrations.get(name) if name is not None else None

    @property
    def decoding(self) -> str | None:
        """What its way of decoding is called; None where a model from outside takes part."""
        name, variant = decoding_name(self._decoding, self._fusion), self.engine.variant
        return f"{name}, {variant}" if name is not None and variant else name

    def unwritable(self, texts: Iterable[str]) -> list[str]:
        """What of normalised texts it cannot write, sorted: words of no closed vocabulary, or characters."""
        fusion = self._fusion
        if fusion is not None and fusion.graph is not None and fusion.vocabulary != "open":
            return sorted({word for text in texts for word in text.split()} - set(fusion.graph.words))
        return sorted({unit for text in texts for unit in self._tokenizer.unknown(text)})

    def transcribe(
        self,
        audio: str | Path | AudioSource,
        *,
        channel: int | None = None,
        nbest: int = 1,
        cutting: Cutting | None = CUTTING,
    ) -> Transcript:
        """Transcribes a recording, of hours if need be, at constant memory.

        Args:
            audio: A file, of any format, rate and number of channels.
            channel: The channel to listen to, counted from 0; by default the mean of all.
            nbest: With more than one, the transcript has so many alternatives at most; these are of the
                whole recording, which is then not cut.
            cutting: How a long recording is cut into segments, see `asr.recognize.long`; None to hear it
                as a whole, however long it is.

        Raises:
            AudioError: If it cannot be read.
        """
        source = audio if isinstance(audio, AudioSource) else AudioSource(Path(audio))
        rate = self.bundle.features.sample_rate
        if cutting is None or nbest > 1:
            samples = load_audio(source, sample_rate=rate, channel=channel)
            return self.transcribe_samples(samples, nbest=nbest)
        return joined(parts(self, audio_blocks(source, sample_rate=rate, channel=channel), cutting))

    def transcribe_samples(self, samples: NDArray[np.float32], *, nbest: int = 1) -> Transcript:
        """Transcribes samples (n,) in -1 … 1 at the sample rate of the model."""
        return self.transcribe_batch([samples], nbest=nbest)[0]

    def transcribe_batch(
        self, recordings: Sequence[NDArray[np.float32]], *, nbest: int = 1
    ) -> list[Transcript]:
        """Transcribes several recordings side by side; each gets the transcript it would get alone."""
        rate = self.bundle.features.sample_rate
        features = [self.features(samples) for samples in recordings]
        transcripts: dict[int, Transcript] = {}
        for index, log_probs in emissions(self.engine, features):
            duration = len(recordings[index]) / rate
            found = self.decode(log_probs, nbest)
            levels = frame_levels(features[index])
            segments = [self.segment(hypothesis, levels, duration) for hypothesis in found]
            alternatives = _alternatives(found, segments) if nbest > 1 else ()
            transcripts[index] = Transcript(tuple(segments[:1]), duration, alternatives)
        return [transcripts[index] for index in range(len(recordings))]

    def segment(self, hypothesis: Hypothesis, levels: NDArray[np.float64], duration: float) -> Segment:
        """The words of a hypothesis, with the times at which they are spoken.

        Args:
            hypothesis: From `decode`.
            levels: Of the feature frames (T,); see `frame_levels`.
            duration: Seconds.
        """
        config = self.bundle.features
        segment = self.heard(hypothesis, duration)
        return fit_to_levels(segment, levels, framing(config), config.sample_rate)

    def heard(self, hypothesis: Hypothesis, duration: float) -> Segment:
        """The words of a hypothesis, with the times of their tokens."""
        return to_segment(
            hypothesis,
            self._tokenizer,
            self.window,
            self.bundle.features.sample_rate,
            duration,
            self.calibration,
        )

    def decode(self, log_probs: NDArray[np.float32], nbest: int = 1) -> Sequence[Hypothesis]:
        """The best hypotheses of emissions (S, V), best first; never none.

        With a language, nothing is said where every frame is blank more likely than anything else, and the
        model normalises an utterance by itself: in seconds of a steady sound, all the unlikely alignments of
        a short word are together likelier than no word at all.
        """
        if self.beam is None:
            return (greedy(log_probs),)
        if self.bundle.features.by_itself and self._fusion is not None:
            best_path = greedy(log_probs)
            if not best_path.tokens:
                return (best_path,)
        return self.beam.decode(log_probs, nbest)

    def features(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The normalised features (T, F) of samples (n,).

        They are zero where an utterance that is normalised by itself does not change, such as digital
        silence: a steady tone would become whatever little there is beside it.
        """
        config = self.bundle.features
        normalized = normalize(log_mel(samples, config), config, self.bundle.statistics)
        steady = config.by_itself and is_steady(frame_levels(normalized))
        return np.zeros_like(normalized) if steady else normalized


def _alternatives(found: Sequence[Hypothesis], segments: Sequence[Segment]) -> tuple[Alternative, ...]:
    """The best hypothesis of every text, for where no words are known, spaces make others."""
    alternatives: dict[str, Alternative] = {}
    for hypothesis, segment in zip(found, segments, strict=True):
        parts = hypothesis.acoustic, hypothesis.language, hypothesis.bonus, hypothesis.hotwords
        alternatives.setdefault(segment.text, Alternative(segment, hypothesis.total, *parts))
    return tuple(alternatives.values())


def load(
    path: str | Path | None = None,
    *,
    engine: str = AUTO,
    device: str = "cpu",
    decoding: DecodingConfig | None = None,
    language: Language | None = None,
    chunks: Chunks | None = None,
) -> Recognizer:
    """Loads a model folder.

    Args:
        path: A bundle, as `asr train` writes it; by default the English one that comes with the package.
        engine: What computes: `torch`, `onnx`, `onnx-int8` or `auto`; see `asr.recognize.engines`.
        device: Where: `cpu` or a torch device such as `cuda`.
        decoding: How wide to search with a beam. By default the best path is taken, but where something
            of the language is known, there is a search.
        language: What to know besides the sound; by default the language model that the folder carries,
            if it does. `SOUND_ALONE` leaves that out.
        chunks: Lets a bidirectional model listen to streams; see there.

    Raises:
        BundleError: If the folder is missing, foreign, damaged or of a newer version, or has not what the
            engine runs.
        FusionError, LanguageModelError, LexiconError, HotwordError, TextError: If what `language` names
            is missing, damaged, or does not go together or with the model.
        RunError: If there is no such engine or device.
        StreamError: If there are chunks, and the model is unidirectional.
    """
    path = shipped(OFFLINE) if path is None else path
    bundle, engine = read_model(Path(path), engine, device, chunks)
    language = language or Language()
    fusion = fusion_for(bundle, language)
    if fusion is not None and decoding is None:
        decoding = default_search(bundle, language)
    if decoding and fusion and language.lm is None and fusion.word_model is not None:
        weights = f"alpha {fusion.alpha:g}, beta {fusion.beta:g}, beam size {decoding.beam_size}"
        _log.info("decoding with the language model that %s carries (%s)", path, weights)
    try:
        return Recognizer(bundle, start_engine(bundle, engine, device, chunks), decoding, fusion)
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from None
