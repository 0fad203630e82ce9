"""A CRM behind an HTTP address that is asked for one customer at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from pipeline.errors import Config, ConvmineError, Poison, Retryable
from pipeline.ports import CustomerContext
from pipeline.retry_after import retry_after_s
from pipeline.settings import CustomersSettings

if TYPE_CHECKING:
    import httpx

DEPENDENCY: Final = "customer data"
MAX_BYTES: Final = 65_536
"""The longest answer that is read: what an agent is shown has a few hundred characters."""
_NOT_FOUND: Final = 404
_BUSY: Final = frozenset({408, 425, 429})
_SERVER: Final = 500

Lines = Sequence[tuple[str, str]]


def customers_of(settings: CustomersSettings) -> CustomerContext | None:
    """Who is asked about customers; None where nobody is.

    Raises:
        Config: the address has no place for the customer.
    """
    if settings.url is None:
        return None
    if "{customer}" not in settings.url:
        raise Config("CONVMINE_CUSTOMERS_URL", "has no {customer}, where the customer's id goes")
    return HttpCustomers(settings)


class HttpCustomers:
    """Asks an address (GET) that answers with a JSON object.

    Either ``{"facts": [{"name": …, "value": …}, …]}`` are the lines, or each of the object's own fields that is a text,
    a number or a truth value is one. 404 means that the customer is not known. Redirects are not followed.

    Args:
        settings: the address with ``{tenant}`` and ``{customer}`` in it, the bearer token, and the seconds for it all.
    """

    def __init__(self, settings: CustomersSettings) -> None:
        import httpx

        assert settings.url is not None
        self._url = settings.url
        self._timeout_s = settings.timeout_s
        key = {} if settings.key is None else {"Authorization": f"Bearer {settings.key.get_secret_value()}"}
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", **key}
        self._client = httpx.AsyncClient(headers=headers, timeout=settings.timeout_s, follow_redirects=False)

    async def of(self, tenant_id: str, customer_id: str) -> Lines:
        import httpx

        # Whatever an id holds, it stays one piece of the path.
        url = self._url.replace("{tenant}", quote(tenant_id, safe="")).replace(
            "{customer}", quote(customer_id, safe="").replace(".", "%2E")
        )
        try:
            async with asyncio.timeout(self._timeout_s), self._client.stream("GET", url) as response:
                if response.status_code == _NOT_FOUND:
                    return ()
                if not response.is_success:
                    raise _refused(response)
                return lines_of(await _body(response))
        except TimeoutError as error:
            reason = f"the customer data took more than {self._timeout_s:g} s"
            raise Retryable(reason, dependency=DEPENDENCY) from error
        except httpx.TransportError as error:
            raise Retryable(f"the customer data is away: {error!r}", dependency=DEPENDENCY) from error
        except httpx.InvalidURL as error:
            raise Poison(f"the address of the customer data is none: {error}") from error

    async def close(self) -> None:
        await self._client.aclose()


def lines_of(body: bytes) -> Lines:
    """The lines of an answer.

    Raises:
        Poison: it is no JSON object, or its facts are no list of names and values.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Poison("the customer data is no JSON") from error
    if not isinstance(answer, dict):
        raise Poison("the customer data is no JSON object")
    if "facts" not in answer:
        return [(name, shown) for name, value in answer.items() if (shown := _shown(value)) is not None]
    if not isinstance(answer["facts"], list):
        raise Poison("the facts of the customer data are no list")
    return list(_facts(answer["facts"]))


def _facts(facts: list[Any]) -> Iterator[tuple[str, str]]:
    for fact in facts:
        if not isinstance(fact, Mapping) or not isinstance(name := fact.get("name"), str):
            raise Poison("a fact of the customer data has no name")
        if (shown := _shown(fact.get("value"))) is not None:
            yield name, shown


def _shown(value: object) -> str | None:
    """A value as text; what is made of several is none."""
    match value:
        case bool():
            return "yes" if value else "no"
        case str() | int() | float():
            return str(value)
        case _:
            return None


async def _body(response: httpx.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise Poison(f"the customer data is longer than {MAX_BYTES} bytes")
    return body


def _refused(response: httpx.Response) -> ConvmineError:
    status = response.status_code
    reason = f"the customer data was refused with {status}"
    if status in _BUSY or status >= _SERVER:
        return Retryable(reason, dependency=DEPENDENCY, retry_after_s=retry_after_s(response.headers))
    return Poison(reason)
