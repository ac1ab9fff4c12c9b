"""Draws the pictures of decoding.md: ``python docs/make_pictures.py`` (needs matplotlib, as training does).

A made-up emission of seven frames is searched with a beam of four prefixes. After every frame the search is
asked for what it has kept, so the pictures show what the decoder does, and not what it should.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder

TOKENS = "–abc"
"""What tokens write; the first is blank."""

PROBABILITIES = np.array(
    [
        [0.25, 0.65, 0.05, 0.05],
        [0.30, 0.50, 0.05, 0.15],
        [0.55, 0.10, 0.25, 0.10],
        [0.55, 0.05, 0.30, 0.10],
        [0.50, 0.10, 0.25, 0.15],
        [0.40, 0.35, 0.10, 0.15],
        [0.75, 0.15, 0.05, 0.05],
    ]
)
"""Of each token at each frame (S, V)."""

BEAMS = 4
INK, GREY, BLUE, RED = "#222222", "#9a9a9a", "#1f6fb2", "#c23b22"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "asr",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


@dataclass(frozen=True, slots=True)
class Frame:
    """The prefixes that are kept after a frame, and the probability of each."""

    probabilities: dict[str, float]

    @property
    def shares(self) -> dict[str, float]:
        """What each prefix has of the probability of all that are kept."""
        together = sum(self.probabilities.values())
        return {prefix: probability / together for prefix, probability in self.probabilities.items()}


def search(width: int) -> list[Frame]:
    """The beam before the first frame, and after each."""
    decoder = BeamDecoder(DecodingConfig(beam_size=width), len(TOKENS))
    state = decoder.start()
    frames = [Frame({"": 1.0})]
    for row in np.log(PROBABILITIES).astype(np.float32):
        decoder.advance(state, row[None])
        found = decoder.finish(state, nbest=width)
        frames.append(
            Frame({"".join(TOKENS[token] for token in one.tokens): float(np.exp(one.total)) for one in found})
        )
    return frames


def draw_emission(axes: Axes) -> None:
    """The probabilities of tokens as a heat map, and the best path."""
    axes.imshow(
        PROBABILITIES.T,
        cmap="Blues",
        vmin=0,
        vmax=1,
        aspect="auto",
        extent=(0.5, 7.5, 3.5, -0.5),
        interpolation="none",
    )
    for frame, row in enumerate(PROBABILITIES, start=1):
        for token, probability in enumerate(row):
            best = token == row.argmax()
            axes.text(
                frame,
                token,
                f"{probability:.2f}".removeprefix("0"),
                ha="center",
                va="center",
                color="white" if probability > 0.45 else INK,
                weight="bold" if best else "normal",
            )
    axes.set_yticks(range(len(TOKENS)), list(TOKENS))
    axes.set_ylabel("token")


def draw_tree(axes: Axes, frames: list[Frame]) -> None:
    """The prefixes of the beam over frames, and how they come from one another."""
    rows = sorted({prefix for frame in frames for prefix in frame.probabilities})
    place = {prefix: row for row, prefix in enumerate(rows)}
    last = {
        prefix: max(n for n, frame in enumerate(frames) if prefix in frame.probabilities) for prefix in rows
    }
    for number, (before, after) in enumerate(pairwise(frames), start=1):
        for prefix in after.probabilities:
            parents = [(prefix, GREY), (prefix[:-1], BLUE)] if prefix else [(prefix, GREY)]
            for parent, color in parents:
                if parent in before.probabilities:
                    axes.plot(
                        (number - 1, number), (place[parent], place[prefix]), color=color, lw=1.3, zorder=1
                    )
    best = max(frames[-1].probabilities, key=frames[-1].probabilities.__getitem__)
    for number, frame in enumerate(frames):
        for prefix, share in frame.shares.items():
            color = RED if number == len(frames) - 1 and prefix == best else BLUE
            axes.scatter(number, place[prefix], s=20 + 260 * share, color=color, zorder=2)
    for prefix, number in last.items():
        if number < len(frames) - 1:
            axes.scatter(number + 0.4, place[prefix], marker="x", s=28, color=GREY, zorder=2)
            axes.plot((number, number + 0.4), (place[prefix],) * 2, color=GREY, lw=1, ls=":", zorder=1)
    axes.set_yticks(range(len(rows)), [prefix or "(empty)" for prefix in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_ylabel("prefix")
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#eeeeee")


def picture_of_the_beam(frames: list[Frame]) -> Figure:
    """The emission above the tree of prefixes."""
    figure = Figure(figsize=(7.2, 5.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 5))
    draw_emission(above)
    draw_tree(below, frames)
    above.tick_params(bottom=False)
    below.set_xlabel("frames heard")
    below.set_xlim(-0.4, len(frames) - 0.3)
    return figure


def picture_of_probabilities(narrow: list[Frame], all_: list[Frame]) -> Figure:
    """The probability of each prefix over frames: what the beam has found of it, and all of it."""
    figure = Figure(figsize=(7.2, 3.6), layout="constrained")
    axes = figure.subplots()
    colors = {"": GREY, "a": INK, "ac": "#d08a1d", "ab": BLUE, "aba": RED}
    raised = {"aba": 6, "ab": -3}  # points, so that names stand apart
    for prefix, color in colors.items():
        axes.plot(_over_frames(all_, prefix), color=color, lw=1, ls=":")
        heard = _over_frames(narrow, prefix)
        axes.plot(heard, color=color, lw=2, marker="o", ms=4)
        end = int(np.flatnonzero(~np.isnan(heard))[-1])
        beside = {"xytext": (6, raised.get(prefix, 0)), "textcoords": "offset points", "va": "center"}
        axes.annotate(prefix or "(empty)", (end, heard[end]), color=color, **beside)
    axes.set_yscale("log")
    axes.set_ylim(0.01, 1.2)
    axes.set_xlim(-0.2, len(narrow) - 0.3)
    axes.set_xlabel("frames heard")
    axes.set_ylabel("probability of the prefix")
    return figure


def _over_frames(frames: list[Frame], prefix: str) -> NDArray[np.float64]:
    return np.array([frame.probabilities.get(prefix, np.nan) for frame in frames])


def main() -> None:
    """Writes the pictures beside decoding.md."""
    matplotlib.rcParams.update(STYLE)
    folder = Path(__file__).parent / "pictures"
    folder.mkdir(exist_ok=True)
    narrow, everything = search(BEAMS), search(4 ** len(PROBABILITIES))
    for name, figure in (
        ("beam", picture_of_the_beam(narrow)),
        ("probabilities", picture_of_probabilities(narrow, everything)),
    ):
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
