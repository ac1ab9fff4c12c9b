"""The model card says what the model is and how good, in numbers that were measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from asr.config import ModelConfig, Recipe
from asr.train.card import model_card

FACTS: dict[str, Any] = {
    "environment": {"processor": "Some CPU", "commit": "abc+"},
    "data": {"train_utterances": 8, "train_hours": 0.5, "dev_utterances": 3, "dev_hours": 0.25},
    "training": {"epochs": 5, "cpu_minutes": 1.5, "precision": "fp32", "weights": "epoch 4, dev WER 5.00 %"},
    "results": {"test": {"wer": "%WER 5.95 [ 46 / 773, 3 ins, 3 del, 40 sub ]", "cer": "%CER 1.00 [ … ]"}},
}
RECIPE = Recipe(name="an4-bilstm", model=ModelConfig(cell="lstm", layers=3, hidden=192))


def test_the_card_names_model_data_training_and_results() -> None:
    card = model_card(RECIPE, FACTS, vocabulary=29, parameters=1_234_567)
    for part in (
        "# an4-bilstm", "3 bidirectional LSTM layers of 192 units", "29 tokens", "1,234,567 parameters",
        "8 utterances, 0.50 h", "3 utterances, 0.25 h", "5 epochs, 1.5 CPU minutes in fp32 on Some CPU",
        "commit abc+", "epoch 4, dev WER 5.00 %", "`lower`",
        "| test | %WER 5.95 [ 46 / 773, 3 ins, 3 del, 40 sub ] |", "asr transcribe recording.wav --model",
    ):  # fmt: skip
        assert part in card
    header = card.split("---")[1]
    assert "pipeline_tag: automatic-speech-recognition" in header


def test_the_card_says_what_the_training_began_with() -> None:
    card = model_card(replace(RECIPE, init="runs/first/bundle"), FACTS, vocabulary=29, parameters=1)
    assert "5 epochs from the weights of runs/first/bundle on, 1.5 CPU minutes" in card


@pytest.mark.parametrize(("bidirectional", "word"), [(True, " bidirectional"), (False, " unidirectional")])
def test_the_card_says_in_which_directions_the_model_reads(bidirectional: bool, word: str) -> None:
    recipe = replace(RECIPE, model=ModelConfig(bidirectional=bidirectional))
    facts = {**FACTS, "environment": {"processor": "Some CPU", "commit": ""}}
    card = model_card(recipe, facts, vocabulary=29, parameters=1)
    assert word in card
    assert "commit unknown" in card


def test_the_card_names_the_corpus_and_repeats_its_licence() -> None:
    recipe = replace(RECIPE, corpus="AN4")
    terms = "Copyright (c) somebody\n * 1. Keep this notice.\n"
    card = model_card(recipe, FACTS, vocabulary=29, parameters=1, terms=terms)
    assert "Training data: AN4, 8 utterances" in card
    assert terms in card
    assert "Licence" not in model_card(RECIPE, FACTS, vocabulary=29, parameters=1)
