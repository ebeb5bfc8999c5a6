"""Shelf stocking, as a scene of the testbed."""

from testbed.envs.warehouse.ground import ground
from testbed.envs.warehouse.references import STILL
from testbed.protocols.scene import SceneSpec
from testbed.scenes.stocking.courses import COURSES
from testbed.scenes.stocking.habits import HABITS
from testbed.scenes.stocking.measures import MEASURES, violations
from testbed.scenes.stocking.task import SCENE

SPEC = SceneSpec(
    environment=SCENE.environment,
    single="testbed.envs.warehouse.single:WarehouseEnv",
    batch="testbed.envs.warehouse.batch:WarehouseVectorEnv",
    task=SCENE,
    domain="warehouse",
    panel="testbed.films.bench_panel:BenchPanel",
    context=SCENE.context,
    numbers=SCENE.numbers,
    habits=HABITS,
    measures=MEASURES,
    primary="displacement",
    violations=violations,
    courses=COURSES,
    ground=ground(SCENE.zones),
    references=STILL,
)
"""The scene."""
