"""Credentials that cannot be printed."""

from pathlib import Path


class Secret:
    """A credential. Printing it shows stars; `reveal()` is for the request that needs it."""

    __slots__ = ("_file", "_value")

    def __init__(self, value: str, file: Path | None = None) -> None:
        self._value = value
        self._file = file

    def reveal(self) -> str:
        """The credential itself."""
        return self._value

    def reload(self) -> bool:
        """Read it again, where it came from a file: credentials are renewed under a running server.

        Returns:
            Whether it changed. It stays as it is while the file cannot be read or is empty.
        """
        if self._file is None:
            return False
        try:
            value = self._file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return False
        is_new = bool(value) and value != self._value
        if is_new:
            self._value = value
        return is_new

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


def fits_header(text: str) -> bool:
    """Whether a text can be sent as an HTTP header: printable ASCII."""
    return text.isascii() and text.isprintable()
