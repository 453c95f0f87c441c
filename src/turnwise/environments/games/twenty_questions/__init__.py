"""Twenty questions, after LMRL-Gym (Abdulhaim et al. 2023, arXiv 2311.18232); the oracle needs no model.

The agent asks; each question earns -1, the one that guesses the object 0, so that a return is from -20 to 0.
The published oracle is a fine-tuned FLAN-T5-XL; here it is a truth table of our own with 158 objects in 17
categories and 94 attributes (`table`), and free questions are matched to it by phrases (`oracle`). A model in
the role `oracle` answers instead where there is one. The list of objects is ours; so is the wording of the
rules. Of a message with more than a question, as models write them, the last question counts.

`solver` needs 8.03 questions on average, the guess included, and 10 at most.
"""

from turnwise.environments.games.twenty_questions.environment import TwentyQuestions, TwentyQuestionsTask

__all__ = ["TwentyQuestions", "TwentyQuestionsTask"]
