import sqlite3
from contextlib import chdir, closing, suppress
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentkit import ToolError, UsageError
from agentkit_tools import sql_tools
from agentkit_tools.sql import Change, Rows

ENDLESS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) "


@pytest.fixture
def database(tmp_path):
    """Two tables, a view, an index, and a view of what is gone; the name needs quoting in an address."""
    path = tmp_path / "a?%20 b#.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""
            CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
            CREATE TABLE "or""ders"(id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers(id), total REAL);
            CREATE INDEX by_customer ON "or""ders"(customer);
            CREATE VIEW big AS SELECT * FROM "or""ders" WHERE total > 100;
            CREATE VIEW broken AS SELECT * FROM gone;
            INSERT INTO customers VALUES (1, 'Ann'), (2, 'Bob');
            INSERT INTO "or""ders" VALUES (1, 1, 10.5), (2, 2, 200);
        """)
    return path


@pytest.fixture
def tools(database):
    return {tool.name: tool for tool in sql_tools(database, write=True, seconds=0.5)}


def refusal(call, *args):
    with pytest.raises(ToolError) as caught:
        call(*args)
    return str(caught.value)


def test_writing_is_asked_for(database):
    """Without write=True there are only tools that read."""
    assert {"list_tables": "read", "describe_tables": "read", "query": "read"} == {
        tool.name: tool.options.effect for tool in sql_tools(database)
    }


def test_a_change_happens_once(tools):
    """A statement that changes something is not repeated by itself, and each argument is described."""
    assert "once" == tools["execute"].options.effect
    assert all("description" in schema for tool in tools.values() for schema in tool.parameters["properties"].values())


def test_a_missing_or_foreign_file_is_the_developers_error(tmp_path):
    """A database that is not there is not created, and another kind of file is refused."""
    (tmp_path / "text").write_text("no database " * 100)

    with pytest.raises(UsageError, match="there is no database"):
        sql_tools(tmp_path / "none.db")
    with pytest.raises(UsageError, match="file is not a database"):
        sql_tools(tmp_path / "text")
    with pytest.raises(UsageError, match="must be more than 0"):
        sql_tools(tmp_path / "text", max_rows=0)
    assert ["text"] == [path.name for path in tmp_path.iterdir()]


def test_tables_are_listed_with_columns_and_rows(tools):
    """A view that cannot be read does not hide the others."""
    expected = [
        "big (view, 1 row): id, customer, total",
        "broken (view, rows not counted): cannot be read",
        "customers (table, 2 rows): id, name",
        'or"ders (table, 2 rows): id, customer, total',
    ]

    assert expected == tools["list_tables"]().split("\n")


def test_tables_are_described_as_they_were_made(tools):
    """The definition is the SQL, with indexes and the number of rows; names are found in any case."""
    expected = (
        "-- 2 rows\n"
        'CREATE TABLE "or""ders"(id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers(id), total REAL)\n'
        'CREATE INDEX by_customer ON "or""ders"(customer)\n\n'
        "-- 2 rows\nCREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT NOT NULL)"
    )

    assert expected == tools["describe_tables"](['OR"DERS', "customers"])
    assert 4 == tools["describe_tables"]().count("\nCREATE TABLE") + tools["describe_tables"]().count("\nCREATE VIEW")
    assert "no such table: custmers; did you mean customers?" == refusal(tools["describe_tables"], ["custmers"])


def test_an_empty_database_is_said_to_be_empty(tmp_path):
    """An empty answer is said in words."""
    (tmp_path / "empty.db").touch()
    tools = sql_tools(tmp_path / "empty.db")

    assert ["there are no tables"] * 2 == [tools[0](), tools[1]()]


def test_a_query_gives_columns_and_rows(tools):
    """Values come from parameters, and keep their types."""
    assert Rows(["id", "name"], [[1, "Ann"]], more=False) == tools["query"](
        "SELECT * FROM customers WHERE name = ?", ["Ann"]
    )
    assert Rows(["a", "b", "c"], [[1, 1.5, None]], more=False) == tools["query"](
        "SELECT ? AS a, ? AS b, ? AS c;", [True, 1.5, None]
    )


def test_of_many_rows_the_first_are_shown(database):
    """Rows stop at the number asked for or at a page, and what is beyond is said."""
    query = {tool.name: tool for tool in sql_tools(database, max_rows=2)}["query"]
    wide = {tool.name: tool for tool in sql_tools(database, max_rows=10_000)}["query"]

    assert Rows(["n"], [[1], [2]], more=True) == query(ENDLESS + "SELECT n FROM r")
    assert Rows(["n"], [[1], [2]], more=False) == query(ENDLESS + "SELECT n FROM r LIMIT 2")
    found = wide(ENDLESS + "SELECT hex(zeroblob(200)) FROM r")
    assert (51, True) == (len(found.rows), found.more)


def test_large_and_strange_cells_are_shortened(tools):
    """A cell is never longer than a line, and can always be written as JSON."""
    sql = "SELECT hex(zeroblob(1000)), x'00ff', CAST(x'ff' AS TEXT), 9e999"

    assert [[f"{'0' * 500}… (1,500 more characters)", "<blob of 2 bytes>", "�", "inf"]] == tools["query"](sql).rows


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM customers",
        "INSERT INTO customers VALUES (3, 'Cy') RETURNING id",
        "UPDATE customers SET name = ''",
        "DROP TABLE customers",
        "CREATE TABLE t(a)",
        "CREATE TEMP TABLE t(a)",
        "CREATE VIRTUAL TABLE t USING fts5(a)",
        "ALTER TABLE customers ADD COLUMN age",
        "ATTACH 'other.db' AS other",
        "DETACH main",
        "VACUUM",
        "VACUUM INTO 'other.db'",
        "PRAGMA journal_mode = WAL",
        "PRAGMA user_version = 7",
        "PRAGMA writable_schema = 1",
        "PRAGMA query_only = 0",
        "BEGIN",
        "SAVEPOINT s",
        "ANALYZE",
        "REINDEX",
        "SELECT load_extension('x')",
        "SELECT LOAD_EXTENSION('x')",
        "SELECT fts3_tokenizer('simple')",
        "WITH t AS (SELECT 1) DELETE FROM customers",
        "EXPLAIN DELETE FROM customers",
    ],
)
def test_a_query_cannot_change_anything(database, tools, tmp_path, sql):
    """Whatever is not reading is refused, and neither the file nor its folder changes."""
    before = database.read_bytes()
    with chdir(tmp_path):
        text = refusal(tools["query"], sql)

    assert "cannot be used here" in text or "query only reads" in text
    assert (before, [database]) == (database.read_bytes(), list(tmp_path.iterdir()))


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH 'other.db' AS other",
        "VACUUM INTO 'other.db'",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA page_size = 512",
        "PRAGMA writable_schema = 1",
        "COMMIT",
        "ROLLBACK",
        "CREATE TEMP TABLE t(a)",
        "CREATE VIRTUAL TABLE t USING fts5(a)",
        "INSERT INTO customers SELECT 9, load_extension('x')",
        "DELETE FROM sqlite_master",
        "SELECT 1",
        "INSERT INTO customers VALUES (3, 'Cy') RETURNING id",
        "INSERT INTO customers VALUES (1, 'twice')",
        'INSERT INTO "or""ders" VALUES (3, 99, 1)',
        ENDLESS + "INSERT INTO customers(name) SELECT n FROM r",
    ],
)
def test_what_execute_refuses_leaves_no_trace(database, tools, tmp_path, sql):
    """A statement that is refused, fails or is stopped changes nothing at all."""
    with chdir(tmp_path):
        assert refusal(tools["execute"], sql)
    assert [[1, "Ann"], [2, "Bob"]] == tools["query"]("SELECT * FROM customers").rows
    assert [database] == list(tmp_path.iterdir())


def test_execute_tells_what_changed(tools):
    """The number of rows and the new rowid are told, and the change stays."""
    assert Change(2, 4) == tools["execute"]("INSERT INTO customers(name) VALUES (?), (?)", ["Cy", "Di"])
    assert Change(4, None) == tools["execute"]("UPDATE customers SET name = upper(name)")
    assert Change(0, None) == tools["execute"]("CREATE TABLE notes(text)")
    assert Change(0, None) == tools["execute"]("ALTER TABLE notes ADD COLUMN day")
    assert [["ANN"], ["BOB"], ["CY"], ["DI"]] == tools["query"]("SELECT name FROM customers").rows


@pytest.mark.parametrize(
    ("sql", "parameters", "part"),
    [
        ("SELECT * FROM custmers", None, "no such table: custmers; did you mean customers?"),
        ("SELECT * FROM zzzz", None, "there are big, broken, customers, or"),
        ("SELECT nam FROM customers", None, "no such column: nam; did you mean customers.name?"),
        ("SELECT c.nam FROM customers c", None, "did you mean customers.name?"),
        ("SELEC 1", None, 'near "SELEC": syntax error'),
        ("SELECT 1; SELECT 2", None, "one statement at a time"),
        ("", None, "there is no SELECT statement"),
        ("-- nothing", None, "there is no SELECT statement"),
        ("SELECT ?", None, "uses 1, and there are 0 supplied"),
        ("SELECT ?", [2**70], "too large"),
        ("SELECT ?", ["\ud800"], "SQLite cannot take this"),
        ("SELECT '\ud800'", None, "SQLite cannot take this"),
        ("SELECT hex(zeroblob(1000000000))", None, "too big"),
        ("x" * 60_000, None, "too large"),
    ],
)
def test_what_is_wrong_is_told_with_what_may_be_meant(tools, sql, parameters, part):
    """SQLite's message is told, with the names that are nearly the same."""
    assert part in refusal(tools["query"], sql, parameters)


def test_a_new_column_is_told_with_those_there_are(tools):
    """An INSERT into a column that is not there names the nearest."""
    assert "did you mean customers.name?" in refusal(tools["execute"], "INSERT INTO customers(nam) VALUES (1)")


@pytest.mark.parametrize(
    "sql", [ENDLESS + "SELECT count(*) FROM r", ENDLESS + "SELECT * FROM r AS a, r AS b WHERE a.n < 0"]
)
def test_a_query_without_end_is_stopped(tools, sql):
    """A statement runs as long as it may, and then says so."""
    assert "it was stopped after 0.5 s" in refusal(tools["query"], sql)


def test_a_database_that_is_being_written_is_told(database, tools):
    """Reading goes on beside another program's write, and writing says that it must wait."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        assert "another program is writing" in refusal(tools["execute"], "DELETE FROM customers")
        assert [[2]] == tools["query"]("SELECT count(*) FROM customers").rows


def test_calls_run_in_any_thread(tools):
    """Each call has a connection of its own."""
    found = []
    threads = [
        Thread(target=lambda: found.append(tools["query"]("SELECT count(*) FROM customers").rows)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [[[2]]] * 8 == found


def test_the_definition_of_a_table_can_be_asked_for(tools):
    """Pragmas that only tell how the database is made are reading."""
    assert "name" == tools["query"]("PRAGMA table_info(customers)").rows[1][1]
    assert [["id"], ["name"]] == tools["query"]("SELECT name FROM pragma_table_info('customers')").rows
    assert "customers" in str(tools["query"]("EXPLAIN QUERY PLAN SELECT * FROM customers").rows)


def test_full_text_tables_are_read_and_written(database, tools):
    """A virtual table works as any other, though it cannot be created here."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE VIRTUAL TABLE docs USING fts5(body)")
    tools["execute"]("INSERT INTO docs VALUES ('the quick brown fox')")

    assert [["the quick brown fox"]] == tools["query"](
        "SELECT body FROM docs WHERE docs MATCH 'fox' ORDER BY rank"
    ).rows


WORDS = st.from_regex(
    r"SELECT|DELETE|INSERT|INTO|UPDATE|SET|FROM|customers|name|id|VALUES|\(|\)|,|\*|=|1|'x'|;|ATTACH|AS|PRAGMA|user_version|DROP|TABLE|CREATE|TEMP|VIEW|VACUUM|WITH|t|UNION|RETURNING|BEGIN|COMMIT|EXPLAIN|REPLACE|journal_mode",
    fullmatch=True,
)


@given(st.one_of(st.text(), st.lists(WORDS, max_size=12).map(" ".join)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_text_changes_the_database_through_query(database, tools, sql):
    """Whatever the statement, the file stays as it is, and only ToolError is raised."""
    before = database.read_bytes()
    with suppress(ToolError):
        tools["query"](sql)

    assert before == database.read_bytes()


def test_a_failed_call_keeps_no_lock(tools):
    """A refusal that somebody holds on to does not hold on to the database."""
    with pytest.raises(ToolError) as caught:
        tools["execute"]("INSERT INTO customers VALUES (3, 'Cy'), (4, 'Di') RETURNING id")
    tools["query"](ENDLESS + "SELECT n FROM r")

    assert Change(1, 3) == tools["execute"]("INSERT INTO customers(name) VALUES ('Cy')")
    assert "leave out RETURNING" in str(caught.value)
