"""When each word of a known text is spoken in a recording, and how well it matches what is heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.audio.io import AudioSource, load_audio
from asr.audio.mel import framing
from asr.decode.align import Alignment, align
from asr.decode.pauses import fit_to_pauses
from asr.decode.words import to_segment
from asr.errors import TextError
from asr.model.lengths import required_frames
from asr.recognize.batches import emissions
from asr.recognize.pronunciation import sounding
from asr.recognize.recognizer import Recognizer
from asr.text.normalize import normalize
from asr.text.tokenizer import Tokenizer, WordTokenizer
from asr.text.units import WordSpan
from asr.transcript import Segment, Transcript, Word

BAD_MATCH = -3.0
"""A word with a lower match is probably not what was said.

In AN4, nearly all words that replace another one are below it, and 1 to 3 of 100 that were really said;
tests/recognize/test_align.py prints how many.
"""


@dataclass(frozen=True, slots=True)
class AlignedText:
    """A text and when its words are spoken.

    Attributes:
        transcript: The words, spelled as in the given text where each of them is one word of the model's
            and else as the model spells them, with times and confidences.
        matches: For each word, how much less log-probability its tokens have than what the model would
            write at the same frames (the mean over tokens of the mean over frames, in nats): 0 where the
            model would write the word itself, and below `BAD_MATCH` where it hears something else.
        tokens: The tokens of the text as `tokens.txt` writes them, with confidences and the times of
            their emission frames.
    """

    transcript: Transcript
    matches: tuple[float, ...]
    tokens: tuple[Word, ...]

    @property
    def doubtful(self) -> tuple[Word, ...]:
        """The words that match badly; speech that the text leaves out is not among them."""
        words = zip(self.transcript.words, self.matches, strict=True)
        return tuple(word for word, match in words if match < BAD_MATCH)


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A recording: the number of its samples, and its normalised features (T, F)."""

    samples: int
    features: NDArray[np.float32]


def align_recording(
    recognizer: Recognizer, audio: str | Path | AudioSource, text: str, *, channel: int | None = None
) -> AlignedText:
    """Finds when the words of a text are spoken in a recording.

    Args:
        recognizer: The model.
        audio: A file, of any format, rate and number of channels.
        text: What is said in it, in any spelling; the model's normaliser is applied.
        channel: The channel to listen to, counted from 0; by default the mean of all.

    Raises:
        AudioError: If the recording cannot be read.
        TextError: If the text is empty, too long for the recording, or has characters that the model
            cannot write.
    """
    source = audio if isinstance(audio, AudioSource) else AudioSource(Path(audio))
    samples = load_audio(source, sample_rate=recognizer.bundle.features.sample_rate, channel=channel)
    (aligned,) = align_samples(recognizer, [samples], [text])
    if isinstance(aligned, TextError):
        raise aligned
    return aligned


def align_samples(
    recognizer: Recognizer, recordings: Sequence[NDArray[np.float32]], texts: Sequence[str]
) -> list[AlignedText | TextError]:
    """Aligns several recordings, which run through the model side by side.

    Args:
        recognizer: The model.
        recordings: Samples (n,) in -1 … 1 of each, at the sample rate of the model.
        texts: What is said in each.

    Returns:
        For each recording the alignment that it would get alone, or what is wrong with its text.
    """
    results: dict[int, AlignedText | TextError] = {}
    spelled: dict[int, list[int]] = {}
    normalizer = recognizer.bundle.tokenizer_config.normalizer
    tokenizer = sounding(recognizer.bundle, (normalize(text, normalizer) for text in texts))
    for index, (samples, text) in enumerate(zip(recordings, texts, strict=True)):
        try:
            spelled[index] = _spell(recognizer, tokenizer, text, len(samples))
        except TextError as error:
            results[index] = error
    order = list(spelled)
    features = [recognizer.features(recordings[index]) for index in order]
    for place, log_probs in emissions(recognizer.engine, features):
        index = order[place]
        try:
            alignment = align(log_probs, spelled[index])
        except TextError as error:
            results[index] = error
        else:
            sound = Sound(len(recordings[index]), features[place])
            results[index] = _with_times(recognizer, alignment, texts[index], sound)
    return [results[index] for index in range(len(recordings))]


def _spell(recognizer: Recognizer, tokenizer: Tokenizer, text: str, samples: int) -> list[int]:
    """The tokens of a text.

    Raises:
        TextError: If there are none, if it has unknown characters, or more tokens than so many samples
            have room for.
    """
    bundle = recognizer.bundle
    normalizer = bundle.tokenizer_config.normalizer
    normalized = normalize(text, normalizer)
    if unknown := tokenizer.unknown(normalized):
        shown = ", ".join(
            f"{unit!r} (U+{ord(unit):04X})" if len(unit) == 1 else repr(unit) for unit in unknown[:10]
        )
        more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        raise TextError(
            f"the model cannot write {shown}{more}; spell the text with what is in its tokens.txt"
        )
    tokens = tokenizer.encode(normalized)
    if not tokens:
        raise TextError(f"the text is empty once the normaliser {normalizer} is applied; write what is said")
    frames = framing(bundle.features).then(recognizer.engine.window).output_length(samples)
    needed = required_frames(np.array(tokens))
    if needed > frames:
        seconds = samples / bundle.features.sample_rate
        raise TextError(
            f"the text is too long for the recording: {len(tokens)} tokens need {needed} emission frames, "
            f"and its {seconds:.2f} s have {frames}; check that they belong together"
        )
    return tokens


def _with_times(recognizer: Recognizer, alignment: Alignment, text: str, sound: Sound) -> AlignedText:
    """Words and tokens in seconds, the words as the text spells them."""
    bundle, rate = recognizer.bundle, recognizer.bundle.features.sample_rate
    frames = framing(bundle.features)
    window, duration = frames.then(recognizer.engine.window), sound.samples / rate
    single = WordTokenizer(bundle.tokenizer.vocabulary)  # to which every token is a word
    heard, tokens = (
        to_segment(alignment.hypothesis, tokenizer, window, rate, duration)
        for tokenizer in (bundle.tokenizer, single)
    )
    heard = fit_to_pauses(heard, sound.features, frames, rate)
    spans = bundle.tokenizer.words(alignment.hypothesis.tokens)
    sounds = bundle.tokenizer.units.sounds
    spellings = _spellings(text, spans, bundle.tokenizer_config.normalizer, sounds)
    words = tuple(replace(word, text=spelling) for word, spelling in zip(heard.words, spellings, strict=True))
    written = heard.text if words == heard.words else " ".join(spellings)
    transcript = Transcript((Segment(words, written, 0.0, duration),), duration)
    matches = tuple(float(np.mean(alignment.matches[span.first : span.last])) for span in spans)
    return AlignedText(transcript, matches, tokens.words)


def _spellings(text: str, spans: Sequence[WordSpan], normalizer: str, sounds: bool) -> list[str]:
    """The words as the text spells them, wherever one of its words is one word of the model's."""
    ours = [span.text for span in spans]
    if sounds:
        ours = normalize(text, normalizer).split()  # what is sounded out is not written
    given = normalize(text, "verbatim").split()
    pieces = [normalize(word, normalizer).split() for word in given]
    if [piece for word in pieces for piece in word] != ours:
        return ours  # its words are not what white space divides
    return [
        word if len(parts) == 1 else part for word, parts in zip(given, pieces, strict=True) for part in parts
    ]
