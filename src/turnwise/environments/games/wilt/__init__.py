"""WILT (Banatt et al. 2024, arXiv 2410.10998): find a hidden rule of three numbers by testing it.

The agent tests triples, is told True or False, and finally gives one Python lambda. The guess is right if it
equals the rule on 78,931 triples (`checker`). Nothing a model writes is run as it stands (`expression`). The
reward `correct` is 1 or 0; `points`, as published, are 1000 + 100 (1 - attempts / 30) for a right guess.

Further metrics of an episode: `tests`, `attempts` (tests and messages in no readable form), `reused_tests`,
`explored` and `confirms_bias` (`hypotheses`), `guess_operators`, `guess_length` and `set_inclusion` (the
paper's complexity analysis; the last only where guess or rule contains the other). With somebody in the role
`judge`, `approximately_correct` is 1 for a wrong guess that the judge finds near (an exactly right one counts
once, as correct). Accuracy is the mean of `correct`. The paper's novelty needs text embeddings and is not
here; neither are the two Bayesian task sets of the official code.

`transplant` hands the tests of one agent's episode to another, which may only guess: the test-swap
experiment.

What `variant="published"` does as the official harness (RiotGames/WILT) and `corrected` does not:

- "Attempts Remaining" is told as it was before the test: 30 after the first.
- reading messages: see `protocol`.
- an agent that goes on testing after the last attempt is told to guess for ever; corrected, the second such
  message in a row ends the game. (Published games end too, after 4 · 30 + 4 messages.)
- where tests were handed over, one more may be made.
- the hypothesis space has duplicates (`hypotheses`), and the first test counts as confirming a bias where a
  message in no readable form came before it.
- operators are counted as substrings (`complexity`).

What differs in both: random inputs of the checker come from a fixed seed, and the random hypotheses from the
episode's; an empty message is answered like any other in no readable form (official code asks again without a
word); a test on which a rule itself fails, e.g. of enormous numbers, cannot be parsed (the official run dies
of it); a `lambda` outside the checked language is invalid; `set_inclusion` is computed on the checker's
triples; and the counts of reused and confirming tests are what the harness counted, where the official driver
writes down 0 and 1 for want of the right keys. The wording of prompts is ours.
"""

from turnwise.environments.games.wilt.environment import Wilt
from turnwise.environments.games.wilt.rows import Observation, WiltTask, transplant

__all__ = ["Observation", "Wilt", "WiltTask", "transplant"]
