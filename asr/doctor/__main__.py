"""``python -m asr.doctor``: what ``asr doctor`` says, where click is missing as well."""

from __future__ import annotations

import sys
from pathlib import Path

from asr.doctor.examination import examine
from asr.doctor.findings import as_lines, works

if __name__ == "__main__":
    found = examine(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    sys.stdout.write(as_lines(found) + "\n")
    sys.exit(0 if works(found) else 1)
