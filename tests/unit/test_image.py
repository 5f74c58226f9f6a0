import pytest

from runai_nim import image
from runai_nim.image import Image, ImageError

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("llama", Image("llama", None, None)),
        ("nvcr.io/nim/meta/llama:1.0", Image("nvcr.io/nim/meta/llama", "1.0", None)),
        ("localhost:5000/llama", Image("localhost:5000/llama", None, None)),
        ("localhost:5000/llama:a_B.c-1", Image("localhost:5000/llama", "a_B.c-1", None)),
        (f"nvcr.io/llama@sha256:{DIGEST}", Image("nvcr.io/llama", None, ("sha256", DIGEST))),
        (f"llama:1@sha256:{DIGEST}", Image("llama", "1", ("sha256", DIGEST))),
        ("Registry.Example.com/a__b/c--d", Image("Registry.Example.com/a__b/c--d", None, None)),
    ],
)
def test_parts(text: str, parsed: Image) -> None:
    assert image.parse(text) == parsed


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
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ImageError):
        image.parse(text)
