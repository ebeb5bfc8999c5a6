"""The crosswalk, as a scene of the testbed."""

from testbed.envs.driving.ground import ground
from testbed.protocols.scene import SceneSpec
from testbed.scenes.crosswalk.courses import COURSES
from testbed.scenes.crosswalk.habits import HABITS
from testbed.scenes.crosswalk.measures import MEASURES, violations
from testbed.scenes.crosswalk.references import REFERENCES
from testbed.scenes.crosswalk.road import LANES
from testbed.scenes.crosswalk.task import SCENE

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
    primary="non_yield",
    violations=violations,
    courses=COURSES,
    ground=ground(LANES, SCENE.zebra, []),
    references=REFERENCES,
)
"""The scene."""
