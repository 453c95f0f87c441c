"""Every request and reply of the viewer's API as a record; OpenAPI and the page's types are made from these.

Replies give all their fields, always; what is not known is null, and so is a number that is not finite.
Times of day are seconds since the epoch, durations are seconds. A field `query` is the query of
`GET /api/runs/{run}/episodes` that lists the episodes a point stands for. Texts are texts: a model may have
written them, and nothing in them is markup.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

Offset: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Limit: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=500)]
Short: TypeAlias = Annotated[str, msgspec.Meta(max_length=500)]
"""Text that a person types into a field."""
Long: TypeAlias = Annotated[str, msgspec.Meta(max_length=200_000)]
Numbers: TypeAlias = Annotated[
    str, msgspec.Meta(max_length=20_000, pattern=r"^\d{1,9}(-\d{1,9})?(,\d{1,9}(-\d{1,9})?)*$")
]
Order: TypeAlias = Literal["asc", "desc"]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all that is answered."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all that is asked, in a query or a body."""


class Nothing(Asked, frozen=True, kw_only=True):
    """A request that takes no parameters."""


class Problem(Reply, frozen=True, kw_only=True):
    """Why a request was not answered."""

    code: Literal[
        "bad_request", "unauthorized", "forbidden", "not_found", "conflict", "too_large", "store", "failed"
    ]
    message: str
    """One line, to be shown as it is."""


class Interval(Reply, frozen=True, kw_only=True):
    """A mean with its 95 % interval; null where there is nothing to tell it from."""

    mean: float | None
    low: float | None
    high: float | None
    n: int
    """Values it is told from."""
    missing: int
    """Values that are missing."""


class CreditMethod(Reply, frozen=True, kw_only=True):
    """A published way to say what a turn, or a token, was worth."""

    name: str
    summary: str
    per: Literal["turn", "token"]


class About(Reply, frozen=True, kw_only=True):
    """What is being viewed."""

    version: str
    store: str
    """Its place, without a password."""
    credit: list[CreditMethod]
    """Credit methods that tokens can be shaded by."""
    annotators: list[str]
    """Who has labelled anything so far."""
    tags: list[str]
    """All tags in use."""


# Runs -------------------------------------------------------------------------------------------------


class RunsQuery(Asked, frozen=True, kw_only=True):
    """Which runs to list, in which order."""

    text: Short | None = None
    """Part of the id, environment, agents or tags, in any case."""
    environment: Short | None = None
    agent: Short | None = None
    kind: Short | None = None
    status: Literal["running", "done", "stopped"] | None = None
    since: float | None = None
    """Begun at this time or later."""
    until: float | None = None
    """Begun before this time."""
    tag: Short | None = None
    parent: Short | None = None
    """Only forks, evaluations and judgements of this run."""
    sort: Literal[
        "created",
        "id",
        "environment",
        "status",
        "score",
        "ended",
        "failed",
        "turns",
        "cost",
        "input",
        "output",
    ] = "created"
    """`ended` is how many episodes ended."""
    order: Order = "desc"
    offset: Offset = 0
    limit: Limit = 100


class RunLine(Reply, frozen=True, kw_only=True):
    """A run in a table."""

    id: str
    kind: str
    """`run`, `fork`, `train`, `eval` (of a policy in training), or `judge` (of another run)."""
    environment: str
    agents: dict[str, str]
    """Name of the agent in each role."""
    created: float
    ended: float | None
    status: Literal["running", "done", "stopped"]
    """`stopped` can be resumed."""
    planned: int
    """Episodes it shall have."""
    begun: int
    """Episodes that began, `done` and `failed` ones included."""
    done: int
    """Episodes that ended, failed ones included."""
    failed: int
    score: Interval
    """Mean score, its interval clustered by task."""
    turns: int
    input: int
    """Tokens, as `output`."""
    output: int
    cost: float
    seconds: float
    """Sum over its episodes."""
    parent: str | None
    """For a fork: `RUN/NUMBER@TURN`; an evaluation: `RUN@STEP`; a judge: the run it judges, or `RUN~RUN`."""
    tags: list[str]
    here: bool
    """Whether this server plays it: then it can be stopped from here."""


class Facet(Reply, frozen=True, kw_only=True):
    """A value to filter by, and how many runs have it."""

    value: str
    count: int


class RunsPage(Reply, frozen=True, kw_only=True):
    """Some of the runs that fit."""

    rows: list[RunLine]
    total: int
    """Runs that fit."""
    offset: int
    all: int
    """Runs in the store."""
    environments: list[Facet]
    agents: list[Facet]
    kinds: list[Facet]


# One run ----------------------------------------------------------------------------------------------


class CurvePoint(Reply, frozen=True, kw_only=True):
    """The share of episodes solved by a turn of the first role."""

    turn: int
    share: Interval
    query: str
    """The episodes that were solved at just this turn; empty where there are none."""


class SuccessByTurn(Reply, frozen=True, kw_only=True):
    """How the share of solved episodes grows with the turns of the first role."""

    solved: float
    """The score from which an episode counts as solved."""
    points: list[CurvePoint]
    told_from: int
    """Episodes that were read for it, spread over the run."""
    of: int
    """Episodes that ended."""


class Bin(Reply, frozen=True, kw_only=True):
    """One bar of a histogram: values from `low` to below `high` (the last bar: up to `high`)."""

    low: float
    high: float
    """Equal to `low` where the bar stands for one value."""
    count: int
    query: str


class Histogram(Reply, frozen=True, kw_only=True):
    """How values are spread."""

    bins: list[Bin]
    missing: int
    """Episodes that ended and have no value."""
    missing_query: str
    median: float | None
    p95: float | None


class StopBar(Reply, frozen=True, kw_only=True):
    """How many episodes ended for a reason."""

    stop: str
    """`running` for those that have not ended."""
    count: int
    query: str


class ErrorBar(Reply, frozen=True, kw_only=True):
    """Failures of one kind."""

    type: str
    message: str
    """Of the first; one line."""
    count: int
    query: str


class RoleUse(Reply, frozen=True, kw_only=True):
    """What one role asked of its model, a mean over the episodes that were read."""

    role: str
    agent: str | None
    calls: float
    """An episode, as all that follow."""
    input: float
    output: float
    cached: float
    reasoning: float
    cost: float
    p50: float | None
    """Seconds a call took, waits and retries included."""
    p95: float | None


class ToolUse(Reply, frozen=True, kw_only=True):
    """How often a tool was called in the episodes that were read."""

    name: str
    calls: int
    episodes: int
    """How many of them call it."""


class MetricLine(Reply, frozen=True, kw_only=True):
    """A named number of the run's episodes."""

    name: str
    value: Interval


class LearningPoint(Reply, frozen=True, kw_only=True):
    """The score at a step of a training."""

    step: int
    score: Interval
    query: str
    """The episodes of the step; empty for an evaluation."""
    run: str | None
    """The evaluation's own run."""


class Series(Reply, frozen=True, kw_only=True):
    """A number of a training, step by step: a loss, an entropy."""

    name: str
    steps: list[int]
    values: list[float | None]


class Learning(Reply, frozen=True, kw_only=True):
    """How a training went."""

    played: list[LearningPoint]
    evaluated: list[LearningPoint]
    numbers: list[Series]


class RunPage(Reply, frozen=True, kw_only=True):
    """All that is known of a run as a whole."""

    run: RunLine
    config: Any
    """The resolved configuration, as JSON."""
    provenance: Any
    solved: SuccessByTurn | None
    """Null while no episode ended, and where all scores are costs (no score is above 0)."""
    scores: Histogram | None
    stops: list[StopBar]
    errors: list[ErrorBar]
    roles: list[RoleUse]
    tools: list[ToolUse]
    told_from: int
    """Episodes that `roles` and `tools` were read from, spread over the run."""
    cost: Histogram | None
    """Of episodes; null where nothing cost anything."""
    seconds: Histogram | None
    turns: Histogram | None
    metrics: list[MetricLine]
    learning: Learning | None
    """Of a training."""
    children: list[RunLine]
    """Forks, evaluations and judgements, newest first; 100 at most."""


# The grid of episodes ---------------------------------------------------------------------------------


class EpisodesQuery(Asked, frozen=True, kw_only=True):
    """Which episodes of a run to list, in which order."""

    score_min: float | None = None
    score_max: float | None = None
    score_below: float | None = None
    """Like `score_max`, but itself excluded."""
    scored: bool | None = None
    """Whether it has a score; false lists those that ended without."""
    stop: Short | None = None
    """Stop reasons, by commas; `running` for what has not ended."""
    error: Short | None = None
    """Type of the failure."""
    turns_min: int | None = None
    turns_max: int | None = None
    seconds_min: float | None = None
    seconds_max: float | None = None
    cost_min: float | None = None
    cost_max: float | None = None
    task: Short | None = None
    """Id of the task; with `*` at the end, the beginning of it."""
    epoch: int | None = None
    numbers: Numbers | None = None
    """Numbers and ranges, by commas: `3,7,20-29`."""
    text: Short | None = None
    """Words that its turns hold (full-text search)."""
    tag: Short | None = None
    labelled: bool | None = None
    """Whether somebody labelled it or one of its turns."""
    sort: Literal["number", "task", "score", "turns", "output", "cost", "seconds", "stop", "tool_calls"] = (
        "number"
    )
    order: Order = "asc"
    offset: Offset = 0
    limit: Limit = 100


class EpisodeLine(Reply, frozen=True, kw_only=True):
    """An episode in a table."""

    number: int
    task: str
    epoch: int
    stop: str | None
    """Null while it runs, or where it was cut off."""
    detail: str | None
    score: float | None
    turns: int | None
    calls: int | None
    tool_calls: int | None
    input: int | None
    output: int | None
    cost: float | None
    seconds: float | None
    error: str | None
    """One line, where it failed."""
    tags: list[str]
    labels: int
    """Labels and notes people gave it or its turns."""


class EpisodesPage(Reply, frozen=True, kw_only=True):
    """Some of the episodes that fit."""

    rows: list[EpisodeLine]
    total: int
    offset: int


class Neighbours(Reply, frozen=True, kw_only=True):
    """The episodes before and after one, in the order and among those of a query."""

    previous: int | None
    next: int | None
    place: int | None
    """Its place among them, from 0; null where it is not one of them."""
    total: int


# One episode ------------------------------------------------------------------------------------------


class RoleLine(Reply, frozen=True, kw_only=True):
    """A participant."""

    name: str
    agent: str | None
    score: float | None
    turns: int
    """Turns it said."""
    calls: int
    system: bool
    """Whether its model is told something that nobody else sees (a system prompt)."""
    rewritten: bool
    """Whether some call of it was shown something else than its history."""
    tokens: bool
    """Whether sampled token ids are stored."""


class RewardLine(Reply, frozen=True, kw_only=True):
    """One component of somebody's reward."""

    name: str
    role: str
    value: float | None
    """Null is a missing verdict."""
    turn: int | None
    """Null is the whole episode."""


class VerdictLine(Reply, frozen=True, kw_only=True):
    """A judgement of the episode."""

    name: str
    by: str | None
    """The episode in which a judge gave it later (`RUN/NUMBER`); null where it is stored with this one."""
    turn: int | None
    """What it is about; null is the whole episode."""
    score: float | None
    label: str | None
    reason: str | None
    evidence: list[int]
    """Turns it rests on."""
    missing: str | None
    """Why there is no judgement."""


class NoteLine(Reply, frozen=True, kw_only=True):
    """What the environment noted."""

    name: str
    turn: int | None
    value: Any
    """JSON; a text longer than 2,000 characters is cut."""


class TurnLine(Reply, frozen=True, kw_only=True):
    """A turn in the outline."""

    index: int
    parent: int | None
    """The turn it answers, where that is not the one before it."""
    role: str
    """A role, `environment` or `tool`."""
    kind: Literal["reply", "observation", "tool", "system"]
    to: list[str]
    """Whom it was addressed to; empty where that goes without saying."""
    head: str
    """The first 80 characters, on one line."""
    size: int
    """Characters of all its text."""
    media: int
    """Pictures, sounds, films and files."""
    tools: list[str]
    """Tools it calls, or the one that answers."""
    reward: float | None
    """Sum of what its speaker got for it; null where nothing was given."""
    calls: list[int]
    """Its speaker's calls that made it."""
    start: float | None
    """Seconds since the episode began (of a resumed part: since it resumed)."""
    model: float | None
    """Seconds its calls took."""
    tool: float | None
    """Seconds of effects (recorded tools, searches) that led to it."""
    wait: float | None
    """Seconds before its calls in which nothing was asked for: the environment's own work, queues."""
    input: int
    """Tokens, as `output`."""
    output: int
    cost: float


class BranchLine(Reply, frozen=True, kw_only=True):
    """Where this episode left its parent (or a forebear its own)."""

    turns: int
    """Turns that are shared."""
    seed: str | None


class EpisodePage(Reply, frozen=True, kw_only=True):
    """An episode in outline: everything but what was said."""

    run: str
    number: int
    environment: str
    settings: Any
    task: Any
    """The task's row, as JSON."""
    epoch: int
    seed: str
    """A 63-bit number, as text: JavaScript's numbers would round it."""
    line: EpisodeLine
    live: bool
    """Whether it is being played."""
    roles: list[RoleLine]
    turns: list[TurnLine]
    rewards: list[RewardLine]
    metrics: dict[str, float]
    verdicts: list[VerdictLine]
    notes: list[NoteLine]
    failure: Failure | None
    parent: str | None
    """For a fork: `RUN/NUMBER@TURN`."""
    branches: list[BranchLine]
    forks: int
    """Runs that were forked from it."""
    pictures: bool
    """Whether the environment may show how things stand."""
    tools: list[ToolShape]
    """All tools that were offered in it."""
    spent: Spent
    previous: int | None
    """The episode before it in the run."""
    next: int | None


class Failure(Reply, frozen=True, kw_only=True):
    """What went wrong."""

    type: str
    message: str
    traceback: str


class Spent(Reply, frozen=True, kw_only=True):
    """Tokens and money."""

    input: int
    output: int
    cached: int
    reasoning: int
    cost: float


class ToolShape(Reply, frozen=True, kw_only=True):
    """A tool as a model is told of it."""

    name: str
    description: str
    parameters: Any
    """JSON Schema of its arguments."""


class TurnsQuery(Asked, frozen=True, kw_only=True):
    """Which turns."""

    start: Offset = 0
    count: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class PartShape(Reply, frozen=True, kw_only=True):
    """A part of a message's content."""

    kind: Literal["text", "image", "audio", "video", "file"]
    text: str | None
    """Of a text: its first 60,000 characters."""
    size: int
    """Characters of a text, bytes of the rest. What a text has beyond what is here is at
    `/turns/{turn}/text`."""
    sha256: str | None
    media_type: str | None
    name: str | None
    url: str | None
    """Where the bytes are; null for a text, and where the store has not got them."""


class ToolCallShape(Reply, frozen=True, kw_only=True):
    """A model's wish to call a tool."""

    id: str
    name: str
    arguments: str
    """Exactly as the model wrote it; JSON text where it is well-formed."""
    size: int
    valid: bool
    """Whether the arguments are a JSON object."""


class MessageShape(Reply, frozen=True, kw_only=True):
    """A message."""

    role: Literal["system", "user", "assistant", "tool"]
    name: str | None
    parts: list[PartShape]
    reasoning: str | None
    """Thoughts apart from the answer; the first 60,000 characters."""
    tool_calls: list[ToolCallShape]
    tool_call_id: str | None


class CallShape(Reply, frozen=True, kw_only=True):
    """One model call."""

    role: str
    n: int
    parent: int | None
    """The call whose prompt and sample this one's prompt extends."""
    turn: int | None
    """The turn it became."""
    finish: str
    model: str | None
    version: str | None
    """Policy version that sampled."""
    spent: Spent | None
    sampling: Any
    """Where it differs from the agent's; null where it does not."""
    tools: list[str]
    """Offered."""
    error: str | None
    error_kind: str | None
    start: float | None
    seconds: float | None
    tokens: int | None
    """Sampled token ids that are stored."""
    logprob: float | None
    """Sum of the log-probabilities of what was sampled."""
    said: MessageShape | None
    """What was sampled, where no turn says it (a thought of the scaffold's)."""


class TurnShape(Reply, frozen=True, kw_only=True):
    """A turn in full."""

    index: int
    parent: int | None
    role: str
    kind: Literal["reply", "observation", "tool", "system"]
    to: list[str]
    message: MessageShape
    calls: list[CallShape]
    rewards: list[RewardLine]
    notes: list[NoteLine]
    editable: bool
    """Whether a fork may put other words into its speaker's mouth."""


class TurnsPage(Reply, frozen=True, kw_only=True):
    """Turns in a range."""

    start: int
    total: int
    turns: list[TurnShape]


class TextQuery(Asked, frozen=True, kw_only=True):
    """Which piece of a long text."""

    part: Offset = 0
    """Place among the message's parts."""
    start: Offset = 0
    count: Annotated[int, msgspec.Meta(ge=1, le=200_000)] = 100_000


class TextPage(Reply, frozen=True, kw_only=True):
    """A piece of a long text."""

    start: int
    total: int
    text: str


# What a role saw --------------------------------------------------------------------------------------


class ViewQuery(Asked, frozen=True, kw_only=True):
    """What a role was shown in one of its calls."""

    call: Offset | None = None
    """The last one by default."""
    start: Offset = 0
    count: Annotated[int, msgspec.Meta(ge=1, le=200)] = 100


class Piece(Reply, frozen=True, kw_only=True):
    """A stretch of two texts laid side by side."""

    op: Literal["same", "cut", "new"]
    text: str


class ViewEntry(Reply, frozen=True, kw_only=True):
    """One line of history laid beside a view."""

    state: Literal["shown", "private", "hidden", "rewritten"]
    """`shown`: in both. `private`: for this role's model alone. `hidden`: it happened, and was not shown.
    `rewritten`: shown in other words than it happened."""
    turn: int | None
    message: MessageShape
    """As this role's model was (or would have been) told it: other roles' words as `user`."""
    diff: list[Piece]
    """For `rewritten`: what happened (`cut`) against what was shown (`new`); may be empty for long texts."""


class ViewCall(Reply, frozen=True, kw_only=True):
    """One call of a role and what became of its history."""

    n: int
    turn: int | None
    """The turn it became."""
    parent: int | None
    shown: int
    """Messages it was shown."""
    hidden: int
    """Turns of the role's history that it was not shown."""
    private: int
    """Messages that only this role's model saw."""


class ViewPage(Reply, frozen=True, kw_only=True):
    """A call of a role: the history laid beside what its model was shown."""

    role: str
    call: ViewCall
    calls: list[ViewCall]
    """All calls of the role; the last 2,000."""
    start: int
    total: int
    entries: list[ViewEntry]


class DiffQuery(Asked, frozen=True, kw_only=True):
    """Which two roles' views to lay side by side."""

    a: Short
    b: Short
    start: Offset = 0
    count: Annotated[int, msgspec.Meta(ge=1, le=200)] = 100


class DiffRow(Reply, frozen=True, kw_only=True):
    """A moment, as each of two roles knows it."""

    turn: int | None
    """Null for a private message."""
    a: Literal["said", "told", "private", "unseen"]
    """`said` it, was `told` it, is its `private` message (a system prompt), or knows nothing of it."""
    b: Literal["said", "told", "private", "unseen"]
    role: str
    """Who spoke; of a private message, whose it is."""
    message: MessageShape


class DiffPage(Reply, frozen=True, kw_only=True):
    """Two roles' views side by side."""

    a: str
    b: str
    start: int
    total: int
    rows: list[DiffRow]


# Tokens and credit ------------------------------------------------------------------------------------


class TokensQuery(Asked, frozen=True, kw_only=True):
    """Which call's tokens, and by which method to credit them."""

    call: Offset | None = None
    """Number of the speaker's call; by default the one that said the turn."""
    credit: Short | None = None
    """A method of `About.credit`; the episodes of the same task in the run are its group."""
    prompt: bool = False
    """With the ids the prompt adds to what was fed before."""


class Alternative(Reply, frozen=True, kw_only=True):
    """Another token that might have come."""

    text: str
    logprob: float


class TokenShape(Reply, frozen=True, kw_only=True):
    """One token."""

    id: int
    text: str | None
    """Null where its tokenizer is not known."""
    sampled: bool
    """Whether the policy sampled it (the loss mask); false for the prompt."""
    logprob: float | None
    credit: float | None
    alternatives: list[Alternative]


class TokensPage(Reply, frozen=True, kw_only=True):
    """The tokens of a call, 20,000 at most."""

    role: str
    call: int
    turn: int | None
    tokenizer: str | None
    """Whose text pieces these are."""
    total: int
    prompt: int
    """How many tokens were fed before the sample, in all."""
    tokens: list[TokenShape]
    credit: str | None
    """The method that was used."""
    problem: str | None
    """Why a credit that was asked for is not here; one line."""


class CreditQuery(Asked, frozen=True, kw_only=True):
    """By which method to credit the turns."""

    method: Short


class TurnCredit(Reply, frozen=True, kw_only=True):
    """What a turn was worth."""

    turn: int
    role: str
    value: float | None


class CreditPage(Reply, frozen=True, kw_only=True):
    """What each turn of an episode was worth by a method."""

    method: str
    group: list[int]
    """Numbers of the episodes it was compared with, itself included."""
    turns: list[TurnCredit]
    problem: str | None
    """Why there is none; one line."""


# Pictures ---------------------------------------------------------------------------------------------


class FrameLine(Reply, frozen=True, kw_only=True):
    """A picture of how things stood."""

    turn: int
    """Turns there were by then: the picture stands before turn `turn`."""
    url: str
    """An SVG or a PNG, for an `img`."""
    label: str
    """In words, for who cannot see it."""


class FrameQuery(Asked, frozen=True, kw_only=True):
    """Which state of things a picture is of; it only keeps browsers from showing an old one."""

    n: Offset | None = None


class FramesPage(Reply, frozen=True, kw_only=True):
    """All pictures of an episode, by replay."""

    frames: list[FrameLine]
    problem: str | None
    """Why there are none; one line."""


# Search -----------------------------------------------------------------------------------------------


class SearchQuery(Asked, frozen=True, kw_only=True):
    """What to look for."""

    q: Short
    """Words, all of which a turn holds; `"a phrase"`; `-word` not; `word*` for a beginning."""
    run: Short | None = None
    episode: Offset | None = None
    role: Short | None = None
    offset: Offset = 0
    limit: Limit = 50


class Hit(Reply, frozen=True, kw_only=True):
    """A turn that fits."""

    run: str
    episode: int
    turn: int
    role: str
    snippet: str
    """Plain text round the first words found."""
    ranges: list[tuple[int, int]]
    """Where words were found in `snippet`: start and end, in UTF-16 code units, as JavaScript counts."""


class IndexState(Reply, frozen=True, kw_only=True):
    """How far the index is."""

    done: int
    """Episodes that are in it."""
    of: int
    """Episodes there are."""


class SearchPage(Reply, frozen=True, kw_only=True):
    """Some of the turns that fit, best first."""

    hits: list[Hit]
    total: int
    more: bool
    """Whether there are more than `total`, which is counted up to 1,000 only."""
    index: IndexState


# Comparing --------------------------------------------------------------------------------------------


class CompareQuery(Asked, frozen=True, kw_only=True):
    """Which runs to compare, paired by task; the first is the baseline."""

    runs: Annotated[str, msgspec.Meta(max_length=2_000)]
    """Ids, by commas: 2 to 8."""
    solved: float = 0.5
    """A task counts as solved from this mean score on."""
    show: Literal["all", "flipped", "gained", "lost", "improved", "worse", "same", "alone"] = "flipped"
    """Which tasks, of the second run against the first."""
    offset: Offset = 0
    limit: Limit = 100


class Pair(Reply, frozen=True, kw_only=True):
    """Run B against run A on the tasks that both scored; differences are B - A."""

    a: str
    b: str
    tasks: int
    mean_a: Interval
    mean_b: Interval
    difference: Interval
    """Its t interval."""
    bootstrap: Interval
    p: float | None
    """Two-sided, by permutation of signs."""
    exact: bool
    """Whether all sign patterns were looked at."""
    mcnemar: float | None
    gained: int
    """Tasks that flipped to solved."""
    lost: int
    improved: int
    worse: int
    same: int
    only_a: int
    only_b: int


class TaskRow(Reply, frozen=True, kw_only=True):
    """A task in each of the runs."""

    task: str
    means: list[float | None]
    episodes: list[list[int]]
    """Numbers in each run; 20 at most."""
    verdict: Literal["gained", "lost", "improved", "worse", "same", "alone"]


class ComparePage(Reply, frozen=True, kw_only=True):
    """Runs on the same tasks."""

    runs: list[RunLine]
    pairs: list[Pair]
    """Each further run against the first."""
    rows: list[TaskRow]
    total: int
    """Tasks that `show` asks for."""
    offset: int
    curves: list[SuccessByTurn | None]


class AlignQuery(Asked, frozen=True, kw_only=True):
    """Which two episodes to lay side by side."""

    a: Short
    """`RUN/NUMBER`."""
    b: Short


class AlignRow(Reply, frozen=True, kw_only=True):
    """A turn of one, of the other, or of both."""

    a: int | None
    b: int | None
    same: bool
    """Whether both say the same."""


class AlignPage(Reply, frozen=True, kw_only=True):
    """Two episodes aligned by turn; the turns themselves are asked for by range."""

    a: str
    b: str
    rows: list[AlignRow]
    shared: int
    """Turns at the beginning that are the same."""


# Forks ------------------------------------------------------------------------------------------------


class ForkAsk(Asked, frozen=True, kw_only=True):
    """Go on another way from a turn of an episode."""

    episode: Short
    """`RUN/NUMBER`."""
    at: Offset
    """The first turn to make anew, or with `says` the one that says something else."""
    says: Long | None = None
    """What its speaker says there instead."""
    agents: dict[str, Short] = {}
    """Who takes over from there on, by role."""
    seed: str | None = None
    """Of all draws from there on; a number as text. By default one that follows from the episode's own."""
    count: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    """How many ways to go on."""


class Started(Reply, frozen=True, kw_only=True):
    """A run that this server began to play."""

    run: str
    numbers: list[int]


class Stopped(Reply, frozen=True, kw_only=True):
    """Whether a run was stopped."""

    run: str
    stopped: bool


class TreeNode(Reply, frozen=True, kw_only=True):
    """An episode in a tree of forks."""

    episode: str
    """`RUN/NUMBER`."""
    parent: str | None
    """The episode it left."""
    at: int
    """The first turn that is its own; 0 for the root."""
    turns: int
    score: float | None
    stop: str | None
    live: bool
    agents: dict[str, str]
    says: str | None
    """The first words of turn `at`."""
    edited: bool
    """Whether these were put into its speaker's mouth by hand."""


class TreePage(Reply, frozen=True, kw_only=True):
    """All that was forked from one episode, directly or not; the root first."""

    root: str
    nodes: list[TreeNode]


# Playing ----------------------------------------------------------------------------------------------


class AgentLine(Reply, frozen=True, kw_only=True):
    """Who can fill a role."""

    name: str
    summary: str


class SeatLine(Reply, frozen=True, kw_only=True):
    """A role of an environment."""

    role: str
    optional: bool
    default: str | None
    """Who plays where nobody is named."""
    agents: list[AgentLine]
    """The environment's own, and others that need no key."""


class SettingLine(Reply, frozen=True, kw_only=True):
    """A setting of an environment."""

    name: str
    type: str
    default: Any
    choices: list[Any]
    """All there are, where they are few."""


class EnvironmentLine(Reply, frozen=True, kw_only=True):
    """An environment that can be played."""

    name: str
    summary: str
    roles: list[str]
    pictures: bool


class EnvironmentsPage(Reply, frozen=True, kw_only=True):
    """What can be played here."""

    rows: list[EnvironmentLine]


class EnvironmentPage(Reply, frozen=True, kw_only=True):
    """All that one must know to play."""

    name: str
    summary: str
    about: str
    """Its whole description."""
    seats: list[SeatLine]
    settings: list[SettingLine]
    pictures: bool
    spoilers: bool
    """Whether its pictures give away what a player is not told."""
    tasks: int
    problem: str | None
    """Why it cannot be played here; one line."""


class TasksQuery(Asked, frozen=True, kw_only=True):
    """Which tasks."""

    text: Short | None = None
    """Part of the id."""
    offset: Offset = 0
    limit: Limit = 100


class TaskLine(Reply, frozen=True, kw_only=True):
    """A task to choose."""

    id: str
    head: str
    """Its inputs in a line."""


class TasksPage(Reply, frozen=True, kw_only=True):
    """Some of an environment's tasks."""

    rows: list[TaskLine]
    total: int
    offset: int


class PlayAsk(Asked, frozen=True, kw_only=True):
    """Play a task in one's own person."""

    environment: Short
    task: Short | None = None
    """Its id; by default the first."""
    roles: Annotated[list[Short], msgspec.Meta(max_length=16)]
    """The roles that people take; the first is who asks. The others get a link each."""
    agents: dict[str, Short] = {}
    """Who fills further roles."""
    settings: dict[str, Any] = {}
    seed: str | None = None
    peek: bool = False
    """Show pictures even where they give away what is hidden."""


class SeatShape(Reply, frozen=True, kw_only=True):
    """A role that a person takes."""

    role: str
    key: str
    """Whoever has it plays the role: `/play/{play}?seat=KEY`."""


class PlayStarted(Reply, frozen=True, kw_only=True):
    """A play that began."""

    play: str
    run: str
    episode: int
    seats: list[SeatShape]


class SeatQuery(Asked, frozen=True, kw_only=True):
    """Who looks."""

    seat: Short
    v: Offset | None = None
    """Of which version; it only keeps browsers from showing an old picture."""


class Choice(Reply, frozen=True, kw_only=True):
    """A legal action."""

    id: int
    text: str
    """As it is said."""
    label: str
    """The same without marks such as `<answer>`."""


class PlayPage(Reply, frozen=True, kw_only=True):
    """A play as one of its players sees it."""

    play: str
    run: str
    episode: int
    environment: str
    role: str
    version: int
    """Rises with each change; events name it."""
    state: Literal["starting", "waiting", "yours", "ended"]
    """`waiting`: for somebody else."""
    ordinal: int | None
    """Number of the move that is asked for: a move names it, so that none is made twice."""
    messages: list[MessageShape]
    """All that this role was told and said, the last 500."""
    earlier: int
    """Messages before these."""
    picture: str | None
    """URL of how things stand."""
    choices: list[Choice]
    """Legal actions, where the environment lists them; 500 at most."""
    text: bool
    """Whether words may be said; false where only `choices` count."""
    tools: list[ToolShape]
    """Tools that may be called instead of saying something."""
    stop: str | None
    detail: str | None
    score: float | None
    failure: str | None
    """Why it ended badly; one line."""
    people: dict[str, bool]
    """Whether each role that a person takes has somebody at it now."""


class MoveAsk(Asked, frozen=True, kw_only=True):
    """A player's move: words, an action by its id, or a tool call."""

    seat: Short
    ordinal: Offset
    """As `PlayPage.ordinal` asks."""
    text: Long | None = None
    action: int | None = None
    tool: Short | None = None
    arguments: Long = "{}"
    """JSON text, for `tool`."""


class SeatAsk(Asked, frozen=True, kw_only=True):
    """Who leaves."""

    seat: Short


# Labels -----------------------------------------------------------------------------------------------


class LabelAsk(Asked, frozen=True, kw_only=True):
    """What somebody thinks of a run, an episode or a turn. Nothing is overwritten: the last word holds."""

    kind: Literal["thumb", "score", "choice", "note", "tag"]
    target: Short
    """`RUN`, `RUN/NUMBER` or `RUN/NUMBER@TURN`; of a choice, the first of the two."""
    annotator: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    name: Annotated[str, msgspec.Meta(max_length=100)] = ""
    """What is judged: a criterion of a rubric (`helpful`), for a score; what the choice is about; the tag
    itself, for a tag."""
    value: float | None = None
    """Of a thumb: 1 up, -1 down; of a score: the score; of a choice: -1 the first, 1 the second, 0 a tie."""
    other: Short | None = None
    """Of a choice: the second."""
    text: Annotated[str, msgspec.Meta(max_length=20_000)] | None = None
    """Of a note; or why."""
    part: Offset | None = None
    """Of a note on some words: which part of the message they are in."""
    start: Offset | None = None
    """Where the words begin, in UTF-16 code units."""
    end: Offset | None = None


class Label(Reply, frozen=True, kw_only=True):
    """A word of somebody's; see `LabelAsk`."""

    id: int
    created: float
    kind: Literal["thumb", "score", "choice", "note", "tag"]
    target: str
    annotator: str
    name: str
    value: float | None
    other: str | None
    text: str | None
    part: int | None
    start: int | None
    end: int | None


class LabelsQuery(Asked, frozen=True, kw_only=True):
    """Which labels: those that hold now, newest first."""

    target: Short | None = None
    """A run, an episode or a turn; with all that is below it."""
    kind: Literal["thumb", "score", "choice", "note", "tag"] | None = None
    annotator: Short | None = None
    name: Short | None = None
    offset: Offset = 0
    limit: Limit = 200


class LabelsPage(Reply, frozen=True, kw_only=True):
    """Some labels."""

    rows: list[Label]
    total: int
    offset: int


class RetractAsk(Asked, frozen=True, kw_only=True):
    """Take a label back."""

    annotator: Short


class Criterion(Reply, frozen=True, kw_only=True):
    """Something that was judged, and by whom."""

    kind: Literal["thumb", "score", "choice"]
    name: str
    labels: int
    annotators: list[str]


class AgreementQuery(Asked, frozen=True, kw_only=True):
    """Whose agreement on what."""

    kind: Literal["thumb", "score", "choice"]
    name: Short = ""
    run: Short | None = None
    """Only within this run."""


class AgreementPair(Reply, frozen=True, kw_only=True):
    """How far two people agree on what both judged."""

    a: str
    b: str
    items: int
    agreement: float | None
    """Share of equal judgements."""
    kappa: Interval
    """Cohen's: 1 is all, 0 is what chance would bring. For scores, weighted by squared distance."""
    disagree: list[str]
    """Targets on which they differ; 50 at most."""


class AgreementPage(Reply, frozen=True, kw_only=True):
    """How far people agree."""

    criteria: list[Criterion]
    """All there is to ask about."""
    pairs: list[AgreementPair]
    alpha: Interval
    """Krippendorff's alpha over all of them."""


class ExportQuery(Asked, frozen=True, kw_only=True):
    """What to export."""

    run: Short | None = None
    annotator: Short | None = None
    name: Short | None = None
    """The criterion."""


# Events -----------------------------------------------------------------------------------------------


class EventsQuery(Asked, frozen=True, kw_only=True):
    """What one is looking at: then changes of it are told, too. Changes of runs always are."""

    episode: Short | None = None
    """`RUN/NUMBER`."""
    play: Short | None = None


class Event(Reply, frozen=True, kw_only=True):
    """That something changed. The page asks again for what it shows of it."""

    kind: Literal["hello", "run", "gone", "episode", "play", "index", "labels"]
    """`run`: it is new or went on. `gone`: it was deleted. `episode`, `play`: what is looked at went on.
    `index`: the search index went on. `labels`: somebody labelled something."""
    run: str | None
    episode: int | None
    play: str | None
    status: str | None
    """Of a run."""
    done: int | None
    """Episodes of a run that ended; of the index, that are in it."""
    of: int | None
    """Planned episodes of a run; of the index, all there are."""
    failed: int | None
    turns: int | None
    """Turns of the episode so far; of a run, of its ended episodes."""
    version: int | None
    """Of a play."""
