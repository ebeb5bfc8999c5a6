"""The highway merge, as a scene of the testbed."""

from testbed.envs.driving.ground import ground
from testbed.protocols.scene import SceneSpec
from testbed.scenes.merge.courses import COURSES
from testbed.scenes.merge.habits import HABITS
from testbed.scenes.merge.measures import MEASURES, violations
from testbed.scenes.merge.references import REFERENCES
from testbed.scenes.merge.road import BARRIER, LANES
from testbed.scenes.merge.task import SCENE

SPEC = SceneSpec(
    environment=SCENE.environment,
    single="testbed.envs.driving.single:DrivingEnv",
    batch="testbed.envs.driving.batch:DrivingVectorEnv",
    task=SCENE,
    domain="driving",
    panel="testbed.films.road_panel:RoadPanel",
    context=SCENE.context,
    numbers=SCENE.numbers,
    habits=HABITS,
    measures=MEASURES,
    primary="imposed_deceleration",
    violations=violations,
    courses=COURSES,
    ground=ground(LANES, SCENE.zebra, [BARRIER]),
    references=REFERENCES,
)
"""The scene."""
