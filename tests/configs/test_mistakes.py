"""Wrong configurations and the exact message that each one gives."""

from __future__ import annotations

import pytest

from gym_llm.errors import ConfigError

PLACED = "packaged policy/chat.yaml:2, policy_model_name is not set"
MISTAKES = {
    "a misspelt key": (
        "num_repeat: 4",
        "unknown key 'num_repeat' (value 4, run.yaml:1). Did you mean 'num_repeats'? See --help for all keys",
    ),
    "a key of another policy": (
        "policy: {type: openai, model: m, reasoning_historie: drop}",
        (
            "unknown key 'policy.reasoning_historie' with policy=openai (value 'drop',"
            " run.yaml:1). Did you mean 'policy.reasoning'? See --help for all keys"
        ),
    ),
    "a wrong type": (
        "limit: many",
        (
            "limit='many' (run.yaml:1): input should be a valid integer, unable to parse string as an integer."
            " limit: Tasks to take from the dataset's beginning; null takes all."
        ),
    ),
    "out of range": (
        "seed: 1\nnum_repeats: 0",
        "num_repeats=0 (run.yaml:2): input should be greater than or equal to 1. num_repeats: Episodes per task.",
    ),
    "a wrong word": (
        "policy:\n  type: chat\n  model: m\n  reasoning_history: think_tag",
        (
            "policy.reasoning_history='think_tag' (run.yaml:4): input should be 'think_tags', 'reasoning_content',"
            " 'interleaved' or 'drop'. Did you mean 'think_tags'? policy.reasoning_history: How past reasoning is sent."
        ),
    ),
    "required values left": (
        "defaults: [{policy: chat}]\ninput: ???",
        f"required: input (run.yaml:2), policy.model ({PLACED}); give input=VALUE",
    ),
    "no such option": (
        "defaults:\n  - policy: opnai",
        (
            "policy=opnai (run.yaml): no such option. Did you mean 'openai'? There are: azure, chat, mock, openai,"
            " random, scripted"
        ),
    ),
    "no such group": (
        "defaults:\n  - polciy: chat",
        "defaults (run.yaml): there is no group 'polciy'. Did you mean 'policy'? There are: collect, env, policy",
    ),
    "no such key to interpolate": (
        "vars: {size: 3}\nlimit: ${vars.sze}",
        (
            "limit (run.yaml:2): interpolation key 'vars.sze' not found; define it under `vars:` and write"
            " ${vars.NAME}, or correct the name"
        ),
    ),
    "a variable that is not set": (
        "output: ${oc.env:GYM_LLM_NO_SUCH}/x.jsonl",
        (
            "output (run.yaml:1): Environment variable 'GYM_LLM_NO_SUCH' is not set; set it, or give a default:"
            " ${oc.env:NAME,default}"
        ),
    ),
    "another resolver": (
        "output: ${oc.create:x}",
        "output (run.yaml:1): ${oc.create...} is not read here; use ${key} or ${oc.env:NAME}",
    ),
    "a missing file": (
        "config_paths: [rnu.yaml]",
        (
            "config_paths (run.yaml:1): there is no file rnu.yaml. Did you mean 'run.yaml'? Paths are from the"
            " including file's folder"
        ),
    ),
    "files that include each other": (
        "config_paths: [run.yaml]",
        "config_paths (run.yaml:1): files include each other: run.yaml > run.yaml; take one out",
    ),
    "a key that stands twice": ("seed: 1\nseed: 2", "run.yaml:2: seed stands twice in this file; keep one"),
    "no YAML": (
        "seed: [1",
        (
            "run.yaml:1 cannot be read: expected ',' or ']', but got '<stream end>'; indent with spaces, quote special"
            " characters"
        ),
    ),
    "no mapping": ("- seed", "run.yaml:1 is no mapping; write lines of `key: value`"),
    "a Python object": (
        "seed: !!python/object/apply:os.system [ls]",
        "seed (run.yaml:1): tag:yaml.org,2002:python/object/apply:os.system is no plain value; leave the tag out",
    ),
    "a key without a weight that counts": (
        "env:\n  easy: {env: MCQA}\n  hard:\n    env: MCQA\n    weight: -1",
        "env.hard.weight=-1 (run.yaml:5): input should be greater than 0.",
    ),
    "a misspelt key of a mixture": (
        "env:\n  easy:\n    env: MCQA\n    weightt: 2",
        "unknown key 'env.easy.weightt' (value 2, run.yaml:4). Did you mean 'env.easy.weight'? See --help for all keys",
    ),
    "an input for all of a mixture": (
        "env: {easy: {env: MCQA}}\ninput: x.jsonl",
        "input (run.yaml:2): input belongs to one environment; in a mixture write env.NAME.input",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_the_message_is(folder, case):
    text, message = MISTAKES[case]
    folder.write("run.yaml", text)
    given = {} if "env:" in text.split("\n")[0] else {"env": "MCQA"}
    with pytest.raises(ConfigError) as caught:
        folder.collect("config_paths=[run.yaml]", **given)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["limit=x"],
            "limit='x' (command line): input should be a valid integer, unable to parse string as an integer.",
        ),
        (["limit=1,2"], "limit: packages (@) and sweeps (a,b) are not read; a list is written [a,b]"),
        (["config_paths=[no.yaml]"], "config_paths (command line): there is no file no.yaml. Paths are from"),
        (["~limit"], "required: limit (default); give limit=VALUE"),
    ],
)
def test_the_command_line_is_named(folder, words, message):
    with pytest.raises(ConfigError) as caught:
        folder.collect(*words, env="MCQA")
    assert str(caught.value).startswith(message)


def test_a_search_folder_that_is_not_there(folder):
    with pytest.raises(ConfigError, match="--search-dir nowhere: there is no such folder"):
        folder.collect(search_dirs=("nowhere",), env="MCQA")
