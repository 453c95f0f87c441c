"""Scaffolds by name: `codeact:MODEL` is the model's own options, gateway and prices, in another frame."""

from __future__ import annotations

from turnwise.agents.codeact import CodeAct
from turnwise.cli.options import run_config
from turnwise.engine import resolve
from turnwise.engine.gateway import Gateway


def test_options_reach_the_model_in_a_scaffold() -> None:
    config = run_config(
        "number_guess",
        None,
        ["codeact:openai/some-model"],
        None,
        ["base_url=http://127.0.0.1:1/v1"],
    )
    assert config.models == {"openai/some-model": {"base_url": "http://127.0.0.1:1/v1"}}
    cast = resolve.casting(config, resolve.environment(config))
    (agent,) = cast.agents.values()
    assert isinstance(agent, CodeAct)
    assert agent.name == "codeact:openai/some-model"
    assert isinstance(agent.model, Gateway)
    muted = resolve.casting(config, resolve.environment(config), mute=True).agents
    assert isinstance(next(iter(muted.values())), CodeAct)
