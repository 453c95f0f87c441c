"""LMRL-Gym's Text-Nav: the house, its texts, where it is read from, and the environment."""

from turnwise.environments.lmrl_gym.text_nav.environment import TextNav

__all__ = ["TextNav"]
