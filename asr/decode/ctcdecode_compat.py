"""The interface of ctcdecode over the project's beam search: migrating is one changed import.

>>> from asr.decode.ctcdecode_compat import CTCBeamDecoder      # was: from ctcdecode import CTCBeamDecoder
>>> decoder = CTCBeamDecoder(labels, model_path="lm.arpa", alpha=0.5, beta=1.0, blank_id=0)
>>> beam_results, beam_scores, timesteps, out_lens = decoder.decode(probs, seq_lens)
>>> text = "".join(labels[label] for label in beam_results[0][0][: out_lens[0][0]])

Arguments, defaults, shapes, types and signs are ctcdecode's. torch tensors come back where a torch tensor
went in, else numpy arrays; torch itself is not needed. `asr.decode.ctcdecode.models` says what a language
model does. On purpose, this is different:

- `beam_scores` are the negative totals by which beams are sorted. With a language model ctcdecode takes an
  estimate of its part off again, so its scores are neither exact nor sorted.
- Where there are fewer beams than `beam_width`, the others have length 0 and an infinite score; what lies
  beyond a length is 0, not left as it was.
- With a language model of words, a text ends with a whole word, whose score counts like that of any other,
  and texts that differ in a space at their end are one. Words are looked ahead to while they are spelled.
- `timesteps` are frames at which the best alignment has the label: of these, the most probable one.
- Blank and a repeated label can always go on, whatever `cutoff_top_n` and `cutoff_prob` leave out.
- All beams begin alike where a recording has more than 2,000 frames (`DecodingConfig.commit_frames`).
- Input that cannot be what it is said to be is an error of one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from asr.decode.ctcdecode.search import Stream, setup_of
from asr.decode.ctcdecode.tensors import Beam, Emissions, Outputs, like, pack
from asr.errors import EmissionError


class CTCBeamDecoder:
    """Decodes batches of utterances.

    Args:
        labels: What each column of the network's output stands for.
        model_path: A language model: ARPA, plain or .gz, or one that ``asr lm build -o lm.lm`` wrote.
        alpha: Factor of its natural-log probabilities.
        beta: Bonus of a word, or of a label where the model is one of characters, in nats.
        cutoff_top_n: Only so many best labels of a frame extend a prefix.
        cutoff_prob: Once the best labels of a frame have this much together, the others extend nothing.
        beam_width: Prefixes that are kept; as many results come out.
        num_processes: Utterances that are decoded at the same time, in threads.
        blank_id: The place of CTC's blank among the labels.
        log_probs_input: Whether `decode` gets natural-log probabilities, not probabilities.

    Raises:
        ConfigError: If a number is out of range.
        LanguageModelError: If the model is missing, damaged, a KenLM binary, or of other labels.
        FusionError: If alpha is negative.
    """

    def __init__(  # noqa: PLR0913 (ctcdecode's arguments)
        self,
        labels: Sequence[str],
        model_path: str | Path | None = None,
        alpha: float = 0,
        beta: float = 0,
        cutoff_top_n: int = 40,
        cutoff_prob: float = 1.0,
        beam_width: int = 100,
        num_processes: int = 4,
        blank_id: int = 0,
        log_probs_input: bool = False,
    ) -> None:
        self._setup = setup_of(
            labels, model_path, alpha, beta, cutoff_top_n, cutoff_prob, beam_width, num_processes, blank_id,
            log_probs_input,
        )  # fmt: skip

    def decode(self, probs: Any, seq_lens: Any = None) -> Outputs:
        """Decodes a batch.

        Args:
            probs: Probabilities, or their natural logarithms (B, T, V): a torch tensor, or whatever numpy
                can read.
            seq_lens: Frames of each utterance (B,); by default all have T.

        Returns:
            `beam_results`, labels int32 (B, K, T); `beam_scores`, negative totals in nats, lowest first,
            float32 (B, K); `timesteps`, the frame of each label, int32 (B, K, T); `out_lens`, the number
            of labels, int32 (B, K).

        Raises:
            EmissionError: If there are no frames, the shape is another one, or a value is not what it
                should be.
        """
        utterances = self._setup.read(probs, seq_lens)
        length = int(np.shape(probs)[1])
        if not length:
            raise EmissionError(f"no frames: the shape is {tuple(np.shape(probs))}; check the model's input")
        found = self._setup.each(self._decode, utterances)
        return like(probs, pack(found, self._setup.config.beam_size, length))

    def _decode(self, log_probs: Emissions) -> list[Beam]:
        stream = Stream(self._setup)
        stream.advance(log_probs)
        return stream.beams()

    def character_based(self) -> bool | None:
        """Whether the language model reads characters; None without one."""
        return self._setup.character_based()

    def max_order(self) -> int | None:
        """How many words the language model looks at together; None without one."""
        return self._setup.max_order()

    def dict_size(self) -> int | None:
        """The number of words that can be written; 0 with a model of characters, None without a model."""
        return self._setup.dict_size()

    def reset_params(self, alpha: float, beta: float) -> None:
        """Changes the weights of the language model. Raises FusionError if alpha is negative."""
        self._setup = replace(self._setup, alpha=alpha, beta=beta)


class OnlineCTCBeamDecoder:
    """Decodes streams chunk by chunk; `DecoderState` is what one has said so far.

    The arguments are those of `CTCBeamDecoder`, and so are results: how a stream is divided into chunks
    changes nothing.
    """

    def __init__(  # noqa: PLR0913 (ctcdecode's arguments)
        self,
        labels: Sequence[str],
        model_path: str | Path | None = None,
        alpha: float = 0,
        beta: float = 0,
        cutoff_top_n: int = 40,
        cutoff_prob: float = 1.0,
        beam_width: int = 100,
        num_processes: int = 4,
        blank_id: int = 0,
        log_probs_input: bool = False,
    ) -> None:
        self._setup = setup_of(
            labels, model_path, alpha, beta, cutoff_top_n, cutoff_prob, beam_width, num_processes, blank_id,
            log_probs_input,
        )  # fmt: skip

    def decode(
        self, probs: Any, states: Sequence[DecoderState], is_eos_s: Sequence[bool], seq_lens: Any = None
    ) -> Outputs:
        """Goes on with B streams by one chunk each.

        Args:
            probs: Probabilities of the next frames, or their natural logarithms (B, T, V); T may be 0.
            states: One for each stream, in which it goes on.
            is_eos_s: For which streams this is the last chunk; the others get no results yet, which are
                beams of length 0 and of infinite score.
            seq_lens: Frames of each chunk (B,); by default all have T.

        Returns:
            As `CTCBeamDecoder.decode`, with as much room for labels (B, K, L) as the longest result needs.

        Raises:
            EmissionError: As there, or if there are not as many states and ends as chunks.
        """
        chunks = self._setup.read(probs, seq_lens)
        if not len(chunks) == len(states) == len(is_eos_s) == len({id(state) for state in states}):
            raise EmissionError(
                f"{len(chunks)} chunks, {len(states)} states and {len(is_eos_s)} ends; "
                "give each chunk a state of its own, and say whether it is the last"
            )
        streams = [self._stream(state) for state in states]
        found = self._setup.each(_advance, list(zip(streams, chunks, is_eos_s, strict=True)))
        longest = max((len(beam.labels) for beams in found for beam in beams), default=0)
        return like(probs, pack(found, self._setup.config.beam_size, longest))

    def _stream(self, state: DecoderState) -> Stream:
        if state.state.setup is not self._setup:
            raise EmissionError("a state of another decoder; make it with DecoderState(decoder) of this one")
        return state.state

    def character_based(self) -> bool | None:
        """See CTCBeamDecoder."""
        return self._setup.character_based()

    def max_order(self) -> int | None:
        """See CTCBeamDecoder."""
        return self._setup.max_order()

    def dict_size(self) -> int | None:
        """See CTCBeamDecoder."""
        return self._setup.dict_size()


class DecoderState:
    """What one stream has said so far, for one utterance. There is nothing to release.

    Args:
        decoder: The decoder that is to go on with it.
    """

    def __init__(self, decoder: OnlineCTCBeamDecoder) -> None:
        self.state = Stream(decoder._setup)


def _advance(work: tuple[Stream, Emissions, bool]) -> list[Beam]:
    stream, chunk, is_eos = work
    stream.advance(chunk)
    return stream.beams() if is_eos else []
