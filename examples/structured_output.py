"""An answer as a value of your own type; a wrong one is told to the model and tried again.

AGENTKIT_BASE_URL=... AGENTKIT_API_KEY=... python examples/structured_output.py
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from agentkit import Agent, Chat, tool


class Ticket(BaseModel):
    """What a support mail asks for."""

    topic: Literal["refund", "delivery", "question"]
    order: Annotated[int, Field(gt=0)]
    due: date


@tool(effect="read")
def read_mail(number: int) -> str:
    """The text of a mail in the inbox.

    Args:
        number: Its place in the inbox, from 1.
    """
    return f"Mail {number}: my order 4711 never came. I need it before the 1st of December 2026!"


agent = Agent(Chat("doubao-seed-2.1-pro"), tools=[read_mail], output=Ticket)

if __name__ == "__main__":
    ticket = agent.run_sync("Make a ticket of mail 1.").require()
    print(f"{ticket.topic} for order {ticket.order}, due {ticket.due:%d %B %Y}")
