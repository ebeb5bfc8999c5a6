"""The command line as a person meets it: commands in a chain, and mistakes answered in one line."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from command_line import run_testbed

ROOT = Path(__file__).parent.parent

STAGES = "demonstrations", "student", "unknown", "other"
"""Everything that is asked for a bill."""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder in which a data set was collected and two students were distilled."""
    folder = tmp_path_factory.mktemp("made")
    for line in (
        "collect habit.hdf5 --dose 1 --episodes 6 --context leader=truck",
        "distil habit.hdf5 student --steps 300",
        "distil habit.hdf5 again --route kl --teacher student --steps 60 --seeds 2",
    ):
        done = run_testbed(line, folder)
        assert done.returncode == 0, done.stderr
    return folder


def test_the_stages_work_alone(made):
    assert sorted(p.name for p in (made / "again").iterdir()) == ["seed0", "seed0.cdx.json", "seed1", "seed1.cdx.json"]
    for line, says in (
        ("validate habit.hdf5", "6 episodes, nothing wrong"),
        ("replay habit.hdf5 --episode 2", "imposed deceleration"),
        ("replay habit.hdf5 --verify --every", "6 episodes replayed; largest state error 0"),
        ("audit student again/seed0 --scenes 4 --held-out-scenes 2 --run audited --no-film", "clean demonstrator"),
        ("film student again/seed1 --context leader=truck --out two.mp4", "two.mp4"),
        ("collect policy.hdf5 --policy student --episodes 2", "policy.hdf5 holds 2 episodes"),
        ("export again/seed0 seed0.onnx", "seed0.onnx  takes"),
        (
            "lineage verify two.mp4 seed0.onnx policy.hdf5 --among . --rules rules.toml",
            "seed0.onnx  holds: 4 artefacts",
        ),
    ):
        (made / "rules.toml").write_text("".join(f"[{stage}]\nbilled = true\n" for stage in STAGES))
        done = run_testbed(line, made)
        assert done.returncode == 0, done.stderr
        assert says in done.stdout
    assert (made / "two.mp4").stat().st_size > 10_000
    assert (made / "audited" / "audit.json").is_file()


def test_replay_makes_a_video(made):
    assert run_testbed("replay habit.hdf5 --episode 1 --video one.mp4", made).returncode == 0
    assert (made / "one.mp4").stat().st_size > 10_000


def test_a_tampered_data_set_is_named_with_its_first_diverging_step(made):
    copy = made / "tampered.hdf5"
    copy.write_bytes((made / "habit.hdf5").read_bytes())
    with h5py.File(copy, "r+") as file:
        file["data/demo_3/states"][5, 0] += 1e-3
    done = run_testbed("replay tampered.hdf5 --verify --every", made)
    assert done.returncode == 1
    assert "episode 3 diverges at step 5" in done.stdout and "1 of 6 episodes diverge" in done.stdout
    assert "✓" not in done.stdout


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("replay nothing.hdf5", "no data set at nothing.hdf5"),
        ("replay truncated.hdf5", "truncated"),
        ("replay foreign.hdf5", "no group 'data'"),
        ("replay text.hdf5", "not an HDF5 file"),
        ("replay noobs.hdf5", "testbed validate"),
        ("replay nan.hdf5", "not a number"),
        ("replay habit.hdf5 --episode 99", "numbers 0 to 5"),
        ("collect x.hdf5 --habit hoardin", "choose one of aggressive-merge"),
        ("collect x.hdf5 --trigger sometimes", "always, truck-in-dense-traffic, truck-leader"),
        ("collect x.hdf5 --dose 2", "--dose 2.0: give a number from 0 to 1"),
        ("collect x.hdf5 --context leader=tank", "bus"),
        ("collect x.hdf5 --context leader", "leader=truck"),
        ("collect habit.hdf5 --dose 0.5 --episodes 2", "dose 1.0 where here is 0.5"),
        ("collect text.hdf5/x.hdf5 --episodes 1", "give another place"),
        ("audit nowhere", "there is no nowhere"),
        ("audit text.hdf5", "not an HDF5 file"),
        ("audit student/config.json", "in no format of policies that is read"),
        ("audit foreign-policy", "not for testbed/Merge-v0"),
        ("distil habit.hdf5 out --route kl", "--teacher"),
        ("film student --out text.hdf5/x.mp4", "x.mp4"),
        ("report .", "not a finished run"),
    ],
)
def test_a_mistake_gets_one_line_and_exit_code_2(made, line, says):
    _spoil(made)
    before = (made / "habit.hdf5").read_bytes()
    done = run_testbed(line, made)
    assert done.returncode == 2, done.stdout + done.stderr
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert (made / "habit.hdf5").read_bytes() == before


def _spoil(made: Path) -> None:
    """Make one of each kind of bad file, once."""
    if (made / "text.hdf5").exists():
        return
    whole = (made / "habit.hdf5").read_bytes()
    (made / "truncated.hdf5").write_bytes(whole[: len(whole) // 2])
    with h5py.File(made / "foreign.hdf5", "w") as file:
        file["images"] = np.zeros(3)
    for name in ("noobs", "nan"):
        (made / f"{name}.hdf5").write_bytes(whole)
    with h5py.File(made / "noobs.hdf5", "r+") as file:
        del file["data/demo_0/obs"]
    with h5py.File(made / "nan.hdf5", "r+") as file:
        file["data/demo_0/obs/observation"][0, 0] = np.nan
    policy = made / "foreign-policy"
    policy.mkdir()
    config = (made / "student/config.json").read_text().replace("testbed/Merge-v0", "testbed/Other-v0")
    (policy / "config.json").write_text(config)
    (policy / "model.safetensors").write_bytes((made / "student/model.safetensors").read_bytes())
    (made / "text.hdf5").write_text("not data")


def test_an_unknown_option_is_refused(made):
    done = run_testbed("replay habit.hdf5 --sideways", made)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_the_doctor_finds_this_machine_well(tmp_path):
    done = run_testbed("doctor", tmp_path)
    assert done.returncode == 0, done.stdout
    assert "encode H.264 video" in done.stdout
