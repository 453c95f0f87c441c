"""The APIs of BFCL that stand here: what each tool does, and that none is broken by any arguments."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnwise.environments.service.bfcl.apis import DESKS
from turnwise.errors import ToolError
from turnwise.tools.desk import Desk


def make(name: str, **config: Any) -> Desk:
    return DESKS[name](config, None)


def do(desk: Desk, tool: str, /, **arguments: Any) -> Any:
    return msgspec.json.decode(str(asyncio.run(desk.do(tool, **arguments))))


def refuses(desk: Desk, why: str, tool: str, /, **arguments: Any) -> None:
    before = desk.key()
    with pytest.raises(ToolError, match=why):
        do(desk, tool, **arguments)
    assert desk.key() == before


TREE = {
    "home": {
        "type": "directory",
        "contents": {
            "a.txt": {"type": "file", "content": "two\none\nthree"},
            "b.txt": {"type": "file", "content": "two\nfour\nfive\nsix"},
            ".hidden": {"type": "file", "content": ""},
            "docs": {
                "type": "directory",
                "contents": {
                    "deep": {"type": "directory", "contents": {"c.txt": {"type": "file", "content": "ü"}}}
                },
            },
        },
    }
}


def files() -> Desk:
    return make("GorillaFileSystem", root=TREE)


def test_going_about() -> None:
    desk = files()
    assert do(desk, "pwd") == {"current_working_directory": "/home"}
    assert do(desk, "ls") == {"current_directory_content": ["a.txt", "b.txt", "docs"]}
    assert ".hidden" in do(desk, "ls", a=True)["current_directory_content"]
    assert do(desk, "cd", folder="docs/") == {"current_working_directory": "docs"}
    refuses(desk, "only one level", "cd", folder="deep/x")
    refuses(desk, "no such directory", "cd", folder="nowhere")
    do(desk, "cd", folder="deep")
    assert do(desk, "pwd") == {"current_working_directory": "/home/docs/deep"}
    do(desk, "cd", folder="..")
    do(desk, "cd", folder="/")
    refuses(desk, "topmost", "cd", folder="..")
    assert do(desk, "find", name="txt")["matches"] == ["./a.txt", "./b.txt", "./docs/deep/c.txt"]
    assert do(desk, "find", path="docs/deep") == {"matches": ["docs/deep/c.txt"]}
    refuses(desk, "no such directory", "find", path="a.txt")


def test_reading() -> None:
    desk = files()
    assert do(desk, "cat", file_name="a.txt") == {"file_content": "two\none\nthree"}
    assert do(desk, "wc", file_name="a.txt") == {"count": 3, "type": "lines"}
    assert do(desk, "wc", file_name="a.txt", mode="c") == {"count": 13, "type": "characters"}
    assert do(desk, "sort", file_name="a.txt") == {"sorted_content": "one\nthree\ntwo"}
    assert do(desk, "grep", file_name="a.txt", pattern="t") == {"matching_lines": ["two", "three"]}
    assert do(desk, "tail", file_name="b.txt", lines=2) == {"last_lines": "five\nsix"}
    assert do(desk, "tail", file_name="b.txt", lines=99) == {"last_lines": "two\nfour\nfive\nsix"}
    assert do(desk, "diff", file_name1="a.txt", file_name2="b.txt") == {
        "diff_lines": "- one\n+ four\n- three\n+ five"
    }
    # 13 + 17 bytes, and two of the ü.
    assert do(desk, "du") == {"disk_usage": "32 bytes"}
    assert do(desk, "du", human_readable=True) == {"disk_usage": "32.00 B"}
    refuses(desk, "that is a directory", "cat", file_name="docs")
    refuses(desk, "no such file", "wc", file_name="x")
    refuses(desk, "expected one of 'c', 'l', 'w'|invalid enum", "wc", file_name="a.txt", mode="q")


def test_writing() -> None:
    desk = files()
    do(desk, "touch", file_name="new.txt")
    assert do(desk, "echo", content="hello", file_name="new.txt") is None
    assert do(desk, "cat", file_name="new.txt") == {"file_content": "hello"}
    assert do(desk, "echo", content="shown") == {"terminal_output": "shown"}
    refuses(desk, "there is no such file", "echo", content="x", file_name="nowhere")
    refuses(desk, "there already", "touch", file_name="new.txt")
    refuses(desk, "a name must not", "mkdir", dir_name="a/b")
    do(desk, "mkdir", dir_name="old")
    do(desk, "mv", source="new.txt", destination="old")
    do(desk, "cp", source="docs", destination="copy")
    do(desk, "mv", source="a.txt", destination="z.txt")
    refuses(desk, "is in old already|that is in old", "mv", source="old", destination="old")
    refuses(desk, "no directory", "cp", source="docs", destination="b.txt")
    refuses(desk, "expected a name", "mv", source="b.txt", destination="docs/b.txt")
    refuses(desk, "it is not empty", "rmdir", dir_name="docs")
    do(desk, "rm", file_name="docs")
    refuses(desk, "no such file or directory", "rm", file_name="docs")
    root = desk.state()["root"]
    assert root == {
        "b.txt": "two\nfour\nfive\nsix",
        ".hidden": "",
        "old": {"new.txt": "hello"},
        "copy": {"deep": {"c.txt": "ü"}},
        "z.txt": "two\none\nthree",
    }
    assert files().state()["root"]["docs"], "the configuration is as it was"


def test_bulky_files() -> None:
    long = {"content": " and more", "files": ["x1", "c.txt"], "spared": ["a.txt"]}
    root = DESKS["GorillaFileSystem"]({"root": TREE}, long).state()["root"]
    assert root["a.txt"] == "two\none\nthree"
    assert root["b.txt"].endswith("six and more")
    assert root["docs"] == {"deep": {"c.txt": "ü and more", "x1": ""}}


def test_tickets() -> None:
    desk = make("TicketAPI")
    refuses(desk, "log in first", "create_ticket", title="x")
    assert do(desk, "ticket_login", username="", password="x") == {"success": False}
    do(desk, "ticket_login", username="mira", password="x")
    assert do(desk, "create_ticket", title="x", priority=5)["id"] == 1
    refuses(desk, "from 1 to 5", "create_ticket", title="x", priority=6)
    do(desk, "edit_ticket", ticket_id=1, updates={"status": "In Work", "priority": None})
    refuses(desk, "created_by cannot be changed", "edit_ticket", ticket_id=1, updates={"created_by": "me"})
    assert do(desk, "get_ticket", ticket_id=1)["priority"] == 5
    do(desk, "resolve_ticket", ticket_id=1, resolution="done")
    refuses(desk, "resolved already", "resolve_ticket", ticket_id=1, resolution="done")
    assert [ticket["id"] for ticket in do(desk, "get_user_tickets", status="RESOLVED")] == [1]
    do(desk, "close_ticket", ticket_id=1)
    refuses(desk, "closed already", "close_ticket", ticket_id=1)
    refuses(desk, "no ticket 2", "get_ticket", ticket_id=2)
    assert do(desk, "logout") == {"success": True}
    assert do(desk, "ticket_get_login_status") == {"login_status": False}
    assert desk.state()["ticket_counter"] == 2


def test_messages() -> None:
    desk = make("MessageAPI")
    refuses(desk, "log in first", "send_message", receiver_id="USR002", message="x")
    assert do(desk, "message_login", user_id="USR009")["login_status"] is False
    do(desk, "message_login", user_id="USR001")
    sent = do(desk, "send_message", receiver_id="USR002", message="Hi")
    assert desk.state()["generated_ids"] == [sent["message_id"]]
    refuses(desk, "no user 'USR9'", "send_message", receiver_id="USR9", message="Hi")
    assert do(desk, "view_messages_sent")["messages"]["USR002"][-1] == "Hi"
    assert do(desk, "search_messages", keyword="hI")["results"][-1] == {
        "receiver_id": "USR002",
        "message": "Hi",
    }
    assert do(desk, "get_message_stats") == {"stats": {"received_count": 4, "total_contacts": 3}}
    do(desk, "delete_message", receiver_id="USR002")
    refuses(desk, "no message to 'USR001'", "delete_message", receiver_id="USR001")
    assert do(desk, "add_contact", user_name="Eve")["user_id"] == "USR005"
    assert do(desk, "get_user_id", user="Eve") == {"user_id": "USR005"}
    refuses(desk, "already", "add_contact", user_name="Eve")
    assert do(desk, "list_users")["user_list"][-1] == "Eve"


def test_posts() -> None:
    desk = make("TwitterAPI")
    refuses(desk, "log in first", "post_tweet", content="x")
    assert do(desk, "authenticate_twitter", username="john", password="?") == {"authentication_status": False}
    do(desk, "authenticate_twitter", username="john", password="john123")
    do(desk, "post_tweet", content="Rain", tags=["#Sky"])
    assert do(desk, "search_tweets", keyword="#sky") == [do(desk, "get_tweet", tweet_id=0)]
    do(desk, "mention", tweet_id=0, mentioned_usernames=["@bob"])
    do(desk, "comment", tweet_id=0, comment_content="Yes")
    assert do(desk, "get_tweet_comments", tweet_id=0) == [{"username": "john", "content": "Yes"}]
    assert do(desk, "retweet", tweet_id=0) != do(desk, "retweet", tweet_id=0)
    assert do(desk, "follow_user", username_to_follow="bob") == {"follow_status": False}
    assert do(desk, "unfollow_user", username_to_unfollow="bob") == {"unfollow_status": True}
    stats = {"tweet_count": 1, "following_count": 1, "retweet_count": 1}
    assert do(desk, "get_user_stats", username="john") == stats
    refuses(desk, "no post 7", "get_tweet", tweet_id=7)
    assert do(desk, "get_user_tweets", username="john")[0]["mentions"] == ["@bob"]
    assert do(desk, "list_all_following") == {"following_list": ["alice"]}


def test_sums() -> None:
    desk = make("MathAPI")
    assert do(desk, "mean", numbers=[30, 45, 60]) == {"result": 45}
    assert do(desk, "standard_deviation", numbers=[2, 4, 4, 4, 5, 5, 7, 9]) == {"result": 2}
    # log10 20 = 1.30102999566398…
    assert do(desk, "logarithm", value=20, base=10, precision=6) == {"result": "1.30103"}
    assert do(desk, "logarithm", value=8, base=2, precision=3) == {"result": "3"}
    assert do(desk, "square_root", number=2, precision=10) == {"result": "1.414213562"}
    assert do(desk, "imperial_si_conversion", value=100, unit_in="celsius", unit_out="fahrenheit") == {
        "result": 212
    }
    assert do(desk, "si_unit_conversion", value=2, unit_in="km", unit_out="m") == {"result": 2000}
    assert do(desk, "percentage", part=1, whole=8) == {"result": 12.5}
    assert do(desk, "round_number", number=2.567, decimal_places=1) == {"result": 2.6}
    assert do(desk, "power", base=2, exponent=10) == {"result": 1024}
    for tool, arguments in (
        ("divide", {"a": 1, "b": 0}),
        ("power", {"base": -8, "exponent": 0.5}),
        ("power", {"base": 10, "exponent": 999}),
        ("multiply", {"a": 1e300, "b": 1e300}),
    ):
        refuses(desk, f"{tool}: ", tool, **arguments)
    refuses(desk, "a base above 0", "logarithm", value=1, base=1, precision=2)
    refuses(desk, "expected two of", "si_unit_conversion", value=1, unit_in="m", unit_out="mile")
    refuses(desk, "numbers", "mean", numbers=[])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
SENSIBLE = st.sampled_from(
    ["a.txt", "docs", "..", "/", "USR002", "john", "km", 0, 1, 3, 1e300, True, ["#a"], [1, 2]]
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_no_arguments_are_too_strange(data: st.DataObject) -> None:
    """A refusal is a `ToolError` of one line and changes nothing; a state always has a JSON form."""
    name = data.draw(st.sampled_from(sorted(DESKS)))
    logged_in = {"current_user": "USR001", "authenticated": True, "root": TREE}
    desk = make(name, **logged_in)
    specs = {tool.spec.name: tool.spec for tool in desk.tools()}

    async def play() -> None:
        for _ in range(data.draw(st.integers(1, 6))):
            spec = specs[data.draw(st.sampled_from(sorted(specs)))]
            keys = st.sampled_from(sorted(spec.parameters["properties"]) or ["x"])
            arguments = data.draw(st.dictionaries(keys, SENSIBLE | JSON, max_size=5))
            before = desk.key()
            try:
                await desk.do(spec.name, **arguments)
            except ToolError as error:
                assert "\n" not in str(error)  # noqa: PT017
                assert desk.key() == before
            with suppress(ToolError):
                await desk.do("pwd")
            msgspec.json.encode(desk.state())

    asyncio.run(play())
