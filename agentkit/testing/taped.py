"""A model whose replies come from a cassette, request by request, for code under test that makes its own agents.

It knows requests only: runs, tools and people are the business of whoever asks it.
"""

from agentkit.clock import SystemClock
from agentkit.debug.held import Diverged, held
from agentkit.debug.recording import RecordedModel, exchanges
from agentkit.events import Event, ModelCalled, ModelReplied, Recorded, RunStarted
from agentkit.fingerprint import as_set, as_told
from agentkit.model import Emit, Model, OutputMode, Price, Reply, Request, ToolSpec
from agentkit.retry import persistent
from agentkit.secrets import scrub
from agentkit.testing.deck import Deck
from agentkit.testing.scripted import deltas


class TapedModel:
    """A model that is recorded and played at its port: each request is a run of one step on the cassette.

    Args:
        deck: The cassette at work.
        model: Who is asked when it records; it says what this one is called and can do.
    """

    def __init__(self, deck: Deck, model: Model) -> None:
        self._deck = deck
        self._model = model
        self._persistent = persistent(model, SystemClock())

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def price(self) -> Price | None:
        return self._model.price

    @property
    def output_mode(self) -> OutputMode:
        return self._model.output_mode

    def check(self, tools: tuple[ToolSpec, ...]) -> None:
        self._model.check(tools)

    async def request(self, request: Request, emit: Emit) -> Reply:
        """The recorded reply, or a new one.

        Raises:
            AssertionError: The request is not the recorded one; the message says how it differs.
        """
        place, recorded = self._deck.take()
        if recorded is None:
            with self._deck.recording():
                reply = await self._persistent.request(request, emit)
            self._deck.keep(place, _as_run(f"request-{place + 1}", self.name, request, reply), scrub)
            return reply
        try:
            expect = held(self.name, scrub)
            reply = await RecordedModel(exchanges(recorded), self._model, expect=expect).request(request, emit)
        except Diverged as diverged:
            raise self._deck.missed(place, f"asks something else than was recorded: {diverged}") from None
        for delta in deltas(reply) if request.stream else ():
            emit(delta)
        return reply


def _as_run(run_id: str, name: str, request: Request, reply: Reply) -> tuple[Recorded, ...]:
    """A request and its reply as the events of a run."""
    names = tuple(spec.name for spec in request.tools)
    events: tuple[Event, ...] = (
        RunStarted(run_id, name, request.messages),
        ModelCalled(
            name,
            len(request.messages),
            names,
            settings=as_set(request.settings, request.output),
            offer=as_told(request.tools),
        ),
        ModelReplied(
            reply.message,
            reply.usage,
            reply.finish_reason,
            model=reply.model,
            cost=reply.cost,
            warnings=reply.warnings,
        ),
    )
    return tuple(Recorded(run_id, seq, 0.0, min(seq, 1), event) for seq, event in enumerate(events))
