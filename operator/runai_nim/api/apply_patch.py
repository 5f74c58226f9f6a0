"""The body of a server-side apply: JSON that the API server's YAML parser reads unchanged.

YAML rejects surrogate pairs, with which JSON escapes an emoji, and bare control characters. So characters from U+007F
to U+FFFF are escaped, and those above are sent as UTF-8.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

APPLY_CONTENT_TYPE: Final = "application/apply-patch+yaml; charset=utf-8"
"""Content type of the body. Without the parameter the client would encode the body itself, as plain JSON."""
_ESCAPED: Final = re.compile("[\x7f-\uffff]")


def apply_body(manifest: Mapping[str, Any]) -> bytes:
    """Encode `manifest` for the API server: `{"a": "é"}` becomes `b'{"a": "\\u00e9"}'`."""
    text = json.dumps(manifest, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()
