import pytest

from pipeline.retry_after import retry_after_s

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
HALF_A_MINUTE_LATER = "Wed, 21 Oct 2026 07:28:30 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": HALF_A_MINUTE_LATER, "date": DATE}, 30.0),
        ({"retry-after": DATE, "date": HALF_A_MINUTE_LATER}, 0.0),
        ({"retry-after": HALF_A_MINUTE_LATER}, None),
    ],
)
def test_a_wait_is_read_in_seconds_or_as_a_date_against_the_answers_own(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_s(headers) == seconds
