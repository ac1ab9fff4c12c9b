"""Runs PocketSphinx with the model of its wheel; imports nothing of the project.

Each line of standard input is a JSON text: the path of a wav file, 16 kHz, 16 bits, mono. Each gets a line of
standard output: {"text": …, "seconds": CPU seconds of decoding}. The first line says which version it is.
"""

import json
import sys
import time
import wave
from importlib.metadata import version

from pocketsphinx import Decoder


def main() -> None:
    """Answers until its input ends."""
    decoder = Decoder(loglevel="FATAL")
    print(json.dumps({"version": version("pocketsphinx")}), flush=True)
    for line in sys.stdin:
        with wave.open(json.loads(line), "rb") as file:
            samples = file.readframes(file.getnframes())
        start = time.process_time()
        decoder.start_utt()
        decoder.process_raw(samples, full_utt=True)
        decoder.end_utt()
        seconds = time.process_time() - start
        found = decoder.hyp()
        print(json.dumps({"text": found.hypstr if found else "", "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
