import json

import yaml

from runai_nim.api.apply_patch import apply_body

TEXT = "plain é \u202e\u2028\ufeff\x00\x01\x7f\x85 \\ud83d \\ \U0001f600\U0010ffff"


def test_json_and_yaml_read_the_same() -> None:
    body = apply_body({TEXT: [TEXT, 1]})
    assert json.loads(body) == yaml.safe_load(body) == {TEXT: [TEXT, 1]}


def test_an_emoji_is_no_pair_of_escapes() -> None:
    assert apply_body({"a": "é\U0001f600"}) == b'{"a": "\\u00e9\xf0\x9f\x98\x80"}'
