"""Films of real episodes: what a player is told of the file, and what a viewer sees in it."""

from __future__ import annotations

import gc
import resource
import signal
import warnings
from dataclasses import replace

import gymnasium
import imageio
import imageio_ffmpeg
import numpy as np
import psutil
import pygame
import pytest
from PIL import Image, ImageDraw

from testbed.errors import UserError
from testbed.films import overlay
from testbed.films import video as encoding
from testbed.films.clip import Annotation, Clip
from testbed.films.film import film
from testbed.films.road_panel import RoadPanel
from testbed.protocols.episode import Behaviour, Scenario, Signal, Trace
from testbed.rollouts.rollout import play
from testbed.scenes.crosswalk.courtesy import Courtesy
from testbed.scenes.merge.gap_acceptance import AcceptedGap, GapAcceptance

CROSSWALK = "testbed/Crosswalk-v0"
MARK = Annotation(2.0, 3.0, "follower brakes 4.4 m/s²", True, 3)
TOP = overlay.TITLE
ROAD = TOP + overlay.HEADER
"""First row of the upper panel, and of its road [px]."""


@pytest.fixture(scope="module")
def takes() -> list[Clip]:
    scenes = [Scenario(3, {"leader": "truck"}), Scenario(4)]
    calm, bold = (
        list(play("testbed/Merge-v0", scenes, [(GapAcceptance(AcceptedGap(lag, 0.4)), Behaviour("x"))]))
        for lag in (1.5, 0.3)
    )
    return [
        Clip("clean teacher", (0, 114, 178), _cut(calm[0], 75), "imposed deceleration 0.4 m/s²", "", ()),
        Clip("student", (204, 121, 167), _cut(bold[1], 60), "imposed deceleration 4.4 m/s²", "truck leads", (MARK,)),
    ][::-1]


@pytest.fixture(scope="module")
def made(takes, tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "new folder" / "two.mp4"
    calls = []
    duration = film(path, takes, title="The same scene, twice", on_frame=lambda: calls.append(1))
    return path, duration, len(calls)


@pytest.fixture(scope="module")
def decoded(made) -> tuple[dict, np.ndarray]:
    return decode(made[0])


def decode(path) -> tuple[dict, np.ndarray]:
    """Return what the decoder says of a video, and its frames, shape (n, height, width, 3)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # imageio's reader leaves its pipes to the collector
        with imageio.get_reader(path, format="FFMPEG") as reader:
            meta, frames = reader.get_meta_data(), np.stack([frame for frame in reader])
        del reader
        gc.collect()
    return meta, frames


def longest(takes) -> int:
    return max(len(take.episode.trace) for take in takes)


def near(pixels: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(pixels.reshape(-1, 3).mean(axis=0) - colour).max() < 40)


def test_a_browser_can_play_it(takes, made, decoded):
    meta, frames = decoded
    assert meta["codec"] == "h264" and meta["fps"] == 15 and meta["pix_fmt"].startswith("yuv420p")
    assert frames.shape[0] == longest(takes) == made[2]
    assert frames.shape[2] == 1280 and frames.shape[1] % 2 == 0
    assert made[1] == pytest.approx(longest(takes) / 15)
    data = made[0].read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    assert len(data) < 1_000_000
    assert [file.name for file in made[0].parent.iterdir()] == ["two.mp4"]


def test_a_mark_flashes_only_while_it_lasts(decoded):
    edge = decoded[1][:, ROAD + 20 : ROAD + 150, 1:6]
    shown = [near(frame, overlay.RED) for frame in edge]
    assert [i for i, on in enumerate(shown) if on] == list(range(30, 45))


def test_panels_differ_in_header_and_in_the_colour_of_the_ego(takes, decoded):
    height = (decoded[1].shape[1] - TOP - overlay.PROGRESS) // 2
    for number, take in enumerate(takes):
        band = decoded[1][5, TOP + number * height + 12 : TOP + number * height + overlay.HEADER - 12, 2:11]
        assert near(band, take.colour)
        road = decoded[1][5, ROAD + number * height + 10 : ROAD + number * height + 180].astype(int)
        assert (np.abs(road - take.colour).max(axis=2) < 45).sum() > 300


def test_the_episode_that_ends_first_waits_dimmed(takes, tmp_path):
    short = _cut(takes[0].episode, 30)
    lasting = replace(takes[1], episode=_cut(takes[1].episode, 45))
    film(tmp_path / "cut.mp4", [replace(takes[0], episode=short, marks=()), lasting])
    _, frames = decode(tmp_path / "cut.mp4")
    meadow = frames[:, ROAD + 6 : ROAD + 16, 1150:1270].mean(axis=(1, 2, 3))
    assert meadow[:30].min() > 1.5 * meadow[30:].max()


EARLIER = b"a film, made by testbed"


def test_a_film_that_cannot_be_written_leaves_the_earlier_one(takes, tmp_path, monkeypatch):
    target = tmp_path / "old.mp4"
    target.write_bytes(EARLIER)
    with pytest.raises(UserError, match=r"x\.mp4"):
        film(target / "x.mp4", takes)

    def no_ffmpeg():
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr(imageio_ffmpeg._io, "get_ffmpeg_exe", no_ffmpeg)
    with pytest.raises(UserError, match="ffmpeg"):
        film(target, takes)
    assert target.read_bytes() == EARLIER
    assert [file.name for file in tmp_path.iterdir()] == ["old.mp4"]


def test_a_film_cut_short_by_a_full_disk_is_not_kept(takes, tmp_path):
    target = tmp_path / "old.mp4"
    target.write_bytes(EARLIER)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # ffmpeg inherits it
    try:
        with pytest.raises(UserError, match=r"ended early.*disk has room"):
            film(target, takes)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert target.read_bytes() == EARLIER
    assert [file.name for file in tmp_path.iterdir()] == ["old.mp4"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # imageio-ffmpeg leaves its pipe open
def test_an_encoder_that_is_killed_is_said_so(takes, tmp_path):
    """It is no matter of the disk; the film that was there stays, and nothing half-written is left."""
    target = tmp_path / "old.mp4"
    target.write_bytes(EARLIER)

    def kill() -> None:
        for child in psutil.Process().children(recursive=True):
            if "ffmpeg" in child.name():
                child.kill()

    with pytest.raises(
        UserError, match=r"the encoder \(ffmpeg\) of .*old\.mp4 ended early.*run the same command again"
    ):
        film(target, takes, on_frame=kill)
    assert target.read_bytes() == EARLIER
    assert [file.name for file in tmp_path.iterdir()] == ["old.mp4"]


def test_a_film_says_who_made_it_and_replaces_no_other(takes, tmp_path):
    for _ in range(2):
        film(tmp_path / "ours.mp4", [replace(takes[0], episode=_cut(takes[0].episode, 6), marks=())])
    assert encoding.MARK.encode() in (tmp_path / "ours.mp4").read_bytes()
    (tmp_path / "holiday.mp4").write_bytes(b"ftypisom, and two weeks at the sea")
    with pytest.raises(UserError, match=r"holiday\.mp4 is in the way.*not a film of the testbed"):
        film(tmp_path / "holiday.mp4", takes)
    assert b"sea" in (tmp_path / "holiday.mp4").read_bytes()


def test_a_film_of_nothing_is_refused(tmp_path):
    with pytest.raises(UserError, match="at least one"):
        film(tmp_path / "none.mp4", [])


def _cut(episode, samples: int):
    """Return an episode whose trace ends early."""
    signals = {name: Signal(s.values[:samples], s.unit) for name, s in episode.trace.signals.items()}
    return replace(episode, trace=Trace(episode.trace.rate, signals, episode.trace.constants))


def test_a_plate_goes_to_the_nearest_place_that_is_free():
    assert overlay.free(600.0, 50.0, []) == 600.0
    assert overlay.free(600.0, 50.0, [(590.0, 640.0)]) == 590.0 - 50.0 - overlay.GAP
    assert overlay.free(5.0, 50.0, [(0.0, 100.0)]) == 100.0 + 50.0 + overlay.GAP
    random = np.random.default_rng(0)
    for _ in range(200):
        taken = [(left, left + width) for left, width in random.uniform((0, 5), (1280, 150), (4, 2))]
        place = overlay.free(random.uniform(0, 1280), 60.0, taken)
        assert all(place + 60 <= left or place - 60 >= right for left, right in taken)
        assert place - 60 > overlay.FLASH and place + 60 < overlay.WIDTH - overlay.FLASH


def test_what_is_written_covers_nobody_and_stays_in_the_picture(monkeypatch):
    """At every moment of a passage with everybody marked, plates are apart from each other and from all bodies."""
    plates, write_chip = [], overlay.chip

    def chip(draw, left, middle, text, colour, size=20):
        right = write_chip(draw, left, middle, text, colour, size)
        plates.append((left, middle - 0.8 * size, right, middle + 0.8 * size))
        return right

    monkeypatch.setattr(overlay, "chip", chip)
    (episode,) = play(CROSSWALK, [Scenario(11)], [(Courtesy(willing=0.0), Behaviour("x"))])
    end = len(episode.trace) / 15
    marks = tuple(Annotation(0.0, end, "hurries, 0.8 s to spare", body == 5, body) for body in (0, 5, 6, 7))
    scene = gymnasium.make(CROSSWALK, render_mode="rgb_array", disable_env_checker=True).unwrapped
    panel = RoadPanel(Clip("student", (204, 121, 167), episode, "0.8 s", "", marks), scene)
    for frame in range(0, panel.frames, 3):
        plates.clear()
        canvas = Image.new("RGB", (overlay.WIDTH, panel.height))
        panel.paint(canvas, ImageDraw.Draw(canvas), 0, 0, frame)
        assert len(plates) == 5
        centres, halves = panel._bodies(frame)
        centres = centres + np.array([0, overlay.HEADER])
        halves = np.minimum(halves, (np.inf, 14.0))
        bodies = np.concatenate([centres - halves + 2, centres + halves - 2], axis=1)
        assert all(p[0] > 0 and p[1] > overlay.HEADER and p[2] < overlay.WIDTH and p[3] < panel.height for p in plates)
        for number, plate in enumerate(plates):
            assert not any(_overlap(plate, other) for other in plates[number + 1 :]), frame
            assert not any(_overlap(plate, body) for body in bodies), frame
    panel.close()


def _overlap(a, b) -> bool:
    return bool(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])


def test_the_ending_is_said_as_it_was(takes):
    episode = takes[0].episode
    contact = episode.trace["contact"].copy()
    contact[-1, 0] = True
    hit = replace(episode.trace, signals=episode.trace.signals | {"contact": Signal(contact, "")})
    assert _ending(takes[0], replace(episode, success=True)) == "success"
    assert _ending(takes[0], replace(episode, success=False, trace=hit)) == "contact"
    assert _ending(takes[0], replace(episode, success=False, terminated=False)) == "time limit"
    assert _ending(takes[0], replace(episode, success=False, terminated=True)) == "by its own rules"


def _ending(take: Clip, episode) -> str:
    return replace(take, episode=episode).episode.outcome


def test_pictures_outlive_the_end_of_another_environment():
    """One of highway-env's that is closed ends pygame for all."""
    scene = gymnasium.make(CROSSWALK, render_mode="rgb_array", disable_env_checker=True).unwrapped
    scene.reset(seed=2, options={"context": {"observer": "police"}})
    before = scene.render()
    pygame.quit()
    scene.reset(seed=2, options={"context": {"observer": "police"}})
    assert (scene.render() == before).all()
