"""The kernel against its oracle, highway-env: whole episodes of the same scenes with the same actions.

`benchmarks/parity.py` does it; there, too, is said why NumPy is asked to use the C library's mathematics.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCENES = 20
"""Half of them in each environment; the benchmark plays as many as one likes."""
PARITY = Path(__file__).parents[1] / "benchmarks" / "parity.py"


def _compare(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PARITY), *options], capture_output=True, text=True, timeout=550, check=False
    )


def test_kernel_equals_highway_env_over_whole_episodes():
    """Continuous fields to 1e-9, discrete ones and observations exactly, at every decision."""
    done = _compare("--scenes", str(SCENES), "--processes", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{SCENES} scenes" in done.stdout and "they agree" in done.stdout
    crashes = int(done.stdout.split(" crashed vehicles")[0].split()[-1])
    assert crashes > 5  # collisions were among what was compared


def test_parity_can_fail():
    """A limit that nothing meets is exceeded, and the exit status says so."""
    done = _compare("--scenes", "4", "--processes", "1", "--tolerance", "-1")
    assert done.returncode == 1
    assert "differ by more than their limit" in done.stdout
