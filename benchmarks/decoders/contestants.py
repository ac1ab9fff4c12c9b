"""Decoders behind one face: the project's own in this process, peers in a process of their environment."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Protocol

from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder
from asr.decode.fusion import Fusion
from asr.decode.graph.spelling import graph_of_words
from asr.decode.graph.word_graph import WordGraph
from benchmarks.decoders.task import Task, text_of

Mode = Literal["none", "open", "closed"]
WORKER = Path(__file__).with_name("peer_worker.py")


@dataclass(frozen=True, slots=True)
class Setting:
    """How to decode.

    Attributes:
        mode: `none`: without a language model; `open`: with one, any word; `closed`: words of the lexicon.
        beam: Hypotheses kept at each frame.
        alpha, beta: Factor of the language model, and bonus of a word in nats.
    """

    mode: Mode
    beam: int
    alpha: float = 0.0
    beta: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """CPU seconds for some utterances, and their texts."""

    seconds: float
    texts: tuple[str, ...]


class Contestant(Protocol):
    """A decoder that takes part."""

    @property
    def name(self) -> str:
        """Its name and version."""

    def decode(self, task: Task, setting: Setting, utterances: Sequence[int]) -> Outcome:
        """Decodes utterances of a task, one after the other."""


@dataclass(slots=True, eq=False)
class Ours:
    """The project's decoder. It is made anew for each setting, which is not timed; the last one is kept."""

    name: str = "asr"
    _made: tuple[Task, Setting, BeamDecoder] | None = None
    _graph: tuple[Task, WordGraph] | None = None

    def decoder(self, task: Task, setting: Setting) -> BeamDecoder:
        """The decoder of a setting."""
        if self._made is None or self._made[0] is not task or self._made[1] != setting:
            config = DecodingConfig(beam_size=setting.beam)
            fusion = None if setting.mode == "none" else self._fusion(task, setting)
            self._made = task, setting, BeamDecoder(config, len(task.units), fusion)
        return self._made[2]

    def _fusion(self, task: Task, setting: Setting) -> Fusion:
        if self._graph is None or self._graph[0] is not task:
            self._graph = task, graph_of_words(task.words, task.units)
        return Fusion(
            units=task.units,
            graph=self._graph[1],
            vocabulary="closed" if setting.mode == "closed" else "open",
            word_model=task.model,
            alpha=setting.alpha,
            beta=setting.beta,
        )

    def decode(self, task: Task, setting: Setting, utterances: Sequence[int]) -> Outcome:
        """See Contestant."""
        decoder = self.decoder(task, setting)
        chosen = [task.spoken.emissions[index] for index in utterances]
        start = time.process_time()
        texts = tuple(text_of(task, decoder.decode(log_probs)[0].tokens) for log_probs in chosen)
        return Outcome(time.process_time() - start, texts)


@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """A decoder of the peers' environment."""

    package: str
    version: str
    worker: Worker

    @property
    def name(self) -> str:
        """See Contestant."""
        return f"{self.package} {self.version}"

    def decode(self, task: Task, setting: Setting, utterances: Sequence[int]) -> Outcome:
        """See Contestant."""
        reply = self.worker.ask(
            do="decode",
            peer=self.package,
            task=str(task.folder),
            mode=setting.mode,
            beam=setting.beam,
            alpha=setting.alpha,
            beta=setting.beta,
            utterances=list(utterances),
        )
        return Outcome(reply["seconds"], tuple(reply["texts"]))


@dataclass(slots=True, eq=False)
class Worker:
    """A process that runs peers; what they write to standard error goes to a file."""

    process: subprocess.Popen[str]
    log: IO[str]

    @classmethod
    def start(cls, python: Path, log: Path) -> Worker:
        """Starts the process with the interpreter of the peers' environment."""
        file = log.open("w", encoding="utf-8")
        command = [str(python), str(WORKER)]
        pipe = subprocess.PIPE
        return cls(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=file, text=True), file)

    def ask(self, **request: object) -> dict:
        """Sends a request, and waits for the reply."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            said = Path(self.log.name).read_text(encoding="utf-8")[-2000:]
            raise RuntimeError(f"the process of the peers has ended: {said}")
        return json.loads(line)

    def peers(self) -> dict[str, Peer]:
        """The peers that are installed there, by package."""
        return {package: Peer(package, version, self) for package, version in self.ask(do="peers").items()}

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.stdin.close() if self.process.stdin else None
        self.process.wait(60)
        self.log.close()
