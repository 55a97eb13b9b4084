from tests.engine import world
from tests.engine.conftest import types


def test_a_saga_runs_to_its_end(begin, finish):
    saga_id, order = begin()
    assert finish(saga_id).status == "completed"
    assert types(saga_id) == []
    assert world.notes(order) == ["reserved", "posted"]
