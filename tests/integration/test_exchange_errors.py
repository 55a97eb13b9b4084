"""Which of the client's errors say that nothing was sent: three of them, and no other."""

from datetime import timedelta

import httpx
import pytest

from sagas import OutcomeUnknown, Retryable
from sagas.exchange import Exchange

UNSENT = {httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout}
#: Every error of the network that httpx knows, also those that today's transport never lets out.
ALL = sorted(
    {
        error
        for error in vars(httpx).values()
        if isinstance(error, type) and issubclass(error, httpx.TransportError) and not error.__subclasses__()
    },
    key=lambda error: error.__name__,
)


@pytest.mark.parametrize("error", ALL)
def test_r24_of_all_errors_of_the_network_only_a_failure_to_connect_is_certainly_unsent(
    error: type[httpx.TransportError],
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("what the network said")

    with httpx.Client(base_url="http://provider.test", transport=httpx.MockTransport(fail)) as client:
        exchange = Exchange(client=client, provider="the provider")
        with pytest.raises(Retryable if error in UNSENT else OutcomeUnknown):
            exchange.send(method="POST", path="/transfers", timeout=timedelta(seconds=1))


def test_r24_the_errors_that_mean_unsent_are_among_those_that_are_tried() -> None:
    assert set(ALL) >= UNSENT
