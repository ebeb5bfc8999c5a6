"""Order picking, as a scene of the testbed."""

from testbed.envs.warehouse.ground import ground
from testbed.envs.warehouse.references import STILL
from testbed.protocols.scene import SceneSpec
from testbed.scenes.picking.courses import COURSES
from testbed.scenes.picking.habits import HABITS
from testbed.scenes.picking.measures import MEASURES, violations
from testbed.scenes.picking.task import SCENE

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
    primary="excess",
    violations=violations,
    courses=COURSES,
    ground=ground(SCENE.zones),
    references=STILL,
)
"""The scene."""
