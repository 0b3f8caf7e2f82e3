import pytest

from clew_query.alerts.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("15s", 15),
        ("5m", 300),
        ("1h30m", 5400),
        ("7d", 604800),
        ("1.5s", 1.5),
        ("1h 30m", 5400),
        (0, 0),
    ],
)
def test_a_duration_is_read_with_its_unit(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "15", 15, "s", "-5s", "5 minutes", "1y", None, True, "5m x"])
def test_what_is_no_duration_with_a_unit_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="with its unit"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0s", "250ms", "15s", "5m", "1h30m", "1d2h3m4s5ms"])
def test_a_duration_is_written_as_it_is_read(text: str) -> None:
    assert format_duration(parse_duration(text)) == text
