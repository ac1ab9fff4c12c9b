"""Runs other decoders in an environment of their own; it imports nothing from the project.

Requests come as JSON lines on standard input, one reply to each goes to standard output:

    {"do": "peers"}                   → {"pyctcdecode": "0.5.0", …}: those that can be imported
    {"do": "decode", "peer": "pyctcdecode", "task": FOLDER, "mode": "open", "beam": 100,
     "alpha": 0.5, "beta": 1.0, "utterances": [0, 1]} → {"seconds": CPU seconds, "texts": […]}

A task is a folder with emissions.npz (log-probabilities (S, V) under the number of each utterance),
tokens.json (what each token writes, "" for blank), lm.arpa and lexicon.txt (``word token token …``).
Modes: `none`, no language model; `open`, any word; `closed`, words of the lexicon.
"""

import json
import logging
import sys
import time
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path

import numpy as np

TOKENS_AT_ONCE = 40
"""Tokens of a frame that are looked at, where a decoder has a limit; what the project's decoder has."""

DISTANCE = 50.0
"""Nats behind the best at which hypotheses are dropped, where this is not a default of a decoder."""


@lru_cache(maxsize=1)
def emissions(task: str) -> dict[int, np.ndarray]:
    """The log-probabilities of a task's utterances."""
    with np.load(Path(task, "emissions.npz")) as arrays:
        return {int(name): np.ascontiguousarray(arrays[name]) for name in arrays.files}


@lru_cache
def tokens(task: str) -> tuple[str, ...]:
    """What each token of a task writes."""
    return tuple(json.loads(Path(task, "tokens.json").read_text(encoding="utf-8")))


def written(task: str, ids) -> str:
    """The text that tokens write."""
    return " ".join("".join(tokens(task)[index] for index in ids).replace("▁", " ").split())


def _pyctcdecode_labels(task: str) -> list[str]:
    return [" " if text == "▁" and not _subwords(task) else text for text in tokens(task)]


def _subwords(task: str) -> bool:
    return any(text.startswith("▁") and len(text) > 1 for text in tokens(task))


def _words(task: str) -> list[str]:
    lines = Path(task, "lexicon.txt").read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines]


@lru_cache(maxsize=1)
def _pyctcdecode(task: str, mode: str):
    from pyctcdecode import build_ctcdecoder

    if mode == "none":
        return build_ctcdecoder(_pyctcdecode_labels(task))
    return build_ctcdecoder(_pyctcdecode_labels(task), str(Path(task, "lm.arpa")), unigrams=_words(task))


def pyctcdecode(request):
    """pyctcdecode, which has a language model of words and an open vocabulary; its own pruning."""
    decoder = _pyctcdecode(request["task"], request["mode"])
    if request["mode"] != "none":
        decoder.reset_params(alpha=request["alpha"], beta=request["beta"])
    return lambda log_probs: decoder.decode(log_probs, beam_width=request["beam"])


@lru_cache(maxsize=1)
def _compiled_copy(task: str, mode: str, alpha: float, beta: float):
    from ctc_beam_decoder import build_ctcdecoder

    if mode == "none":
        return build_ctcdecoder(_pyctcdecode_labels(task))
    model = str(Path(task, "lm.arpa"))
    return build_ctcdecoder(_pyctcdecode_labels(task), model, _words(task), alpha=alpha, beta=beta)


def ctc_beam_decoder(request):
    """A copy of pyctcdecode in C++."""
    decoder = _compiled_copy(request["task"], request["mode"], request["alpha"], request["beta"])
    return lambda log_probs: decoder.decode(log_probs, beam_width=request["beam"])


@lru_cache(maxsize=1)
def _flashlight_lexicon(task: str):
    from flashlight.lib.text.decoder import SmearingMode, Trie
    from flashlight.lib.text.decoder.kenlm import KenLM
    from flashlight.lib.text.dictionary import Dictionary, create_word_dict, load_words

    lexicon = load_words(str(Path(task, "lexicon.txt")))
    words, units = create_word_dict(lexicon), Dictionary([text or "<blk>" for text in tokens(task)])
    model = KenLM(str(Path(task, "lm.arpa")), words)
    trie, start = Trie(len(tokens(task)), tokens(task).index("▁")), model.start(False)
    for word, spellings in lexicon.items():
        index = words.get_index(word)
        for spelling in spellings:
            spelled = [units.get_index(token) for token in spelling]
            trie.insert(
                spelled if _subwords(task) else [*spelled, tokens(task).index("▁")],
                index,
                model.score(start, index)[1],
            )
    trie.smear(SmearingMode.MAX)
    return words, model, trie


def flashlight(request):
    """flashlight-text: its lexicon decoder in the mode `closed`, else the lexicon-free one."""
    from flashlight.lib.text import decoder as fl

    task, closed = request["task"], request["mode"] == "closed"
    common = {
        "beam_size": request["beam"],
        "beam_size_token": min(TOKENS_AT_ONCE, len(tokens(task))),
        "beam_threshold": DISTANCE,
        "sil_score": 0.0,
        "log_add": True,
        "criterion_type": fl.CriterionType.CTC,
    }
    silence = tokens(task).index("▁")
    if closed:
        words, model, trie = _flashlight_lexicon(task)
        options = fl.LexiconDecoderOptions(
            lm_weight=request["alpha"], word_score=request["beta"], unk_score=-np.inf, **common
        )
        unknown = words.get_index("<unk>")
        decoder = fl.LexiconDecoder(options, trie, model, silence, 0, unknown, [], False)
    else:
        model = fl.ZeroLM()
        decoder = fl.LexiconFreeDecoder(
            fl.LexiconFreeDecoderOptions(lm_weight=0.0, **common), model, silence, 0, []
        )

    def decode(log_probs) -> str:
        if closed and not _subwords(task):
            log_probs = _with_separator(log_probs, silence)
        best = decoder.decode(log_probs.ctypes.data, *log_probs.shape)[0]
        if closed:
            return " ".join(words.get_entry(index) for index in best.words if index >= 0)
        return written(task, [index for index, _ in groupby(best.tokens) if index > 0])

    decode.kept = model  # the decoder does not keep it alive
    return decode


def _with_separator(log_probs: np.ndarray, separator: int) -> np.ndarray:
    """Ends the utterance with a separator, without which the lexicon decoder would not end the last word."""
    last = np.full((1, log_probs.shape[1]), -1e4, np.float32)
    last[0, separator] = 0
    return np.concatenate([log_probs, last])


def ctcdecode(request):
    """ctcdecode: a language model of words makes it write words of the model only."""
    import torch
    from ctcdecode import CTCBeamDecoder

    torch.set_num_threads(1)
    task, closed = request["task"], request["mode"] == "closed"
    decoder = CTCBeamDecoder(
        [" " if text == "▁" else text or "_" for text in tokens(task)],
        model_path=str(Path(task, "lm.arpa")) if closed else None,
        alpha=request["alpha"],
        beta=request["beta"],
        cutoff_top_n=TOKENS_AT_ONCE,
        beam_width=request["beam"],
        num_processes=1,
        log_probs_input=True,
    )

    def decode(log_probs) -> str:
        results, _, _, lengths = decoder.decode(torch.from_numpy(log_probs)[None])
        return written(task, results[0, 0, : lengths[0, 0]].tolist())

    return decode


PEERS = {
    "pyctcdecode": pyctcdecode,
    "ctc-beam-decoder": ctc_beam_decoder,
    "flashlight-text": flashlight,
    "ctcdecode": ctcdecode,
}


def installed() -> dict[str, str]:
    """Versions of the peers that are installed."""
    found = {}
    for name in PEERS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def decode(request) -> dict[str, object]:
    """Decodes utterances one after the other, and takes the CPU time of that."""
    run = PEERS[request["peer"]](request)
    chosen = [emissions(request["task"])[index] for index in request["utterances"]]
    start = time.process_time()
    texts = [run(log_probs) for log_probs in chosen]
    return {"seconds": time.process_time() - start, "texts": texts}


def main() -> None:
    """Answers requests until the input ends."""
    logging.disable(logging.WARNING)
    for line in sys.stdin:
        request = json.loads(line)
        reply = installed() if request["do"] == "peers" else decode(request)
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
