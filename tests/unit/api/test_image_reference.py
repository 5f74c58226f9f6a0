import time

import pytest

from runai_nim.api import image_reference
from runai_nim.api.image_reference import Image, ImageError

DIGEST = "0123456789abcdef" * 4
LONGEST = "a" * 255


@pytest.mark.parametrize(
    ("text", "major"),
    [
        *((f"llama:{tag}", int(tag.strip("v")[0])) for tag in ("1", "v2", "1.8.5", "2.0.10-pb6", "3.0.0_x", "2.")),
        *((f"llama:{tag}", None) for tag in ("latest", "20261128", "3f2a9c1", "v", "stable-2.0", "2x")),
        ("llama", None),
        (f"llama:12.1@sha256:{DIGEST}", 12),
        (f"llama@sha256:{DIGEST}", None),
    ],
)
def test_the_major_version_is_that_of_the_tag(text: str, major: int | None) -> None:
    assert image_reference.parse(text).major_version == major


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("llama", Image("llama", None, None)),
        ("nvcr.io/nim/meta/llama:1.0", Image("nvcr.io/nim/meta/llama", "1.0", None)),
        ("localhost:5000/llama", Image("localhost:5000/llama", None, None)),
        ("localhost:5000/llama:a_B.c-1", Image("localhost:5000/llama", "a_B.c-1", None)),
        (f"nvcr.io/llama@sha256:{DIGEST}", Image("nvcr.io/llama", None, ("sha256", DIGEST))),
        (f"llama:1@sha256:{DIGEST}", Image("llama", "1", ("sha256", DIGEST))),
        (f"llama@sha512:{DIGEST}{DIGEST}", Image("llama", None, ("sha512", DIGEST + DIGEST))),
        (f"llama@sha384:{DIGEST}{DIGEST[:32]}", Image("llama", None, ("sha384", DIGEST + DIGEST[:32]))),
        (f"nvcr.io/{LONGEST}", Image(f"nvcr.io/{LONGEST}", None, None)),
        (f"localhost/{LONGEST}", Image(f"localhost/{LONGEST}", None, None)),
        (f"NVCR/{LONGEST}", Image(f"NVCR/{LONGEST}", None, None)),
        ("Registry.Example.com/a__b/c--d", Image("Registry.Example.com/a__b/c--d", None, None)),
    ],
)
def test_parts(text: str, parsed: Image) -> None:
    assert image_reference.parse(text) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Llama",
        "a b",
        "https://nvcr.io/llama",
        "llama:",
        "llama@sha256:12",
        "llama:" + "t" * 129,
        "a//b",
        "llama\n",
        "-a",
        "-a/b",
        "a..b/c",
        "a.-b/c",
        f"llama@sha256:{DIGEST}0",
        f"llama@sha256:{DIGEST[:-1]}",
        f"llama@sha256:{DIGEST}{DIGEST}",
        f"llama@sha512:{DIGEST}",
        f"llama@md5:{DIGEST[:32]}",
        f"llama@sha256:{DIGEST.upper()}",
        f"nvcr.io/{LONGEST}a",
        f"nvcr/{LONGEST}",
        "a/" * 127 + "aa",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ImageError):
        image_reference.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b", image_reference.RULE),
        ("a" * 256, "it has 256"),
        ("a@sha256:12", "sha256 of 64, sha384 of 96, sha512 of 128"),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        image_reference.parse(text)


@pytest.mark.parametrize("text", ["a" * 1023 + "!", "a-" * 511 + "!", "a_" * 511 + "!", "a." * 511 + "!", "A-" * 500])
def test_a_hostile_text_is_refused_at_once(text: str) -> None:
    before = time.perf_counter()
    with pytest.raises(ImageError):
        image_reference.parse(text)
    assert time.perf_counter() - before < 0.5
