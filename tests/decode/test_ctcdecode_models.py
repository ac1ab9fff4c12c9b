"""What language models mean to decoders with ctcdecode's interface."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.decode.ctcdecode.models import labels_of
from asr.decode.ctcdecode_compat import CTCBeamDecoder, DecoderState, OnlineCTCBeamDecoder
from asr.errors import FusionError, LanguageModelError
from asr.lm.arpa import write_arpa
from asr.lm.automaton import Automaton
from asr.lm.construction import load_language_model
from asr.lm.kneser_ney import Estimation, estimate
from asr.lm.ngrams import END, UNKNOWN
from tests.helpers.beam import Emissions, Tokens, emissions, enumerate_texts
from tests.helpers.objective import World, objective
from tests.helpers.worlds import ngrams

LABELS = ["_", " ", "a", "b", "c"]
WORDS = ("a", "ab", "ba", "b", "abc")
Gain = Callable[[Tokens, int], float]


@pytest.fixture(scope="module")
def word_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lm") / "words.arpa"
    write_arpa(path, ngrams(("x", *WORDS, "don't"), 3, 4, (UNKNOWN, END)))
    return path


@pytest.fixture(scope="module")
def letter_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lm") / "letters.arpa"
    random = np.random.default_rng(0)
    texts = [random.choice(["a", "b", "|", "z"], random.integers(1, 9)).tolist() for _ in range(60)]
    estimate(texts, path, Estimation(3))
    return path


def found_texts(decoder: CTCBeamDecoder, log_probs: Emissions, labels: Sequence[str]) -> dict[str, float]:
    """The totals of all texts, without a space at the end."""
    results, scores, _, lengths = (one[0] for one in decoder.decode(log_probs[None]))
    sizes = [int(size) for size, score in zip(lengths, scores, strict=True) if score < np.inf]
    texts = [
        "".join(labels[label] for label in row[:size]) for row, size in zip(results, sizes, strict=False)
    ]
    assert len(set(texts)) == len(texts)
    return dict(zip(texts, (-scores[: len(sizes)]).tolist(), strict=True))


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32), blank=st.integers(0, 4), alpha=st.sampled_from([0.0, 0.5, 2.0]))
def test_a_model_of_words_is_a_lexicon_and_scores_words_but_not_the_end(
    word_model: Path, seed: int, blank: int, alpha: float
) -> None:
    log_probs = emissions(seed, 5, 5)
    world = World(
        texts=("", *LABELS[1:]),
        separator=1,
        vocabulary="closed",
        words=WORDS,
        word_model=replace(load_language_model(word_model), end=-1),
        alpha=alpha,
        beta=1.5,
    )
    labels = LABELS[1:]
    labels.insert(blank, "_")
    decoder = CTCBeamDecoder(
        labels, str(word_model), alpha, 1.5, beam_width=3000, blank_id=blank, log_probs_input=True
    )
    moved = np.insert(log_probs[:, 1:], blank, log_probs[:, 0], axis=1)
    found = {text.rstrip(" "): total for text, total in found_texts(decoder, moved, labels).items()}
    expected = {text: parts.total for text, parts in objective(world, log_probs).items()}
    assert found == pytest.approx(expected, abs=1e-4)
    assert (decoder.character_based(), decoder.max_order()) == (False, 3)
    assert decoder.dict_size() == len(WORDS)


def letter_gain(model: Automaton, alpha: float, beta: float) -> Gain:
    """What ctcdecode adds for a label after others."""
    names = ["", "|", "a", "b", "c"]

    def gain(prefix: Tokens, token: int) -> float:
        if names[token] not in model.ids:
            return alpha * -1000 + beta
        return alpha * model.score([names[one] for one in (*prefix, token)], end=False)[-1] + beta

    return gain


@pytest.mark.parametrize(("alpha", "beta"), [(0.5, 1.0), (1.0, -0.7), (0.0, 2.0), (0.0, 0.0)])
def test_a_model_of_characters_scores_labels(letter_model: Path, alpha: float, beta: float) -> None:
    gain = letter_gain(load_language_model(letter_model), alpha, beta)
    decoder = CTCBeamDecoder(LABELS, str(letter_model), alpha, beta, beam_width=3000, log_probs_input=True)
    assert (decoder.character_based(), decoder.max_order(), decoder.dict_size()) == (True, 3, 0)
    log_probs = emissions(1, 5, 5)
    expected = {}
    for tokens, total in enumerate_texts(log_probs).items():
        if alpha and 4 in tokens:  # the model forgets more of what it does not know than ctcdecode's
            continue
        gains = (gain(tokens[:place], token) for place, token in enumerate(tokens))
        expected["".join(LABELS[token] for token in tokens)] = total + sum(gains)
    found = found_texts(decoder, log_probs, LABELS)
    likely = {text: total for text, total in found.items() if not alpha or "c" not in text}
    assert likely == pytest.approx(expected, abs=1e-4)
    assert all(total < -400 for text, total in found.items() if alpha and "c" in text)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32),
    width=st.integers(1, 12),
    alpha=st.sampled_from([0.0, 0.7]),
    beta=st.sampled_from([-1.0, 0.0, 2.0]),
)
def test_a_narrow_beam_keeps_what_the_textbook_search_keeps(
    letter_model: Path, seed: int, width: int, alpha: float, beta: float
) -> None:
    log_probs = emissions(seed, 12, 5)
    gain = letter_gain(load_language_model(letter_model), alpha, beta)
    decoder = CTCBeamDecoder(LABELS, str(letter_model), alpha, beta, beam_width=width, log_probs_input=True)
    found = found_texts(decoder, log_probs, LABELS)
    expected = scored_search(log_probs, width, gain)
    assert found == pytest.approx(
        {"".join(LABELS[token] for token in tokens): total for tokens, total in expected.items()}, abs=1e-3
    )


def scored_search(log_probs: Emissions, width: int, gain: Gain) -> dict[Tokens, float]:
    """Prefix beam search with dictionaries, in which every new token gains something."""
    beams: dict[Tokens, tuple[float, float]] = {(): (0.0, -math.inf)}
    for row in log_probs.astype(np.float64):
        ends: dict[Tokens, list[float]] = defaultdict(lambda: [-math.inf, -math.inf])
        for prefix, (blank, spoken) in beams.items():
            total = np.logaddexp(blank, spoken)
            ends[prefix][0] = np.logaddexp(ends[prefix][0], total + row[0])
            if prefix:
                ends[prefix][1] = np.logaddexp(ends[prefix][1], spoken + row[prefix[-1]])
            for token in range(1, len(row)):
                reached = blank if prefix[-1:] == (token,) else total
                longer = (*prefix, token)
                score = reached + row[token] + (gain(prefix, token) if reached > -math.inf else 0.0)
                ends[longer][1] = np.logaddexp(ends[longer][1], score)
        best = sorted(ends, key=lambda prefix: -np.logaddexp(*ends[prefix]))[:width]
        beams = {prefix: (ends[prefix][0], ends[prefix][1]) for prefix in best}
    return {prefix: float(np.logaddexp(*both)) for prefix, both in beams.items()}


def test_weights_can_be_changed_afterwards(word_model: Path) -> None:
    log_probs = emissions(3, 30, 5)
    made, changed = (CTCBeamDecoder(LABELS, word_model, *weights, log_probs_input=True)
                     for weights in ((0.8, 2.0), (0.0, 0.0)))  # fmt: skip
    before = found_texts(changed, log_probs, LABELS)
    changed.reset_params(0.8, 2.0)
    assert found_texts(changed, log_probs, LABELS) == found_texts(made, log_probs, LABELS) != before


@pytest.mark.parametrize("model", ["word_model", "letter_model"])
def test_a_stream_with_a_model_is_one_utterance(request: pytest.FixtureRequest, model: str) -> None:
    path = request.getfixturevalue(model)
    log_probs = emissions(5, 50, 5)[None]
    online = OnlineCTCBeamDecoder(LABELS, path, 0.5, 1.0, beam_width=20, log_probs_input=True)
    assert online.character_based() == (model == "letter_model")
    assert (online.max_order(), online.dict_size()) == (3, 0 if online.character_based() else len(WORDS))
    state = DecoderState(online)
    for first in range(0, 50, 7):
        found = online.decode(log_probs[:, first : first + 7], [state], [first == 49])
    whole = CTCBeamDecoder(LABELS, path, 0.5, 1.0, beam_width=20, log_probs_input=True).decode(log_probs)
    assert np.array_equal(found[1], whole[1])
    assert np.array_equal(found[0], whole[0][..., : found[3].max()])


def test_subwords_and_words_without_spaces_are_bounded_by_what_they_are() -> None:
    assert labels_of(["a", "_", " "], 1).units.separator == 2
    assert labels_of(["a", "_", "▁"], 1).units.separator == 2
    assert labels_of(["▁", "_", "▁the"], 1).units.mark == "▁"
    assert labels_of([" ", "_", "▁the"], 1).units.separator == 1
    assert not labels_of(["a", "_", "b"], 1).units.bounded
    assert labels_of(["a", "_", "b"], 1).order.tolist() == [1, 0, 2]


def test_subwords_spell_the_words_of_a_model_in_all_ways(word_model: Path) -> None:
    labels = ["▁a", "▁b", "a", "b", "c", "▁ab", "_"]
    log_probs = emissions(8, 8, 7)
    decoder = CTCBeamDecoder(labels, word_model, 0.5, 1.0, beam_width=50, blank_id=6, log_probs_input=True)
    texts = ["".join(text).replace("▁", " ").split() for text in found_texts(decoder, log_probs, labels)]
    assert len(texts) == len(set(map(tuple, texts))) > 5
    assert {word for text in texts for word in text} == set(WORDS)


def test_models_that_cannot_be_used_are_one_line(
    word_model: Path, letter_model: Path, tmp_path: Path
) -> None:
    binary = Path(__file__).parent / "kenlm" / "toy.probing"
    cut = tmp_path / "cut.arpa"
    cut.write_text(word_model.read_text()[:200])
    for path, labels, problem in (
        (binary, LABELS, "a KenLM binary, .* name the ARPA file"),
        (tmp_path / "none.arpa", LABELS, "no such file; check the path"),
        (cut, LABELS, r"cut.arpa, line \d+"),
        (word_model, ["_", " ", "A", "B"], "none of its 7 words can be spelled with the labels"),
        (letter_model, ["_", " ", "A", "B"], "none of its 4 characters is a label"),
    ):  # fmt: skip
        with pytest.raises(LanguageModelError) as caught:
            CTCBeamDecoder(labels, str(path), 0.5)
        assert re.search(problem, str(caught.value)), str(caught.value)
        assert path.name in str(caught.value) and "\n" not in str(caught.value)
    for path in (word_model, letter_model):
        with pytest.raises(FusionError, match="alpha must not be negative"):
            CTCBeamDecoder(LABELS, str(path), -0.5)


def test_ctcdecode_itself_finds_the_same_words(word_model: Path) -> None:
    theirs = pytest.importorskip("ctcdecode")
    torch = pytest.importorskip("torch")
    probs = torch.tensor(np.exp(np.stack([emissions(seed, 40, 5, sharpness=6.0) for seed in range(8)])))
    options = {"model_path": str(word_model), "alpha": 0.7, "beta": 1.0, "beam_width": 300}
    results, _, _, sizes = CTCBeamDecoder(LABELS, **options).decode(probs)
    expected, _, _, lengths = theirs.CTCBeamDecoder(LABELS, **options).decode(probs)
    for index in range(8):
        best = "".join(LABELS[label] for label in results[index, 0, : sizes[index, 0]])
        texts = {"".join(LABELS[label] for label in row[:size]).rstrip(" ")
                 for row, size in zip(expected[index, :20], lengths[index, :20], strict=True)}  # fmt: skip
        assert best.rstrip(" ") in texts  # its own first place goes by all words but the last
