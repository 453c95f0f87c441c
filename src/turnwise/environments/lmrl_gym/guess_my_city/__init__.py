"""Guess My City of LMRL-Gym (Abdulhai et al. 2023, arXiv 2311.18232), also used by ArCHer (Zhou et al. 2024,
arXiv 2402.19446).

The agent asks somebody about their home town and guesses it; each question costs a point but the right guess.
The published oracles are fine-tuned FLAN-T5 models; here a hand-made table of the hundred cities answers, yes
or no or with a fact, unless a model plays the role `oracle`. The two publications differ in what a success is
(setting `success`). LMRL-Gym's own check compares letters with words, so that it never holds: here is what it
means, the city's name at the end of the question and the answer yes.
"""

from turnwise.environments.lmrl_gym.guess_my_city.environment import GuessMyCity, GuessMyCityTask

__all__ = ["GuessMyCity", "GuessMyCityTask"]
