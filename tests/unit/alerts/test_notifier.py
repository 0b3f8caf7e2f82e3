import httpx
import msgspec
import pytest

from clew_query.alerts.decide import Measurement, Status, Transition
from clew_query.alerts.notification import AlertKey, Notification, notification_of
from clew_query.alerts.notifier import Result, WebhookNotifier, judge
from clew_query.alerts.rule import Rule, Webhook

KEY = AlertKey("errors", "service", 'pay"ments')
RULE = Rule(name="errors", threshold=0.05, recovery=0.03, query="host:a")
FIRED = Transition(Status.FIRING, 7_000_000_001, None, Measurement(100, 20, 1, 7_000_000_001), ("pager",))


@pytest.mark.parametrize(
    ("status", "retry_after", "result", "wait_s"),
    [
        (200, "", Result.DELIVERED, None),
        (204, "", Result.DELIVERED, None),
        (302, "", Result.RETRY, None),
        (400, "", Result.REFUSED, None),
        (422, "", Result.REFUSED, None),
        (401, "", Result.RETRY, None),  # the operator may mend a key while it waits
        (404, "", Result.RETRY, None),
        (429, "7", Result.RETRY, 7),
        (503, "Fri, 31 Dec 1999 23:59:59 GMT", Result.RETRY, None),
    ],
)
def test_an_answer_is_judged(status: int, retry_after: str, result: Result, wait_s: float | None) -> None:
    outcome = judge(status, retry_after, "why" * 1000)

    assert (outcome.result, outcome.retry_after_s) == (result, wait_s)
    assert len(outcome.reason) < 250


class TestNotification:
    def test_it_says_what_was_measured_when_and_where_to_look(self) -> None:
        told = notification_of(FIRED, KEY, RULE, base_url="http://clew:8900/")

        assert (told.status, told.service, told.value, told.events, told.errors) == (
            "firing",
            'pay"ments',
            0.2,
            100,
            20,
        )
        assert (told.starts_at, told.ends_at) == ("1970-01-01T00:00:07.000000001Z", None)
        query = httpx.URL(told.link).params["query"]
        assert query == 'service:"pay\\"ments" AND (host:a) AND (severity>=error)'

    def test_its_id_is_the_same_each_time_and_another_for_another_transition(self) -> None:
        resolved = Transition(Status.RESOLVED, FIRED.starts_at, 9_000_000_000, None, ())
        ids = {
            notification_of(FIRED, KEY, RULE).notification_id,
            notification_of(FIRED, KEY, None).notification_id,
            notification_of(resolved, KEY, RULE).notification_id,
            notification_of(FIRED, KEY._replace(group="orders"), RULE).notification_id,
        }

        assert len(ids) == 3


class TestWebhook:
    async def test_it_posts_json_with_the_id_as_idempotency_key(self) -> None:
        requests: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            return httpx.Response(204)

        hook = Webhook(name="w", url="http://receiver/alerts", headers={"Authorization": "Bearer x"})
        notifier = WebhookNotifier(hook, transport=httpx.MockTransport(answer))
        told = notification_of(FIRED, KEY, RULE)
        outcome = await notifier.send(told)
        await notifier.close()

        [request] = requests
        assert outcome.result is Result.DELIVERED
        assert (request.method, request.url, request.headers["authorization"]) == ("POST", hook.url, "Bearer x")
        assert request.headers["idempotency-key"] == told.notification_id
        assert msgspec.json.decode(request.content, type=Notification) == told

    async def test_a_network_error_is_tried_again(self) -> None:
        def fail(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused")

        notifier = WebhookNotifier(Webhook(name="w", url="http://receiver/"), transport=httpx.MockTransport(fail))
        outcome = await notifier.send(notification_of(FIRED, KEY, RULE))
        await notifier.close()

        assert (outcome.result, outcome.reason) == (Result.RETRY, "ConnectError: refused")
