"""Local models: a broken checkpoint is one line that says which part, what was expected, and what to do."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from turnwise.errors import ConfigError, ModelError
from turnwise.message import user
from turnwise.model import Request, Sampling
from turnwise.models.hf import connect, hub

for needed in ("torch", "transformers", "renderers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[local]'")

import tiny  # noqa: E402

WEIGHTS = "model.safetensors"
Break = Callable[[Path], object]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny.save(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def folder(whole: str, tmp_path: Path) -> Path:
    """A checkpoint to break."""
    return Path(shutil.copytree(whole, tmp_path / "model"))


def refusal(folder: Path, **options: Any) -> str:
    """The line with which a checkpoint is refused; it names the folder and says more than one thing."""
    with pytest.raises(ConfigError) as caught:
        connect(str(folder), options)
    line = str(caught.value)
    assert "\n" not in line
    assert repr(f"hf/{folder}") in line
    assert len(line.replace(str(folder), "")) < 600
    return line


def answer(folder: str | Path, text: str = "hi", **options: Any) -> list[int]:
    model = connect(str(folder), options)
    request = Request(messages=[user(text)], sampling=Sampling(temperature=0.0, max_tokens=6))
    return list(asyncio.run(model.sample(request)).sampled_ids or ())


def without(file: str) -> Break:
    return lambda folder: (folder / file).unlink()


def holding(file: str, text: str) -> Break:
    return lambda folder: (folder / file).write_text(text)


def cut(file: str, keep: float) -> Break:
    def go(folder: Path) -> None:
        data = (folder / file).read_bytes()
        (folder / file).write_bytes(data[: int(len(data) * keep)])

    return go


def saying(file: str, **values: Any) -> Break:
    def go(folder: Path) -> None:
        held = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps(held | values))

    return go


def tensors(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Save other weights in a checkpoint."""
    from safetensors.torch import load_file, save_file

    save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS, metadata={"format": "pt"})


def lacking(*endings: str) -> Break:
    def go(folder: Path) -> None:
        tensors(folder, lambda held: {key: one for key, one in held.items() if not key.endswith(endings)})

    return go


def split(folder: Path) -> None:
    """Two files of weights, of which the second is not there."""
    from safetensors.torch import load_file, save_file

    held = load_file(folder / WEIGHTS)
    files = {key: f"model-0000{1 + place % 2}-of-00002.safetensors" for place, key in enumerate(held)}
    first = {key: one for key, one in held.items() if "00001-of" in files[key]}
    save_file(first, folder / "model-00001-of-00002.safetensors", metadata={"format": "pt"})
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))
    (folder / WEIGHTS).unlink()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (without("config.json"), ["no config.json in", "expected a folder with config.json"]),
        (holding("config.json", "{nope"), ["config.json cannot be loaded", "not a valid JSON", "expected"]),
        (holding("config.json", "[1]"), ["config.json cannot be loaded", "expected"]),
        (saying("config.json", model_type="abacus"), ["config.json", "`abacus`", "this version of transf"]),
        (saying("config.json", hidden_size="big"), ["config.json cannot be", "'hidden_size' expected int"]),
        (saying("config.json", num_attention_heads=0), ["config.json cannot be loaded", "expected"]),
        (saying("config.json", num_hidden_layers=-1), ["config.json", "put the config.json there"]),
        (saying("config.json", hidden_act="blip"), ["cannot be loaded", "'blip'", "expected"]),
        (
            saying("generation_config.json", do_sample=True, top_p="all"),
            ["top_p must be a number, not 'all'"],
        ),
        (saying("generation_config.json", eos_token_id="end"), ["eos_token_id must be token ids, not 'end'"]),
        (holding("generation_config.json", "{"), ["generation_config.json cannot", "or remove it"]),
    ],
)
def test_a_broken_config(folder: Path, damage: Break, says: list[str]) -> None:
    damage(folder)
    line = refusal(folder)
    assert [part for part in says if part not in line] == [], line


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (cut(WEIGHTS, 0.5), [f"({WEIGHTS}) cannot be loaded", "not fully covered", "copy them again"]),
        (cut(WEIGHTS, 0.0001), [f"({WEIGHTS}) cannot be loaded", "copy them again"]),
        (holding(WEIGHTS, ""), [f"({WEIGHTS}) cannot be loaded", "copy them again"]),
        (
            holding(WEIGHTS, "version https://git-lfs.github.com"),
            [f"({WEIGHTS})", "copy them again"],
        ),
        (without(WEIGHTS), ["the weights cannot be loaded", f"no file named {WEIGHTS}"]),
        (split, ["the weights cannot be loaded", "model-00002-of-00002.safetensors", "copy them again"]),
    ],
)
def test_broken_weights(folder: Path, damage: Break, says: list[str]) -> None:
    damage(folder)
    line = refusal(folder)
    assert [part for part in says if part not in line] == [], line


def test_weights_that_are_not_there_are_named_and_not_drawn_at_random(folder: Path, whole: str) -> None:
    lacking("layers.1.mlp.up_proj.weight")(folder)
    line = refusal(folder)
    assert "its weights lack model.layers.1.mlp.up_proj.weight, which would be left random" in line
    shutil.copy(Path(whole, WEIGHTS), folder)
    lacking("lm_head.weight")(folder)
    assert "lack lm_head.weight, " in refusal(folder)
    shutil.copy(Path(whole, WEIGHTS), folder)
    saying("config.json", num_hidden_layers=3)(folder)
    # A layer of Llama is nine tensors.
    line = refusal(folder)
    assert line.count("model.layers.2.") == 6
    assert " and 3 more, which" in line


def test_weights_of_other_sizes_are_named(folder: Path) -> None:
    saying("config.json", intermediate_size=48)(folder)
    line = refusal(folder)
    assert "model.layers.0.mlp.down_proj.weight (32x64, not 32x48)" in line
    assert "put the config.json there that was saved with them" in line


def test_weights_that_are_shared_or_not_needed_are_fine(folder: Path, whole: str, tmp_path: Path) -> None:
    import torch
    from safetensors import safe_open

    shared = tiny.save(tmp_path / "shared", tie_word_embeddings=True)
    with safe_open(Path(shared, WEIGHTS), framework="pt") as held:
        assert "lm_head.weight" not in held.keys()  # noqa: SIM118
    assert len(answer(shared)) == 6
    tensors(folder, lambda held: held | {"vision.weight": torch.zeros(2)})
    assert answer(folder) == answer(whole)


@pytest.mark.parametrize(
    "damage",
    [
        without("tokenizer.json"),
        cut("tokenizer.json", 0.5),
        holding("tokenizer.json", "{}"),
        holding("tokenizer_config.json", "{"),
    ],
)
def test_a_broken_tokenizer(folder: Path, damage: Break) -> None:
    damage(folder)
    line = refusal(folder)
    assert "the tokenizer cannot be loaded: " in line
    assert "expected tokenizer.json and tokenizer_config.json" in line


def test_another_models_tokenizer(folder: Path) -> None:
    tokens = tiny.tokenizer()
    rows = len(tokens)
    tokens.add_tokens([f"word{number}" for number in range(50)])
    tokens.save_pretrained(folder)
    line = refusal(folder)
    assert f"50 of its tokens, up to id {rows + 49}, have no row among the model's {rows}" in line


def test_a_token_of_the_chat_template_that_the_model_has_no_row_for(folder: Path) -> None:
    tokens = tiny.tokenizer("<|new|>" + tiny.CHATML)
    tokens.add_special_tokens({"additional_special_tokens": ["<|new|>"]})
    tokens.save_pretrained(folder)
    line = refusal(folder)
    assert f"writes the token '<|new|>' ({len(tokens) - 1}), but the model has {len(tokens) - 1} rows" in line


def test_a_spare_token_is_an_error_of_the_message_that_holds_it(folder: Path, whole: str) -> None:
    tokens = tiny.tokenizer()
    tokens.add_special_tokens({"additional_special_tokens": ["<|picture|>"]})
    tokens.save_pretrained(folder)
    assert answer(folder) == answer(whole)
    with pytest.raises(
        ModelError, match=r"hold the token '<\|picture\|>', which the model has no row"
    ) as caught:
        answer(folder, "What is on <|picture|>?")
    assert caught.value.kind == "bad_request"


def test_a_tokenizer_that_knows_no_words(folder: Path) -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.WordLevel({"<unk>": 0, "yes": 1}, unk_token="<unk>"))
    tokens = PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="<unk>", eos_token="<unk>")
    tokens.chat_template = tiny.CHATML
    tokens.save_pretrained(folder)
    line = refusal(folder)
    assert "'hello' of a user's message does not come through" in line
    assert "save the model's own tokenizer there" in line


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% if %}", "TemplateSyntaxError: Expected an expression"),
        ("{{ raise_exception('not today') }}", "TemplateError: not today"),
        ("{{ speaker.name.upper() }}", "'speaker' is undefined"),
        ("{% for message in messages %}{{ 1 // 0 }}{% endfor %}", "ZeroDivisionError"),
    ],
)
def test_a_chat_template_that_raises(folder: Path, template: str, reason: str) -> None:
    holding("chat_template.jinja", template)(folder)
    line = refusal(folder)
    assert "cannot be shown a user's message: the chat template refuses the messages: " in line
    assert reason in line
    assert "mend its chat template" in line


def test_a_chat_template_that_leaves_out_the_words(folder: Path) -> None:
    holding("chat_template.jinja", "{% for message in messages %}{{ message.role }}: {% endfor %}")(folder)
    assert "'hello' of a user's message does not come through" in refusal(folder)


def test_no_chat_template(folder: Path) -> None:
    without("chat_template.jinja")(folder)
    line = refusal(folder)
    assert "has no chat template, so messages cannot be shown to it: save one in chat_template.jinja" in line
    assert len(answer(folder, renderer="qwen3")) == 6


def test_a_format_whose_tokens_the_tokenizer_has_not(folder: Path) -> None:
    line = refusal(folder, renderer="glm-4.5")
    assert "option 'renderer': 'glm-4.5' cannot be used with its tokenizer" in line


def test_no_folder_and_an_empty_one(tmp_path: Path) -> None:
    assert "there is no folder" in refusal(tmp_path / "nothing")
    assert "there is no config.json in" in refusal(tmp_path)


def test_a_hub_that_does_not_answer_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "*")
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        hub.is_reachable.cache_clear()
        try:
            with pytest.raises(ConfigError) as caught:
                connect("nobody/nothing", {})
        finally:
            hub.is_reachable.cache_clear()
    assert "cannot be reached" in str(caught.value)
    assert "\n" not in str(caught.value)
