"""What draws MuJoCo pictures on this machine: EGL, OSMesa or a window, chosen by trying each in a process of its own.

A back end that fails can take its process with it, and PyOpenGL keeps the first one it was given, so the trial is
elsewhere. The choice goes into MUJOCO_GL, which child processes inherit; a value that the user set is kept.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

from testbed.errors import UserError

BACKENDS = {"egl": "mujoco.egl", "osmesa": "mujoco.osmesa", "glfw": "mujoco.glfw"}
"""Value of MUJOCO_GL -> module with its context, in the order in which they are tried."""
OFF = ("disable", "disabled", "off", "false", "0")
MEND = "install a software renderer, on Debian or Ubuntu: apt-get install libegl1 libgl1-mesa-dri (or libosmesa6)"
_TRIAL = (
    "import mujoco; m = mujoco.MjModel.from_xml_string('<mujoco><worldbody><geom size=\"1\"/></worldbody></mujoco>'); "
    "d = mujoco.MjData(m); mujoco.mj_forward(m, d); r = mujoco.Renderer(m, 32, 32); r.update_scene(d); "
    "assert r.render().shape == (32, 32, 3)"
)


def failures() -> dict[str, str]:
    """Try the back ends in turn until one draws; return why those before it did not, by name."""
    reasons: dict[str, str] = {}
    for name in BACKENDS:
        reason = _try(name)
        if reason is None:
            os.environ["MUJOCO_GL"] = name
            return reasons
        reasons[name] = reason
    return reasons


def _try(name: str) -> str | None:
    """Draw with a back end in a process of its own; return None if it worked, else the last line of what it said."""
    environment = {**os.environ, "MUJOCO_GL": name}
    environment.pop("PYOPENGL_PLATFORM", None)
    try:
        done = subprocess.run(
            [sys.executable, "-c", _TRIAL], env=environment, capture_output=True, text=True, timeout=60
        )
    except subprocess.TimeoutExpired:
        return "no answer in 60 s"
    lines = done.stderr.strip().splitlines()
    return None if done.returncode == 0 else (lines[-1] if lines else f"exit code {done.returncode}")


def choose() -> str:
    """Return the back end to draw with, and let MuJoCo's renderer use it, whenever mujoco was imported.

    Raises:
        UserError: where nothing draws, or the user turned pictures off; everything but pictures still works.
    """
    wanted = os.environ.get("MUJOCO_GL", "").lower().strip()
    if wanted in OFF:
        raise UserError(f"pictures are turned off by MUJOCO_GL={wanted}: unset it, or do without pictures")
    if wanted not in BACKENDS:
        reasons = failures()
        if len(reasons) == len(BACKENDS):
            said = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
            raise UserError(f"nothing on this machine draws MuJoCo pictures ({said}): {MEND}")
        wanted = os.environ["MUJOCO_GL"]
    from mujoco.rendering.classic import gl_context

    try:
        gl_context.GLContext = importlib.import_module(BACKENDS[wanted]).GLContext
    except (ImportError, AttributeError, OSError) as error:
        raise UserError(f"MUJOCO_GL={wanted} does not draw here ({error}): unset it, or {MEND}") from None
    return wanted
