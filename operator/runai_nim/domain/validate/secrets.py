"""Recognizes names and values of secrets. The names decide which values a message may show."""

import re
from typing import Final

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET_WORDS: Final = frozenset({"key", "keys", "tokens", "credential", "credentials", "bearer", "jwt"})
_SECRET_ENDINGS: Final = (
    *("password", "passwords", "passwd", "passphrase", "passcode", "secret", "secrets", "token", "apikey", "apikeys"),
    *("accesskey", "privatekey", "secretkey"),
)
_SECRET_LAST_WORDS: Final = frozenset({"pass", "pat", "pwd"})
"""Secrets at the end of a name of several words: `PWD` alone is the working directory."""
_NO_SECRET_BEFORE: Final = frozenset(
    (
        *("public", "cache", "sort", "partition", "primary", "foreign", "group", "eos", "bos", "pad", "unk", "stop"),
        *("mask", "sep", "special", "image", "output", "input", "first", "next", "per"),
    )
)
"""`PUBLIC_KEY` and `EOS_TOKEN` hold no secret."""
_COUNTS: Final = frozenset({"max", "min", "num"})
"""`NIM_MAX_NUM_BATCHED_TOKENS` is a number."""
_NO_SECRET_AFTER: Final = frozenset(
    (
        *("path", "paths", "file", "files", "dir", "directory", "folder", "mount", "url", "uri", "endpoint", "host"),
        *("port", "name", "names", "id", "type", "kind", "count", "limit", "length", "len", "size", "ttl", "timeout"),
        *("expiry", "expiration", "interval", "enabled", "disabled", "required", "mode", "version", "header"),
        *("prefix", "index", "algorithm", "provider", "store", "ref", "selector", "field", "format", "policy"),
    )
)
"""`HF_TOKEN_PATH` and `SECRET_NAME` say where a secret is."""
_SWITCHES: Final = frozenset({"", "0", "1", "true", "false", "yes", "no", "on", "off", "none", "null"})
_REFERENCE: Final = re.compile(r"\$\([-._a-zA-Z0-9]+\)")
"""`$(NAME)`: Kubernetes puts the value of another variable here."""
# No pattern begins with a repetition: values have up to 32,768 characters, and users choose them.
_CREDENTIALS: Final = re.compile(
    r"://[^/\s:@]*:(?!\$\()[^/\s@]+@"  # a password in a URL
    r"|\bnvapi-[\w-]{20}|\bhf_[A-Za-z0-9]{20}|\bgh[opsu]_[A-Za-z0-9]{30}|\bsk-[\w-]{20}|\bAKIA[0-9A-Z]{16}\b"
    r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----|--api-key[= ](?!\$\()\S"
)


def is_secret_name(name: str) -> bool:
    """Whether a variable, label or annotation of that name holds a secret: true for `HF_TOKEN`, `dbPassword`.

    False for names that only resemble one: `NIM_MAX_TOKEN`, `SSL_KEY_PATH`, `TOKENIZERS_PARALLELISM`.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    last = len(words) - 1
    return any(
        _is_secret_word(word, is_last=position == last > 0)
        and (position == 0 or words[position - 1] not in _NO_SECRET_BEFORE)
        and _COUNTS.isdisjoint(words[:position])
        and (position == last or words[last] not in _NO_SECRET_AFTER)
        for position, word in enumerate(words)
    )


def is_plain_secret(name: str, value: str) -> bool:
    """Whether a variable's literal value is a secret, by its name or by its content."""
    if _CREDENTIALS.search(value):
        return True
    if value.lower() in _SWITCHES or _REFERENCE.fullmatch(value):
        return False
    return is_secret_name(name) and not _is_number_of_tokens(name, value)


def _is_secret_word(word: str, *, is_last: bool) -> bool:
    return word in _SECRET_WORDS or word.endswith(_SECRET_ENDINGS) or (is_last and word in _SECRET_LAST_WORDS)


def _is_number_of_tokens(name: str, value: str) -> bool:
    return name.lower().endswith("tokens") and value.isdecimal()
