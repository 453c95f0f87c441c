"""Local models: linear layers as one product go on being the layers they were."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[local]'")

import torch  # noqa: E402
import transformers  # noqa: E402
from torch import nn  # noqa: E402

import tiny  # noqa: E402
from turnwise.models.hf.linear import Linears, shared_places  # noqa: E402
from turnwise.models.hf.llama import Llama  # noqa: E402

IDS = torch.tensor([[3, 5, 8, 13, 21, 34]])


def apart(layers: list[nn.Linear], x: torch.Tensor) -> torch.Tensor:
    """What the layers say, one after the other."""
    return torch.cat([layer(x) for layer in layers], dim=1)


def three(bias: bool = False) -> list[nn.Linear]:
    torch.manual_seed(0)
    return [nn.Linear(8, width, bias=bias) for width in (6, 2, 2)]


def lie_together(layers: list[nn.Linear]) -> bool:
    return len({layer.weight.untyped_storage().data_ptr() for layer in layers}) == 1


def said(network: Llama) -> torch.Tensor:
    """Logits after `IDS`, by the network as it is written out."""
    with torch.inference_mode():
        memory = network.memory()
        memory.reserve(1, IDS.shape[1])
        call = network.place([0], IDS.shape[1], [0], memory)
        return network(IDS[0], call, memory, [IDS.shape[1] - 1])


def own(module: Any) -> torch.Tensor:
    with torch.inference_mode():
        return module(input_ids=IDS, use_cache=False).logits[:, -1]


@pytest.mark.parametrize("bias", [False, True])
def test_one_product_says_what_the_layers_say(bias: bool) -> None:
    layers, x = three(bias), torch.randn(5, 8)
    expected = apart(layers, x)
    parameters = [layer.weight for layer in layers]
    joint = Linears(*layers, join=True)
    assert lie_together(layers)
    assert all(layer.weight is weight for layer, weight in zip(layers, parameters, strict=True))
    with torch.inference_mode():
        assert joint(x) == pytest.approx(expected.detach(), abs=1e-6)
        total = torch.ones(5, 10)
        assert joint.add(total.clone(), x) == pytest.approx(total + expected.detach(), abs=1e-6)


def test_an_optimisers_steps_are_seen_by_the_product_and_are_those_of_weights_apart() -> None:
    layers, others, x = three(), three(), torch.randn(5, 8)
    joint = Linears(*layers, join=True)
    for each in (layers, others):
        weights = [layer.weight for layer in each]
        optimizer = torch.optim.AdamW(weights, lr=0.1, fused=True)
        for _ in range(3):
            apart(each, x).square().sum().backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            optimizer.zero_grad()
    assert not joint.stale()
    for layer, other in zip(layers, others, strict=True):
        assert torch.equal(layer.weight, other.weight)
    with torch.inference_mode():
        assert joint(x) == pytest.approx(apart(others, x), abs=1e-6)


def test_who_looks_second_finds_them_side_by_side() -> None:
    layers, x = three(True), torch.randn(5, 8)
    first = Linears(*layers, join=True)
    second = Linears(*layers)
    assert not first.stale()
    with torch.inference_mode():
        assert torch.equal(first(x), second(x))


def test_other_memory_and_other_parameters_are_noticed() -> None:
    layers = three()
    joint = Linears(*layers, join=True)
    layers[1].weight.data = layers[1].weight.data.clone()
    assert joint.stale()
    layers = three()
    joint = Linears(*layers, join=True)
    layers[2].weight = nn.Parameter(layers[2].weight.detach())
    assert joint.stale()


class Louder(nn.Linear):
    """No plain layer."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(x)


def no_plain_layer() -> list[nn.Linear]:
    return [*three()[:2], Louder(8, 2, bias=False)]


def a_bias_here_and_none_there() -> list[nn.Linear]:
    return [three()[0], *three(True)[1:]]


def two_types() -> list[nn.Linear]:
    # Product and layers must agree on what they are fed, so the odd one takes its own.
    return [*three()[:2], three()[2].double()]


def one_weight_twice() -> list[nn.Linear]:
    first, second, third = three()
    third.weight = nn.Parameter(second.weight.data)
    return [first, second, third]


@pytest.mark.parametrize("make", [no_plain_layer, a_bias_here_and_none_there, two_types, one_weight_twice])
def test_what_cannot_be_joined_is_called_as_it_is(make: Any) -> None:
    layers = make()
    places = [layer.weight.data_ptr() for layer in layers]
    joint = Linears(*layers, join=True, shared=shared_places(nn.ModuleList(layers)))
    assert [layer.weight.data_ptr() for layer in layers] == places
    assert not joint.stale()
    if make is not two_types:
        x = torch.randn(5, 8)
        assert torch.equal(joint(x), apart(layers, x))


@pytest.fixture
def module(tmp_path: Path) -> Any:
    return transformers.AutoModelForCausalLM.from_pretrained(tiny.save(tmp_path)).eval()


def test_a_network_is_saved_read_and_copied_as_before(module: Any, tmp_path: Path) -> None:
    plain = copy.deepcopy(module)
    network = Llama.find(module)
    assert network is not None
    attention = module.model.layers[0].self_attn
    assert lie_together([attention.q_proj, attention.k_proj, attention.v_proj])
    module.save_pretrained(tmp_path / "saved")
    torch.save(module.state_dict(), tmp_path / "state.pt")
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "saved")
    stored = torch.load(tmp_path / "state.pt", weights_only=True)
    twin = copy.deepcopy(module)
    for key, weight in plain.state_dict().items():
        for other in (module.state_dict(), again.state_dict(), twin.state_dict(), stored):
            assert torch.equal(other[key], weight)
    # The copy has weights of its own.
    with torch.no_grad():
        for weight in twin.parameters():
            weight.mul_(0.5)
    assert torch.equal(own(module), own(plain))


@pytest.mark.parametrize("assign", [False, True])
def test_weights_that_are_read_into_a_network_are_decoded_with(module: Any, assign: bool) -> None:
    network = Llama.find(module)
    assert network is not None
    before = said(network)
    torch.manual_seed(1)
    other = {key: weight + 0.1 * torch.randn_like(weight) for key, weight in module.state_dict().items()}
    module.load_state_dict(other, assign=assign)
    assert said(network) == pytest.approx(own(module), abs=1e-5)
    assert (said(network) - before).abs().max() > 1e-2
