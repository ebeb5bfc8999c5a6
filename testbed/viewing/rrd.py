"""Episodes as a recording of rerun (https://rerun.io), for those who look at everything there: the extra `rerun`.

Each episode is a branch of the tree, all on one clock, `time`: its ground and bodies (boxes where their size is known),
signals, courses with their thresholds, and violations as a log.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from testbed.errors import missing_package
from testbed.files import Kind, replacing
from testbed.protocols.episode import Episode, Trace
from testbed.protocols.scene import SceneSpec
from testbed.protocols.tabular import spread
from testbed.viewing.bodies import bodies

RRD = Kind("a recording of rerun", lambda path: path.is_file() and path.read_bytes()[:3] == b"RRF")
"""What a new one replaces."""
EGO, OTHERS, MINE = (176, 21, 106), (127, 168, 208), (58, 118, 196)
"""Colours of the body under test, of others, and of the robot's own units (red, green, blue)."""


def write_rrd(path: Path, scene: SceneSpec, title: str, episodes: Iterable[tuple[str, Episode]]) -> None:
    """Write a recording with some episodes.

    Args:
        path: The .rrd file to make.
        scene: Their scene.
        title: What the recording is called.
        episodes: Name and episode, in order.

    Raises:
        UserError: if rerun is not installed, something else is at that place, or it cannot be written.
    """
    rerun = _rerun()
    with replacing(path, RRD) as temporary:
        recording = rerun.RecordingStream("testbed", recording_id=title)
        recording.save(str(temporary))
        for name, episode in episodes:
            _Writer(rerun, recording, scene, name).write(episode)
        recording.flush()
        recording.disconnect()


class _Writer:
    """Puts one episode into a recording, under its name."""

    def __init__(self, rerun: Any, recording: Any, scene: SceneSpec, name: str) -> None:
        self.rerun, self.recording, self.scene, self.name = rerun, recording, scene, name

    def write(self, episode: Episode) -> None:
        trace = episode.trace
        clock = [self.rerun.TimeColumn("time", duration=np.arange(len(trace)) / trace.rate)]
        said = ", ".join(f"{factor}={value}" for factor, value in episode.context.items())
        told = f"{episode.behaviour.policy}, seed {episode.scenario.seed}: {said}; {episode.outcome}"
        self._static("", self.rerun.TextDocument(told))
        self._ground()
        self._bodies(trace, clock)
        for name, signal in trace.signals.items():
            for column, values in spread(name, signal.values).items():
                self._scalars(f"signals/{column.replace('.', '/')}", values, clock, signal.unit)
        for course in self.scene.courses:
            self._scalars(f"measures/{course.title}", np.asarray(course.over_time(trace)), clock, course.unit)
            for word, limit in (("minor", course.minor), ("severe", course.severe)):
                if limit is not None:
                    self._scalars(f"measures/{course.title}/{word}", np.full(len(trace), limit), clock, course.unit)
        self._violations(trace)

    def _place(self, part: str) -> str:
        return "/".join(str(self.rerun.escape_entity_path_part(word)) for word in (self.name, *part.split("/")) if word)

    def _static(self, part: str, what: Any) -> None:
        self.recording.log(self._place(part), what, static=True)

    def _scalars(self, part: str, values: np.ndarray, clock: list[Any], unit: str) -> None:
        numbers = np.asarray(values, float)
        self._static(part, self.rerun.SeriesLines(names=f"{part.rsplit('/', 1)[-1]} [{unit}]" if unit else part))
        columns = self.rerun.Scalars.columns(scalars=numbers)
        self.recording.send_columns(self._place(part), indexes=clock, columns=columns)

    def _ground(self) -> None:
        down = self.scene.domain == "driving"  # y is to the right there
        axes = self.rerun.ViewCoordinates
        self._static("scene", axes.RIGHT_HAND_Z_DOWN if down else axes.RIGHT_HAND_Z_UP)
        if self.scene.ground:
            closed = {patch.look: patch.look not in ("line", "dashes") for patch in self.scene.ground}
            strips = [np.vstack([p.outline, p.outline[: closed[p.look]]]) for p in self.scene.ground]
            flat = [np.column_stack([strip, np.zeros(len(strip))]) for strip in strips]
            self._static("scene/ground", self.rerun.LineStrips3D(flat))

    def _bodies(self, trace: Trace, clock: list[Any]) -> None:
        for number, body in enumerate(bodies(self.scene, trace)):
            place = trace["position"][:, number].astype(float)
            if place.shape[1] == 2:
                place = np.column_stack([place, np.zeros(len(place))])
            turn = trace["heading"][:, number] / 2 if "heading" in trace.signals else np.zeros(len(place))
            turned = np.column_stack([np.zeros((len(turn), 2)), np.sin(turn), np.cos(turn)])
            part = f"scene/bodies/{body['name']}"
            columns = self.rerun.Transform3D.columns(translation=place, quaternion=turned)
            self.recording.send_columns(self._place(part), indexes=clock, columns=columns)
            half = [body["length"] / 2, body["width"] / 2, body["width"] / 2]
            colour = EGO if number == 0 else MINE if body["look"] == "own" else OTHERS
            self._static(part, self.rerun.Boxes3D(half_sizes=[half], labels=[body["name"]], colors=[colour]))

    def _violations(self, trace: Trace) -> None:
        found = self.scene.violations(trace)
        if found:
            clock = [self.rerun.TimeColumn("time", duration=np.array([one.start for one in found]))]
            levels = [self.rerun.TextLogLevel.ERROR if one.severe else self.rerun.TextLogLevel.WARN for one in found]
            columns = self.rerun.TextLog.columns(text=[one.text for one in found], level=levels)
            self.recording.send_columns(self._place("violations"), indexes=clock, columns=columns)


def _rerun() -> Any:
    """Return rerun; raises `UserError` where it is not installed."""
    try:
        import rerun
    except ImportError:
        raise missing_package("rerun-sdk", "rerun", "recordings of rerun need") from None
    return rerun
