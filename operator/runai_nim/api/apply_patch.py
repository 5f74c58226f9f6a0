"""The body of a server-side apply: JSON, written so that the API server, which takes it for YAML, reads the same. Pure.

YAML has no surrogate pairs: an emoji that is escaped as JSON escapes it is refused. And it has no bare control
characters. So what JSON can write as one escape is escaped, and the rest is not.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

APPLY_CONTENT_TYPE: Final = "application/apply-patch+yaml; charset=utf-8"
"""Its content type. Without the parameter the client would write the body itself, as plain JSON."""
_ESCAPED: Final = re.compile("[\x7f-\uffff]")


def apply_body(manifest: Mapping[str, Any]) -> bytes:
    """`manifest` as the API server reads it."""
    text = json.dumps(manifest, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()
