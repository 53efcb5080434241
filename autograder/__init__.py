"""The instructor's side: building notebooks, asking kernels, marking answers, verifying the grader."""

import os
import sys
from pathlib import Path

# nbgrader starts `alembic` by name: without an activated environment it would not be found
_bin = str(Path(sys.executable).parent)
if _bin not in os.environ.get("PATH", "").split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join([_bin, os.environ.get("PATH", "")])
