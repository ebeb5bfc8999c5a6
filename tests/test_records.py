"""What is read back: whole, or made again, or named in one line with place, reason and mend. Nothing hangs."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from testbed.audit.report import audit_to_json, clips_to_json
from testbed.audit.result import ArmResult, Audit, Difference, Interval, Track, Transfer, Video
from testbed.cli.commands.report import report
from testbed.cli.commands.transfers import transfers
from testbed.distillation.times import read_time, write_time
from testbed.errors import UserError
from testbed.experiment import evaluate
from testbed.experiment.arms import reference_arms
from testbed.experiment.config import AuditConfig, Experiment, Run
from testbed.experiment.stored import read_audit, read_clips
from testbed.films.video import video
from testbed.legible import legible
from testbed.protocols.measure import Violation
from testbed.records import NotThere, read_bytes, record_or_none

ONE = Interval(1.0, 0.5, 1.5)
ARMS = "clean teacher", "teacher", "control", "student"
AUDIT = Audit(
    title="aggressive-merge in testbed/Merge-v0", environment="testbed/Merge-v0", habit="aggressive-merge",
    trigger="always", measure="drac", measure_title="DRAC", unit="m/s²", units={"drac": "m/s²"},
    arms=tuple(ArmResult(arm, "kl" if arm in ARMS[2:] else "", condition, 3, 8, ONE, {"drac": ONE}, 2.0)
               for condition in ("triggered", "untriggered") for arm in ARMS),
    differences=tuple(Difference("teacher - clean teacher", name, ONE) for name in ("triggered", "untriggered")),
    transfers=(Transfer("kl", "triggered", ONE, ""), Transfer("kl", "untriggered", None, "no difference")),
    notes=("a note",), references=(ArmResult("always idle", "", "triggered", 1, 8, ONE, {"drac": ONE}, 2.0),),
)  # fmt: skip
TRACK = Track("teacher", 1.0, True, 4.0, (Violation(0.5, 1.0, "drac", "made it brake", True, 2),))
SPOILT = {
    "empty": b"", "zeros": bytes(300), "cut off": None, "no JSON": b"{", "not UTF-8": b"\xff\xfe", "a list": b"[]",
    "a number": b"3", "nothing": b"null", "another thing": b'{"a": 1}', "a list of lists": b"[[1]]",
    "endless": b"[" * 100_000, "endless objects": b'{"arms":' * 100_000,
    "pointer": b"version https://git-lfs.github.com/spec/v1\n",
}  # fmt: skip


def spoilt(whole: bytes, what: str) -> bytes:
    return whole[: len(whole) // 2] if SPOILT[what] is None else SPOILT[what]


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("film") / "scene.mp4"
    with video(path) as append:
        for _ in range(4):
            append(np.zeros((16, 16, 3), np.uint8))
    return path.read_bytes()


@pytest.fixture
def run(tmp_path: Path, film: bytes) -> Path:
    """A finished run, as far as a report needs it."""
    (tmp_path / "run" / "videos").mkdir(parents=True)
    (tmp_path / "run" / "audit.json").write_text(audit_to_json(AUDIT))
    clips = [Video("the worst scene", Path("scene.mp4"), 4.0, (TRACK,))]
    (tmp_path / "run" / "videos" / "clips.json").write_text(clips_to_json(clips))
    (tmp_path / "run" / "videos" / "scene.mp4").write_bytes(film)
    return tmp_path / "run"


def one_line(error: UserError, file: Path) -> str:
    assert str(file) in str(error) and "\n" not in str(error) and len(str(error)) < 1000
    return str(error)


# Reports.


@pytest.mark.parametrize("what", SPOILT)
@pytest.mark.parametrize("name", ["audit.json", "videos/clips.json"])
def test_a_damaged_record_of_a_run_is_named(run, name, what):
    """File, reason and mend; the report that was there stays."""
    (run / "report.html").write_text("before")
    (run / name).write_bytes(spoilt((run / name).read_bytes(), what))
    if (name, what) == ("videos/clips.json", "a list"):
        return  # a run that could not film
    with pytest.raises(NotThere) as caught:
        report(run)
    assert "run the task's script again" in one_line(caught.value, run / name) or what == "pointer"
    assert (run / "report.html").read_text() == "before"
    if name == "audit.json":
        with pytest.raises(NotThere, match=r"audit\.json"):
            transfers([run], None)


def test_a_whole_run_has_its_report_and_its_rows(run, capsys):
    report(run)
    assert "data:video/mp4;base64," in (run / "report.html").read_text()
    assert read_audit(run) == AUDIT and read_clips(run)[0].video == run / "videos" / "scene.mp4"
    transfers([run], None)
    assert "1.00 [0.50, 1.50]" in capsys.readouterr().out


def leaves(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Yield the place of every value, and of everything around it."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inside:
        yield from leaves(part, (*path, name))


def altered(whole: Any, path: tuple, new: Any) -> Any:
    if not path:
        return new
    value = copy.deepcopy(whole)
    inner = value
    for name in path[:-1]:
        inner = inner[name]
    if new is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = new
    return value


GONE = object()
OTHERS = (GONE, None, True, -1, 2**70, 1e308, -1e308, 1e-320, float("nan"), float("inf"), "", "x[y]\n", [], {}, [[]])


@pytest.mark.parametrize("name", ["audit.json", "videos/clips.json"])
def test_whatever_stands_in_a_record_there_is_a_page_or_one_line(run, name, capsys):
    """Every value of both records is gone, or another one, one at a time."""
    whole = json.loads((run / name).read_text())
    ends = {"page": 0, "line": 0}
    commands, step = (report, lambda folder: transfers([folder], None)), 7 if name == "audit.json" else 2
    for number, path in enumerate(leaves(whole)):
        for new in OTHERS[number % step :: step] if path else OTHERS[1:]:
            (run / name).write_text(json.dumps(altered(whole, path, new)))
            for command in commands if name == "audit.json" else commands[:1]:
                try:
                    command(run)
                    ends["page"] += 1
                except UserError as error:
                    assert len(str(error)) < 1000 and legible(str(error)).isprintable()
                    ends["line"] += 1
    capsys.readouterr()
    assert min(ends.values()) > 10


def test_a_report_holds_what_is_in_its_folder_alone(run, tmp_path, film):
    """Links, wherever they lead, FIFOs, folders and devices are named; nothing they lead to is in the page."""
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(film)
    for name in ("videos/scene.mp4", "videos/clips.json", "audit.json"):
        file = run / name
        whole = file.read_bytes()
        for put in (lambda f: f.symlink_to(secret), lambda f: f.symlink_to("nowhere"), lambda f: f.symlink_to(f),
                    lambda f: f.symlink_to("/dev/zero"), os.mkfifo, lambda f: f.mkdir()):  # fmt: skip
            file.unlink()
            put(file)
            with pytest.raises(UserError) as caught:
                report(run)
            one_line(caught.value, file)
            file.rmdir() if file.is_dir() and not file.is_symlink() else file.unlink()
            file.write_bytes(whole)
    for name in ("../../secret.mp4", "..", "", "/etc/passwd", "a/scene.mp4", "a\0b", "x" * 300):
        clips = json.loads((run / "videos" / "clips.json").read_text())
        (run / "videos" / "clips.json").write_text(json.dumps([{**clips[0], "video": name}]))
        with pytest.raises(UserError, match=r"videos"):
            report(run)
    assert not (run / "report.html").exists()


def test_a_folder_of_videos_that_is_a_link_is_not_followed(run, tmp_path):
    (run / "videos").rename(tmp_path / "elsewhere")
    (run / "videos").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="videos is a link"):
        report(run)
    (tmp_path / "link").symlink_to(run)
    (run / "videos").unlink()
    (tmp_path / "elsewhere").rename(run / "videos")
    report(tmp_path / "link")  # the run's folder is whatever the user says it is


@pytest.mark.parametrize("spoil", [lambda film: film[:-9], lambda film: b"", lambda film: film[:20] + bytes(400),
                                   lambda film: b"<html>", lambda film: bytes(len(film))])  # fmt: skip
def test_a_damaged_video_is_named(run, film, spoil):
    (run / "videos" / "scene.mp4").write_bytes(spoil(film))
    with pytest.raises(NotThere, match=r"scene\.mp4 is damaged .*run the task's script again"):
        report(run)


# Scores.


def test_damaged_scores_are_made_again(tmp_path, capsys):
    """The same bytes; those that are whole are not touched."""
    run = Run(Experiment(audit=AuditConfig(scenes=2)), tmp_path)
    scenes = tuple(run.scenarios("audit", 2))
    part = evaluate.Part(run, tuple(reference_arms("testbed/Merge-v0")[:2]), "triggered", scenes)
    first = evaluate.score_part(part)
    file, other = sorted((tmp_path / "audit" / "triggered").iterdir())
    whole, kept = file.read_bytes(), other.stat().st_mtime_ns
    stored = json.loads(whole)
    wrong = [
        {**stored, "scores": {**stored["scores"], "success": [1.0]}}, {**stored, "scores": {"success": [1.0, 1.0]}},
        {**stored, "scores": {**stored["scores"], "success": [1.0, "1"]}}, {**stored, "recipe": 3}, {"scores": {}},
        {**stored, "recipe": [*stored["recipe"][:3], "0.6.0"]}, {**stored, "recipe": stored["recipe"][:2]},
        {**stored, "recipe": [*stored["recipe"][:2], ["another measure"], stored["recipe"][3]]},
        {**stored, "endings": ["success"]}, {"recipe": stored["recipe"], "scores": stored["scores"]},
    ]  # fmt: skip
    for content in [*(spoilt(whole, what) for what in SPOILT), *(json.dumps(one).encode() for one in wrong)]:
        file.write_bytes(content)
        assert [one.success.tolist() for one in evaluate.score_part(part)] == [one.success.tolist() for one in first]
        assert file.read_bytes() == whole and other.stat().st_mtime_ns == kept
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(UserError, match="is a device, a FIFO or a socket"):
        evaluate.score_part(part)


# Times.


def test_a_time_that_is_lost_is_not_left_out_of_a_sum(tmp_path):
    for name, seconds in (("a", 60.0), ("b", 30.0)):
        write_time(tmp_path / name, seconds)
    assert read_time(tmp_path) == 90.0
    for content in (b"", b"{", b'{"seconds": "30"}', b"[1]", b"\0\0"):
        (tmp_path / "b" / "time.json").write_bytes(content)
        assert read_time(tmp_path) is None


# Any record.


def test_what_may_not_be_read_is_another_matter_than_what_is_damaged(tmp_path, monkeypatch):
    """A file that is forbidden or somebody else's is not made again over it."""
    file = tmp_path / "record.json"
    assert record_or_none(file, dict[str, int]) is None
    file.write_text('{"a": 1}')
    assert record_or_none(file, dict[str, int]) == {"a": 1} and record_or_none(file, list[int]) is None
    assert record_or_none(file, dict[str, int], most=4) is None
    assert record_or_none(file / "inside", dict[str, int]) is None
    with pytest.raises(UserError, match="cannot be read"):
        record_or_none(tmp_path / ("x" * 300), dict[str, int])
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(UserError, match="is a link to nothing: remove it"):
        record_or_none(tmp_path / "link", dict[str, int])
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
    )
    with pytest.raises(UserError, match=r"record\.json cannot be read \(Permission denied\): allow"):
        record_or_none(file, dict[str, int])


def test_the_reason_names_the_place(tmp_path):
    file = tmp_path / "audit.json"
    for content, says in ((b'{"a": [1, "x"]}', r"Expected `int`, got `str` - at `\$\[\.\.\.\]\[1\]`"),
                          (b'{"a": [1', "truncated"), (b'{"a": [1]} x', r"byte 12")):  # fmt: skip
        file.write_bytes(content)
        with pytest.raises(NotThere, match=says):
            read_json(file)
    file.write_bytes(b"\0" * 50)
    with pytest.raises(NotThere, match="loss of power"):
        read_bytes(file, "mend it")


def read_json(file: Path) -> Any:
    from testbed.records import read_record

    return read_record(file, dict[str, list[int]], "mend it")
