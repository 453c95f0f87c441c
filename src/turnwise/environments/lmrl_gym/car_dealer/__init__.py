"""Car Dealer of LMRL-Gym (Abdulhai et al. 2023, arXiv 2311.18232): sell a car at the best price.

The published buyer is a fine-tuned GPT-2; here it is driven by an agenda and rules of bargaining of our own,
or any model plays it. Buyers, rewards, the line a buyer decides by and the limit of 50 messages are the
published ones; seeds draw the same buyers as the official code does.
"""

from turnwise.environments.lmrl_gym.car_dealer.deal import CarDealerTask
from turnwise.environments.lmrl_gym.car_dealer.environment import CarDealer

__all__ = ["CarDealer", "CarDealerTask"]
