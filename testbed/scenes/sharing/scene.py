"""The shared bench, as a scene of the testbed."""

from testbed.envs.warehouse.ground import ground
from testbed.envs.warehouse.references import STILL
from testbed.protocols.scene import SceneSpec
from testbed.scenes.sharing.courses import COURSES
from testbed.scenes.sharing.habits import HABITS
from testbed.scenes.sharing.measures import MEASURES, violations
from testbed.scenes.sharing.task import SCENE

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
    primary="shortfall",
    violations=violations,
    courses=COURSES,
    ground=ground(SCENE.zones),
    references=STILL,
)
"""The scene."""
