"""`TwitterAPI`: short posts, what is said to them, and who follows whom."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

from turnwise.errors import ToolError
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool

_DEFAULTS: dict[str, Any] = {
    "username": "john",
    "password": "john123",
    "authenticated": False,
    "tweets": {},
    "comments": {},
    "retweets": {},
    "following_list": ["alice", "bob"],
    "tweet_counter": 0,
}


class TwitterAPI(Desk):
    """One account, and the posts it can see.

    Args:
        config: The attributes below, where they are not the usual; ids of posts are texts, as JSON has it.
    """

    name: ClassVar[str] = "TwitterAPI"

    username: str
    password: str
    authenticated: bool
    tweets: dict[str, dict[str, Any]]
    comments: dict[str, list[dict[str, str]]]
    retweets: dict[str, list[int]]
    following_list: list[str]
    tweet_counter: int

    def __init__(
        self,
        config: Mapping[str, Any],
        long: Mapping[str, Any] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        given = copy.deepcopy({**_DEFAULTS, **{name: config[name] for name in _DEFAULTS if name in config}})
        self.username = given["username"]
        self.password = given["password"]
        self.authenticated = given["authenticated"]
        self.tweets = {str(number): post for number, post in given["tweets"].items()}
        self.comments = {str(number): said for number, said in given["comments"].items()}
        self.retweets = given["retweets"]
        self.following_list = given["following_list"]
        self.tweet_counter = given["tweet_counter"]

    @tool
    def authenticate_twitter(self, username: str, password: str) -> dict[str, bool]:
        """Log in.

        Args:
            username: Whose account.
            password: Theirs.
        """
        right = (username, password) == (self.username, self.password)
        self.authenticated = self.authenticated or right
        return {"authentication_status": right}

    @tool(kind="read")
    def posting_get_login_status(self) -> dict[str, bool]:
        """Whether the account is logged in."""
        return {"login_status": self.authenticated}

    @tool
    def post_tweet(self, content: str, tags: list[str] = [], mentions: list[str] = []) -> dict[str, Any]:  # noqa: B006
        """Post something.

        Args:
            content: The text.
            tags: Tags, each with its #.
            mentions: Users who are named, each with an @.
        """
        self._logged_in("post_tweet")
        post = {
            "id": self.tweet_counter,
            "username": self.username,
            "content": content,
            "tags": [*tags],
            "mentions": [*mentions],
        }
        self.tweets[str(self.tweet_counter)] = post
        self.tweet_counter += 1
        return post

    @tool
    def retweet(self, tweet_id: int) -> dict[str, str]:
        """Pass a post on.

        Args:
            tweet_id: Which.
        """
        self._logged_in("retweet")
        self._post("retweet", tweet_id)
        passed = self.retweets.setdefault(self.username, [])
        if tweet_id in passed:
            return {"retweet_status": "Passed on already"}
        passed.append(tweet_id)
        return {"retweet_status": "Passed on"}

    @tool
    def comment(self, tweet_id: int, comment_content: str) -> dict[str, str]:
        """Say something to a post.

        Args:
            tweet_id: Which.
            comment_content: What.
        """
        self._logged_in("comment")
        self._post("comment", tweet_id)
        said = {"username": self.username, "content": comment_content}
        self.comments.setdefault(str(tweet_id), []).append(said)
        return {"comment_status": "Said"}

    @tool
    def mention(self, tweet_id: int, mentioned_usernames: list[str]) -> dict[str, str]:
        """Name users in a post.

        Args:
            tweet_id: Which.
            mentioned_usernames: Whom.
        """
        self._post("mention", tweet_id)["mentions"].extend(mentioned_usernames)
        return {"mention_status": "Named"}

    @tool
    def follow_user(self, username_to_follow: str) -> dict[str, bool]:
        """Follow a user.

        Args:
            username_to_follow: Whom.
        """
        self._logged_in("follow_user")
        new = username_to_follow not in self.following_list
        if new:
            self.following_list.append(username_to_follow)
        return {"follow_status": new}

    @tool
    def unfollow_user(self, username_to_unfollow: str) -> dict[str, bool]:
        """Follow a user no more.

        Args:
            username_to_unfollow: Whom.
        """
        self._logged_in("unfollow_user")
        known = username_to_unfollow in self.following_list
        if known:
            self.following_list.remove(username_to_unfollow)
        return {"unfollow_status": known}

    @tool(kind="read")
    def list_all_following(self) -> dict[str, list[str]]:
        """Whom the account follows."""
        self._logged_in("list_all_following")
        return {"following_list": self.following_list}

    @tool(kind="read")
    def get_tweet(self, tweet_id: int) -> dict[str, Any]:
        """One post.

        Args:
            tweet_id: Which.
        """
        return self._post("get_tweet", tweet_id)

    @tool(kind="read")
    def get_user_tweets(self, username: str) -> list[dict[str, Any]]:
        """All posts of a user.

        Args:
            username: Whose.
        """
        return [post for post in self.tweets.values() if post["username"] == username]

    @tool(kind="read")
    def search_tweets(self, keyword: str) -> list[dict[str, Any]]:
        """Posts that hold a word, or have it as a tag.

        Args:
            keyword: The word, in any case.
        """
        word = keyword.lower()
        return [
            post
            for post in self.tweets.values()
            if word in post["content"].lower() or word in (tag.lower() for tag in post["tags"])
        ]

    @tool(kind="read")
    def get_tweet_comments(self, tweet_id: int) -> list[dict[str, str]]:
        """What was said to a post.

        Args:
            tweet_id: Which.
        """
        self._post("get_tweet_comments", tweet_id)
        return self.comments.get(str(tweet_id), [])

    @tool(kind="read")
    def get_user_stats(self, username: str) -> dict[str, int]:
        """How much a user has posted, passed on and followed.

        Args:
            username: Who.
        """
        return {
            "tweet_count": sum(post["username"] == username for post in self.tweets.values()),
            "following_count": len(self.following_list) if username == self.username else 0,
            "retweet_count": len(self.retweets.get(username, [])),
        }

    def _post(self, command: str, tweet_id: int) -> dict[str, Any]:
        post = self.tweets.get(str(tweet_id))
        if post is None:
            raise ToolError(f"{command}: there is no post {tweet_id}")
        return post

    def _logged_in(self, command: str) -> None:
        if not self.authenticated:
            raise ToolError(f"{command}: log in first")
