"""Text files in any encoding that Python knows, as UTF-8."""

from __future__ import annotations

import codecs
import difflib
from encodings.aliases import aliases

from bench.errors import BadInput

_PROBE = 'id,"a b"\n1;x\t2\n'


def check_encoding(name: str) -> None:
    """Raises BadInput unless Python knows a text encoding of that name."""
    try:
        decoded = codecs.getincrementaldecoder(name)().decode(_PROBE.encode(name), final=True)
    except (LookupError, UnicodeError, TypeError, ValueError, AttributeError):
        decoded = ""
    if decoded != _PROBE:
        known = sorted({*aliases, *aliases.values()})
        nearest = difflib.get_close_matches(name.lower().replace("-", "_"), known, n=1)
        hint = f"; did you mean '{nearest[0]}'?" if nearest and nearest[0] != name else ""
        raise BadInput(
            f"[source] encoding '{name}' is unknown{hint} (allowed: any text encoding of Python, such as "
            "utf-8, latin-1, cp1252, utf-16, gb18030)"
        )


def is_utf8(name: str) -> bool:
    """Whether a known encoding is UTF-8, by whichever of its names."""
    return codecs.lookup(name).name == "utf-8"


class Recoder:
    """Bytes of a file in an encoding, a piece at a time, into UTF-8.

    What cannot be decoded becomes bytes that are not UTF-8, so that it is found with its line like any other
    text that is not what the file should hold.
    """

    def __init__(self, encoding: str) -> None:
        self._decoder = (
            None if is_utf8(encoding) else codecs.getincrementaldecoder(encoding)(errors="surrogateescape")
        )

    def recode(self, data: bytes, *, final: bool = False) -> bytes:
        """The next piece; whatever is left over with the last one.

        Raises:
            UnicodeDecodeError: bytes that are no text in a way that cannot be passed on.
        """
        if self._decoder is None:
            return data
        return self._decoder.decode(data, final).encode("utf-8", "surrogatepass")
