"""Retry worlds: single-turn problems asked again, as UFO and RISE do it or with a problem's own feedback."""

from turnwise.environments.retry.environment import Retry, RetryWorld
from turnwise.environments.retry.sources import RetryTask

__all__ = ["Retry", "RetryTask", "RetryWorld"]
