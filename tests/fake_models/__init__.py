"""A model server that answers by script, in the four protocols that coding agents speak, so that the whole loop runs offline.

By hand: `python -m tests.fake_models --port 8801 --scenario FILE`; in a test: `with FakeModels(scenario) as models:`.
"""

from tests.fake_models.scenario import Scenario
from tests.fake_models.server import FakeModels, Recorded

__all__ = ["FakeModels", "Recorded", "Scenario"]
