"""Where the endpoint is and who asks: from arguments, then from the environment."""

from collections.abc import Mapping

import httpx
from pydantic import SecretStr

from agentkit.errors import MissingCredentials

OPENAI = "https://api.openai.com/v1"

_COMPLETIONS = "/chat/completions"


def credentials(
    base_url: str | None, api_key: str | SecretStr | None, environment: Mapping[str, str]
) -> tuple[str, SecretStr | None]:
    """Address and key, from arguments, then `AGENTKIT_…`, then `OPENAI_…`.

    A key from the environment that stands there beside an address goes to that address's host and to no other.

    Raises:
        MissingCredentials: There is no address, or no key for an address that needs one.
    """
    own_url, own_key = environment.get("AGENTKIT_BASE_URL"), environment.get("AGENTKIT_API_KEY")
    openai_url, openai_key = environment.get("OPENAI_BASE_URL"), environment.get("OPENAI_API_KEY")
    url = base_url or own_url or openai_url or (OPENAI if openai_key and not own_key else None)
    if not url:
        raise MissingCredentials(
            "no endpoint is given: pass base_url, or set AGENTKIT_BASE_URL (and AGENTKIT_API_KEY) in the environment"
        )
    parsed = _address(url)
    key = _text(api_key)
    if not key and own_key and _same_host(own_url, parsed):
        key = own_key
    if not key and openai_key and _same_host(openai_url or (OPENAI if url == own_url else None), parsed):
        key = openai_key
    if not key and parsed.scheme == "https":
        raise MissingCredentials(
            f"no key is given for {parsed.host}: pass api_key, or set AGENTKIT_API_KEY in the environment"
        )
    return url, _secret(key) if key else None


def completions_of(base_url: str) -> httpx.URL:
    """The address that completions are asked of; a query, as some gateways have one, stays at its end."""
    address = _address(base_url)
    path = address.path.rstrip("/").removesuffix(_COMPLETIONS)
    return address.copy_with(path=path + _COMPLETIONS)


def _same_host(url: str | None, address: httpx.URL) -> bool:
    """Whether a key that stands beside an address may go to another; one that stands alone goes where it is sent."""
    return not url or _address(url).host == address.host


def _address(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise MissingCredentials(f"base_url is {url!r}; it must be an address such as https://example.com/api/v1")
    return parsed


def _text(key: str | SecretStr | None) -> str | None:
    return key.get_secret_value() if isinstance(key, SecretStr) else key


def _secret(key: str) -> SecretStr:
    # Keys are read from files, and files end in a newline.
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise MissingCredentials(
            "the key holds a space, a control character or a letter beyond ASCII, which no header can; copy it again"
        )
    return SecretStr(key)
