"""The little shop of the demo: its data, its question, and what the scripted model says about it."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from pydantic import JsonValue

from agentkit.messages import Usage
from agentkit.model import Reply
from agentkit.testing import Served, call, reply

QUESTION = "Which customer is owed the largest refund for returns in September 2026, and exactly how much?"

INSTRUCTIONS = (
    "You work in the back office of a small shop. Look things up with your tools, calculate with the calculator, "
    "and answer in one or two sentences."
)

POLICY = """\
# Returns

- A return within 30 days is refunded in full.
- After 30 days a restocking fee of 15 % is kept.
- Damaged goods are refunded in full, whenever they come back.
"""

TABLES = """
create table orders (id integer primary key, customer text, item text, price real, bought text);
create table returns (order_id integer references orders(id), returned text, damaged integer);
insert into orders values
  (1, 'Ada Byrne', 'walnut desk', 429.00, '2026-07-14'),
  (2, 'Ben Okafor', 'desk lamp', 89.90, '2026-09-02'),
  (3, 'Chiara Conti', 'office chair', 389.00, '2026-09-05'),
  (4, 'Ada Byrne', 'monitor arm', 119.50, '2026-09-11'),
  (5, 'Dmitri Sokolov', 'bookcase', 349.00, '2026-08-01');
insert into returns values (1, '2026-09-03', 0), (2, '2026-09-09', 0), (3, '2026-09-20', 0), (5, '2026-09-25', 0);
"""

QUERY = (
    "select customer, item, price, damaged, cast(julianday(returned) - julianday(bought) as integer) as days "
    "from returns join orders on orders.id = returns.order_id "
    "where returned like '2026-09%' order by price desc"
)


def lay_out(folder: Path) -> Path:
    """Write the shop's files into a folder; the path of its database."""
    (folder / "policy.md").write_text(POLICY, encoding="utf-8")
    database = folder / "shop.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(TABLES)
        connection.commit()
    return database


def script() -> tuple[Served, ...]:
    """What the scripted model says: four steps, the last of which quotes what the tools really returned."""
    return (
        reply(
            reasoning="I need two things that do not depend on each other: the rules for refunds, and where returns "
            "are kept. I can look at both at once.",
            calls=[call("read_file", path="policy.md"), call("list_tables")],
            usage=Usage(412, 61, 0, 34),
        ),
        reply(
            reasoning="The policy turns on how many days passed and on damage, so I need both beside the price for each "
            "return in September.",
            calls=[call("query", sql=QUERY)],
            usage=Usage(655, 118, 384, 41),
        ),
        reply(
            reasoning="The desk came back after 51 days and was not damaged, so 15 % are kept. That may be less than the "
            "chair, which came back in time and is refunded in full. I must not guess: let me calculate.",
            calls=[call("calculate", expression="429.00 * (1 - 0.15)")],
            usage=Usage(842, 97, 640, 58),
        ),
        conclude,
    )


def conclude(body: Mapping[str, JsonValue]) -> Reply:
    """The answer, made of the results in the request."""
    results = _tool_results(body)
    rows = json.loads(results[-2])["rows"]
    late, in_time = rows[0], rows[1]
    return reply(
        f"{in_time[0]} is owed the largest refund: {in_time[2]:.2f} for the {in_time[1]}, which came back after "
        f"{in_time[4]} days and is refunded in full. {late[0]}'s {late[1]} cost more, but came back after {late[4]} "
        f"days, so only {float(results[-1]):.2f} is due.",
        reasoning=f"The calculator says {results[-1]} for the desk; the chair's {in_time[2]:.2f} is more.",
        usage=Usage(968, 84, 832, 19),
    )


def _tool_results(body: Mapping[str, JsonValue]) -> list[str]:
    messages = body["messages"]
    assert isinstance(messages, list)
    return [str(m["content"]) for m in messages if isinstance(m, dict) and m.get("role") == "tool"]
