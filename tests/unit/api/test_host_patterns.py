import pytest

from runai_nim.api import host_patterns


@pytest.mark.parametrize(
    "text", ["*", "example.com", "*.example.com", "*.{namespace}.example.com", "{namespace}-*.example.com", "llama"]
)
def test_a_pattern(text: str) -> None:
    assert host_patterns.is_pattern(text)


@pytest.mark.parametrize(
    "text",
    ["", "**.", ".example.com", "*.{name}.example.com", "Example.com", "example.com/v1", "a b", "*..com", "{", "é"],
)
def test_no_pattern(text: str) -> None:
    assert not host_patterns.is_pattern(text)


@pytest.mark.parametrize(
    ("host", "pattern", "fits"),
    [
        ("llama.team-a.example.com", "*.{namespace}.example.com", True),
        ("llama.team-b.example.com", "*.{namespace}.example.com", False),
        # A star is no way across a dot, and so none into another namespace.
        ("x.team-b.team-a.example.com", "*.{namespace}.example.com", False),
        ("llama.team-b.example.com", "*.example.com", False),
        ("team-a.example.com", "*.{namespace}.example.com", False),
        (".team-a.example.com", "*.{namespace}.example.com", False),
        ("llama.team-axexample.com", "*.{namespace}.example.com", False),
        ("llama.example.com", "llama.example.com", True),
        ("llama-example.com", "llama.example.com", False),
        ("www.llama.example.com", "llama.example.com", False),
        ("llama.example.com.evil.com", "llama.example.com", False),
        ("llama-team-a.example.com", "*-{namespace}.example.com", True),
        ("anything.at.all", "*", True),
        ("localhost", "*", True),
    ],
)
def test_hosts(host: str, pattern: str, fits: bool) -> None:
    assert host_patterns.host_matches(host, ["none.invalid", pattern], "team-a") is fits


def test_a_namespace_is_no_pattern() -> None:
    assert not host_patterns.host_matches("llama.team-a.example.com", ["*.{namespace}.example.com"], "*")


def test_without_a_pattern_nothing_fits() -> None:
    assert not host_patterns.host_matches("example.com", (), "team-a")
