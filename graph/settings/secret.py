"""Credentials that cannot be printed."""

from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, NoReturn


class Secret:
    """A credential. Printing it shows stars, and nothing writes it down; `reveal()` is for whoever needs it."""

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

    def __reduce__(self) -> NoReturn:
        """Let nobody pickle or copy it, but for sending it to a worker."""
        raise TypeError("a Secret is not to be written down")

    def __getstate__(self) -> NoReturn:
        """Likewise, whoever takes objects apart."""
        raise TypeError("a Secret is not to be written down")


def _for_worker(secret: Secret) -> tuple[Any, ...]:
    return Secret, (secret.reveal(), secret._file)  # noqa: SLF001 - its own


ForkingPickler.register(Secret, _for_worker)  # what starts processes writes with this one, and nobody else does


def fits_header(text: str) -> bool:
    """Whether a text can be sent as an HTTP header: printable ASCII."""
    return text.isascii() and text.isprintable()
