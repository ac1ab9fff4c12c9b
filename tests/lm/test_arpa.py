"""ARPA files of all toolkits are read; what is wrong with one is said in a line."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asr.errors import LanguageModelError
from asr.lm.arpa import read_arpa, write_arpa
from asr.lm.ngrams import LN_10, NgramModel

TINY = r"""made by hand
\data\
ngram 1=4
ngram 2=3
ngram 3=1

\1-grams:
-1.5	<unk>
-99	<s>	-0.5
-0.75	</s>
-0.5	größe	-0.25

\2-grams:
-0.25	<s> größe	-0.125
-0.5	größe größe
-0.3	größe </s>

\3-grams:
-0.0625	<s> größe </s>

\end\
"""


def read(folder: Path, text: str | bytes) -> NgramModel:
    path = folder / "lm.arpa"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_arpa(path)


def listed(model: NgramModel) -> dict[tuple[str, ...], tuple[float, float]]:
    """All n-grams with their logarithms to base 10, in a dictionary."""
    return {
        gram: (round(float(log_prob) / LN_10, 4), round(float(backoff) / LN_10, 4))
        for n, level in enumerate(model.levels, start=1)
        for gram, log_prob, backoff in zip(
            zip(*model.spelled(n, 0, len(level)), strict=True), level.log_probs, level.backoffs, strict=True
        )
    }


def test_a_file_is_read_as_it_stands(tmp_path: Path) -> None:
    model = read(tmp_path, TINY)
    assert (model.order, model.words) == (3, ("<unk>", "<s>", "</s>", "größe"))
    assert listed(model) == {
        ("<unk>",): (-1.5, 0),
        ("<s>",): (-99, -0.5),
        ("</s>",): (-0.75, 0),
        ("größe",): (-0.5, -0.25),
        ("<s>", "größe"): (-0.25, -0.125),
        ("größe", "größe"): (-0.5, 0),
        ("größe", "</s>"): (-0.3, 0),
        ("<s>", "größe", "</s>"): (-0.0625, 0),
    }
    assert float(model.levels[1].log_probs[0]) == pytest.approx(-0.25 * math.log(10))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text.partition("\n")[2],
        lambda text: text.replace("\t", " "),
        lambda text: text.replace("\t", "  ").replace("<s> größe", "<s>\tgröße "),
        lambda text: text.replace("ngram 2=3", "ngram  2 = 3 ").replace(
            "\\3-grams:", "\n \\3-grams: \n".strip("\n")
        ),
        lambda text: text.removesuffix("\n"),
        lambda text: text + "\nmore\n",
        lambda text: text.replace("-0.25\t<s>", "-2.5e-1\t<s>"),
    ],
)
def test_small_differences_do_no_harm(tmp_path: Path, change) -> None:
    assert listed(read(tmp_path, change(TINY))) == listed(read(tmp_path, TINY))


def test_packed_files_are_read_and_written(tmp_path: Path) -> None:
    model = read(tmp_path, TINY)
    for name in ("a.arpa", "a.arpa.gz"):
        write_arpa(tmp_path / name, model)
        assert listed(read_arpa(tmp_path / name)) == listed(model)
    assert gzip.decompress((tmp_path / "a.arpa.gz").read_bytes()) == (tmp_path / "a.arpa").read_bytes()
    assert "-0.5\tgröße größe\t0\n" in (tmp_path / "a.arpa").read_text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ngram 2=3", "ngram 2=4", "line 17: only 3 2-grams, but the header says 4"),
        ("ngram 2=3", "ngram 2=2", r"line 16: expected \\3-grams:, not '-0.3.*there are more 2-grams than"),
        ("ngram 3=1\n", "", "line 13: a line of 2-grams has 3 fields, not 4"),
        ("ngram 3=1", "ngram 4=1", "line 5: expected a count such as ngram 3=1000, not 'ngram 4=1'"),
        ("ngram 1=4", "ngram 1=0", "line 7: the header promises no words"),
        ("ngram 1=4", "ngram 1=16777216", "line 7: 16777216 words are too many; 16777215 at most"),
        ("\\2-grams", "\\3-grams", r"line 13: expected \\2-grams:, not '\\\\3-grams:'"),
        ("\\1-grams", "\\2-grams", r"line 7: expected \\1-grams:, not '\\\\2-grams:'"),
        ("-0.3\t", "0,3\t", "line 16: '0,3' is not a number"),
        ("-0.3\t", "nan\t", "line 16: 'nan' is not a finite number"),
        ("-0.125", "-inf", "line 14: '-inf' is not a finite number"),
        ("-0.3\t", "0.3\t", "line 16: a log-probability cannot be positive: '0.3'"),
        ("größe </s>", "größer </s>", "line 16: 'größer' is not among the 1-grams"),
        ("<s> größe </s>", "</s> größe </s>", "line 19: its context '</s> größe' is not among the 2-grams"),
        ("<s> größe </s>", "größe </s>", "line 19: a line of 3-grams has 4 fields, not 3"),
        ("<s> größe </s>", "<s> größe </s> -1", "line 19: a line of 3-grams has 4 fields, not 5"),
        ("größe </s>\n\n", "größe größe\n\n", "line 16: this 2-gram stands there twice"),
        ("-0.75\t</s>", "-0.75\t<s>", "line 10: '<s>' stands twice among the 1-grams"),
        ("\\end\\", "", r"line 21: the file ends here, without \\end\\: it was cut off"),
        ("\\data\\", "", r"lm.arpa: not an ARPA file: it has no line \\data\\"),
        (TINY, "", "lm.arpa: the file is empty"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TINY
    with pytest.raises(LanguageModelError, match=message) as caught:
        read(tmp_path, TINY.replace(old, new, 1))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "lm.arpa"))
    assert ";" in str(caught.value)


def test_lines_far_down_are_numbered_rightly(tmp_path: Path) -> None:
    words = [f"-1\tw{i}\n" for i in range(20_000)]
    start, end = "\\data\\\nngram 1=20000\n\n\\1-grams:\n", "\n\\end\\\n"
    assert len(read(tmp_path, start + "".join(words) + end).words) == 20_000
    words[16_000] = "-1\tw7\n"
    with pytest.raises(LanguageModelError, match="line 16005: 'w7' stands twice"):
        read(tmp_path, start + "".join(words) + end)
    words[9_000] = "x\tw9000\n"
    with pytest.raises(LanguageModelError, match="line 9005: 'x' is not a number"):
        read(tmp_path, start + "".join(words) + end)


def test_other_bytes_than_text_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(LanguageModelError, match=r"line 11: .* is not UTF-8"):
        read(tmp_path, TINY.encode().replace("größe".encode(), "größe".encode("latin-1")))
    (tmp_path / "lm.arpa.gz").write_bytes(gzip.compress(TINY.encode())[:-20])
    with pytest.raises(LanguageModelError, match=r"lm\.arpa\.gz: cannot be unpacked: .*; copy it again"):
        read_arpa(tmp_path / "lm.arpa.gz")
    (tmp_path / "lm.arpa.gz").write_bytes(TINY.encode())
    with pytest.raises(LanguageModelError, match=r"lm\.arpa\.gz: cannot be unpacked: not a gzip"):
        read_arpa(tmp_path / "lm.arpa.gz")
    with pytest.raises(LanguageModelError, match=r"no\.arpa: no such file"):
        read_arpa(tmp_path / "no.arpa")
    with pytest.raises(LanguageModelError, match="cannot be read: Is a directory"):
        read_arpa(tmp_path)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(TINY.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.sampled_from([b"", b"\n", b" ", b"\t", b"-", b"\\", b"9", b"\xff", b"<s>"]))
        content[place : place + data.draw(st.integers(0, 40))] = piece
    try:
        model = read(tmp_path, bytes(content))
    except LanguageModelError as error:
        assert "\n" not in str(error)
    else:
        for level in model.levels:
            assert np.isfinite(level.log_probs).all()
            assert (level.log_probs <= 0).all()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text("aä日.-\u00a0\u2028", min_size=1, max_size=3), min_size=1, max_size=6, unique=True))
def test_words_of_any_script_survive(tmp_path: Path, words: list[str]) -> None:
    lines = "".join(f"-1\t{word}\t-0.5\n" for word in words)
    pairs = "".join(f"-0.5\t{word} {words[0]}\n" for word in words)
    count = len(words)
    text = (
        f"\\data\\\nngram 1={count}\nngram 2={count}\n\n\\1-grams:\n{lines}\n\\2-grams:\n{pairs}\n\\end\\\n"
    )
    model = read(tmp_path, text)
    assert model.words == tuple(words)
    write_arpa(tmp_path / "again.arpa", model)
    assert listed(read_arpa(tmp_path / "again.arpa")) == listed(model)
