import pytest

from tests.api.caller import Caller


@pytest.fixture
def shop(database: object) -> Caller:
    """A channel with every scope."""
    return Caller.new()
