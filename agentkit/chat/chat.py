"""The model behind a Chat Completions endpoint: a body goes out, bytes come back as a reply."""

import os
from dataclasses import replace

import httpx
from pydantic import SecretStr

from agentkit.chat.assemble import Assembler
from agentkit.chat.connection import Connection
from agentkit.chat.credentials import completions_of, credentials
from agentkit.chat.deadline import Deadline
from agentkit.chat.encode import Encoder, tool_fields
from agentkit.chat.errors import request_id
from agentkit.chat.parameters import fitted
from agentkit.chat.profiles import UNKNOWN, Profile
from agentkit.chat.providers import PROFILES, profile_named, profile_of
from agentkit.chat.receive import Blame, Receiver
from agentkit.endpoint import Endpoint
from agentkit.errors import ModelError, UsageError
from agentkit.events import Event
from agentkit.fingerprint import as_set
from agentkit.model import Emit, OutputMode, Price, Reply, Request, Settings, ToolSpec
from agentkit.retry import Retry
from agentkit.secrets import scrub
from agentkit.timeouts import Timeouts


class Chat:
    """A model at a Chat Completions endpoint.

    Args:
        model: The model's id, such as `doubao-seed-2.1-pro`.
        base_url: Where the endpoint is, up to `/v1`; else `AGENTKIT_BASE_URL`, then `OPENAI_BASE_URL`.
        api_key: Its key; else `AGENTKIT_API_KEY`, then `OPENAI_API_KEY`.  A server on this machine needs none.
        settings: How the model should answer, where an agent does not say.
        timeout: How long a reply may take: `Timeouts`, or the seconds it may stay without data.
        price: What the model costs, for limits and totals.
        client: An httpx client to use, which stays the caller's to close.
        profile: How the provider wants to be spoken to, where address and model do not tell: a `Profile`, or the name of one
            in the table.
        retry: How long an agent tries a request that failed; None: once.

    Raises:
        MissingCredentials: There is no address, or no key for an address that needs one.
        UsageError: The settings force a tool in every request.
    """

    def __init__(  # noqa: PLR0913 - what differs from one endpoint to the next, all but one of it optional
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | SecretStr | None = None,
        settings: Settings | None = None,
        timeout: float | Timeouts = Timeouts(),
        price: Price | None = None,
        client: httpx.AsyncClient | None = None,
        profile: Profile | str | None = None,
        retry: Retry | None = Retry(),
    ) -> None:
        if not model:
            raise UsageError("the model's id is empty; give one, such as 'doubao-seed-2.1-pro'")
        url, key = credentials(base_url, api_key, os.environ)
        self._url = completions_of(url)
        self._key = key
        self._name = model
        self._settings = settings or Settings()
        if self._settings.forced:
            raise UsageError(
                f"tool_choice={self._settings.tool_choice!r} in a model's settings would hold for every request, and no "
                f"run could end; give it to the agent, where it holds for the first: Agent(..., settings=Settings(...))"
            )
        self._price = price
        self.retry = retry
        self.profile = self._profile(profile)
        self._origin = f"{self._url.host}/{model}"
        self._encoder = Encoder(model, self.profile, self._origin)
        self._timeouts = timeout if isinstance(timeout, Timeouts) else Timeouts.of(timeout)
        own = PROFILES.get(self.profile.name, UNKNOWN) != self.profile
        provider = "" if own else self.profile.name
        self.endpoints = (Endpoint(scrub(self._address()), model, provider, scrub(as_set(self._settings, None))),)
        self._connection = Connection(self._url, endpoint=self._origin, connect=self._timeouts.connect, client=client)

    def _profile(self, given: Profile | str | None) -> Profile:
        if isinstance(given, Profile):
            return given
        host = f"{self._url.host}:{self._url.port}" if self._url.port else self._url.host
        return profile_named(given) if given else profile_of(host, self._name)

    def __repr__(self) -> str:
        return f"Chat({self._name!r}, base_url={self._address().removesuffix('/chat/completions')!r})"

    def _address(self) -> str:
        """Where it asks, for people to read: a key may stand before the host, and in a query."""
        return str(self._url.copy_with(userinfo=b"", query=None))

    @property
    def name(self) -> str:
        return self._name

    @property
    def price(self) -> Price | None:
        return self._price

    @property
    def output_mode(self) -> OutputMode:
        return self.profile.output_mode

    def check(self, tools: tuple[ToolSpec, ...]) -> None:
        for spec in tools:
            tool_fields(spec, self.profile)

    async def request(self, request: Request, emit: Emit) -> Reply:
        try:
            return await self._ask(request, emit)
        except ModelError as error:
            if self._encoder.repair(request, error):
                # The next attempt is another request.
                error.retryable = True
            raise

    async def _ask(self, request: Request, emit: Emit) -> Reply:
        asked = fitted(self._settings | request.settings, self.profile, tools=bool(request.tools))
        stream = request.stream or self.profile.always_streams
        body = self._encoder.body(request, asked.settings, stream=stream)
        headers = self._headers(asked.settings, stream=stream)
        told = emit if request.stream else _nobody
        names = {spec.name for spec in request.tools}
        assembler = Assembler(told, offered=names, origin=self._origin, profile=self.profile)
        deadline = Deadline(self._timeouts, endpoint=self._origin)
        blame = Blame(self._origin, self._key, empty_400=self.profile.empty_400)
        async with deadline.kept(), self._connection.post(body, headers) as response:
            receiver = Receiver(response, assembler, deadline, blame)
            await receiver.read()
            await self._connection.finish(receiver.pieces)
        reply = assembler.reply(request_id(response.headers))
        warnings = (*reply.warnings, *(f"not_sent:{name}" for name in asked.unsent))
        return replace(
            reply, warnings=warnings, cost=reply.cost if self._price is None else self._price.of(reply.usage)
        )

    def _headers(self, settings: Settings, *, stream: bool) -> httpx.Headers:
        # This kind of mapping hides the key from those who print it, as tracebacks with local values do.
        headers = httpx.Headers({"content-type": "application/json"})
        headers["accept"] = "text/event-stream" if stream else "application/json"
        if self._key is not None:
            key = self._key.get_secret_value()
            bearer = self.profile.key_header == "authorization"
            headers[self.profile.key_header] = f"Bearer {key}" if bearer else key
        for name, value in settings.extra_headers.items():
            if not value.isascii() or not value.isprintable():
                raise UsageError(f"the extra header {name!r} has a value with a line break or a letter beyond ASCII")
            headers[name] = value
        return headers


def _nobody(_: Event) -> None:
    """Nobody watches."""
