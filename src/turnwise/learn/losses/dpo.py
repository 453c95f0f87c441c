"""Multi-turn DPO: preferences between whole episodes, over the agent's own tokens (M-DPO: Xiong et al.,
"Building math agents with multi-turn iterative preference learning", 2024, equation 14).

    margin = β·[Σ_chosen (log π - log π_ref) - Σ_rejected (log π - log π_ref)]
    loss   = -log σ(margin)

What tools and users said is conditioned on and not summed. That is exact where observations follow from what
was done; where they are chance, the loss is biased by what luck the two episodes had.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from torch import Tensor
from torch.nn.functional import logsigmoid

from turnwise.errors import ConfigError, did_you_mean

Link: TypeAlias = Literal["sigmoid", "hinge", "ipo"]
LINKS: tuple[Link, ...] = get_args(Link)


def dpo(
    chosen: Tensor,
    *,
    rejected: Tensor,
    chosen_reference: Tensor,
    rejected_reference: Tensor,
    beta: float = 0.1,
    link: Link = "sigmoid",
    smoothing: float = 0.0,
    imitation: float = 0.0,
    chosen_tokens: Tensor | None = None,
) -> Tensor:
    """The loss, mean over pairs of episodes.

    Args:
        chosen: `[N]` Log-probability of the better episode: `segments.total` of its sampled tokens.
        rejected: `[N]` The worse one's.
        chosen_reference: `[N]` The same under the reference policy.
        rejected_reference: `[N]` Likewise.
        beta: How strongly the reference holds.
        link: `sigmoid` (DPO), `hinge` (SLiC: max(0, 1 - margin)), or `ipo` ((margin / β - 1 / 2β)²).
        smoothing: Share of pairs taken to be the wrong way round (`sigmoid` alone).
        imitation: Weight of the chosen episode's negative log-likelihood, added.
        chosen_tokens: `[N]` Sampled tokens of the chosen episode, to make that a mean over tokens; None: the
            sum.

    Raises:
        ConfigError: for an unknown link.
    """
    if link not in LINKS:
        raise ConfigError(f"no link is called {link!r}{did_you_mean(link, LINKS)}; use {', '.join(LINKS)}")
    margin = beta * ((chosen - chosen_reference) - (rejected - rejected_reference))
    if link == "sigmoid":
        losses = -(1 - smoothing) * logsigmoid(margin) - smoothing * logsigmoid(-margin)
    elif link == "hinge":
        losses = (1 - margin).clamp(min=0)
    else:
        losses = (margin / beta - 1 / (2 * beta)).square()
    if imitation:
        losses = losses - imitation * (chosen if chosen_tokens is None else chosen / chosen_tokens)
    return losses.mean()
