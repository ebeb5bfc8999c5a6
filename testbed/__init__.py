"""Measure what a distilled robot or driving policy inherited from its teacher, in physical units.

Importing this package registers its Gymnasium environments.
"""

from testbed.scenes.registry import register_environments

__version__ = "0.8.0"

register_environments()
