"""Programs in processes of their own, to see what a start of the package does and says."""

from __future__ import annotations

import os
import subprocess
import sys

LOGGING = """
import logging
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
"""


def start(program: str, **variables: str) -> subprocess.Popen[str]:
    """Runs a program in a new process, with these environment variables, warnings as errors, and a log."""
    command = [sys.executable, "-P", "-W", "error", "-c", LOGGING + program]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=os.environ | variables, stdout=pipe, stderr=pipe, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[str, list[str]]:
    """What it printed, and the lines that it logged."""
    printed, logged = process.communicate(timeout=300)
    assert process.returncode == 0, logged
    return printed.strip(), logged.splitlines()


def announcement(name: str) -> str:
    """What is logged before something is compiled."""
    return f"INFO compiling the {name}, once per installation"
