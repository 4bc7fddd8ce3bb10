"""Three runs that went wrong, each in another way, to try the debugger on.  It works offline.

python examples/broken_runs.py [runs.db]
"""

import sys
import tempfile
from pathlib import Path

from agentkit import Agent, Settings, Usage, tool
from agentkit.testing import ScriptedModel, call, reply

ORDERS = {"C-1024": ["2026-01-09 desk lamp", "2026-04-17 office chair", "2026-08-30 standing desk"]}


@tool(effect="read")
def convert(euros: float, currency: str) -> str:
    """Convert an amount of euros.

    Args:
        euros: The amount.
        currency: Three letters, such as JPY.
    """
    return f"{euros / {'JPY': 162.0, 'USD': 1.08}[currency]:.2f} {currency}"  # wrong: it should multiply


@tool(effect="read")
def list_orders(customer: str) -> list[str]:
    """Orders of one customer, newest first.

    Args:
        customer: Customer number, e.g. "C-1024".
    """
    return ORDERS[customer]  # the oldest come first, and the model believes the description


@tool
def save_report(title: str, text: str) -> str:
    """Save a report.

    Args:
        title: Its title.
        text: All of it.
    """
    return f"saved {title!r}, {len(text)} characters"


RATE = reply(reasoning="An exchange rate; there is a tool.", calls=[call("convert", euros=250, currency="JPY")])
LIST = reply(calls=[call("list_orders", customer="C-1024")])
LATEST = reply(
    "The latest order of C-1024 is a desk lamp, of 9 January.",
    reasoning="The description says newest first, so the first entry is the latest: the desk lamp.",
)
CUT = reply(
    reasoning="A long report, saved in one call.",
    calls=[call("save_report", '{"title": "Orders of 2026", "text": "In January C-1024 bought a desk la')],
    finish_reason="length",
    usage=Usage(input=310, output=64, reasoning=9),
)


def main() -> None:
    path = Path(sys.argv[1] if sys.argv[1:] else Path(tempfile.mkdtemp()) / "runs.db")
    short = Settings(max_completion_tokens=64)
    for name, prompt, script, settings in (
        ("converter", "What are 250 euros in yen?", [RATE, reply("250 euros are 1.54 yen.")], Settings()),
        ("clerk", "What did C-1024 order last?", [LIST, LATEST], Settings()),
        ("writer", "Save a report on all orders.", [CUT, reply("The report is saved.")], short),
    ):
        model, tools = ScriptedModel(*script), (convert, list_orders, save_report)
        result = Agent(model, name=name, tools=tools, settings=settings, journal=path).run_sync(prompt)
        print(f"{name}: {result.output}\n  AGENTKIT_JOURNAL={path} agentkit show {result.run_id}")
    print(f"\nall three in the browser:\n  AGENTKIT_JOURNAL={path} agentkit ui")
    print(f"what is odd about the last one:\n  AGENTKIT_JOURNAL={path} agentkit show last --anomalies")


if __name__ == "__main__":
    main()
