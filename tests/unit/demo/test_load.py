from collections import Counter

from clew_query.demo.load import FAILING_SHARE, draw_customers
from clew_query.demo.services import UNREACHABLE_CARD_ENDING


def test_the_same_seed_draws_the_same_requests_and_another_seed_others() -> None:
    assert draw_customers(100, 7) == draw_customers(100, 7) != draw_customers(100, 8)


def test_a_fixed_share_fails_deep_inside() -> None:
    customers = draw_customers(300, 7)

    endings = Counter(customer.card[-4:] for customer in customers)
    assert endings[UNREACHABLE_CARD_ENDING] == 300 * FAILING_SHARE
    assert all(c.sku != "moon-dust" for c in customers if c.card.endswith(UNREACHABLE_CARD_ENDING))


def test_every_request_has_an_id_of_its_own() -> None:
    customers = draw_customers(1000, 7)

    assert len({customer.request_id for customer in customers}) == 1000
