"""Addresses in the configuration: which can be asked, which stay on this machine, and who may vouch for them."""

import ipaddress
import re
import ssl
from pathlib import Path
from urllib.parse import urlsplit

LOOPBACK_NAMES = ("localhost", "localhost.localdomain")
ORIGIN = re.compile(r"(https?)://(?:\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::([1-9][0-9]{0,4}))?")


def is_loopback(host: str) -> bool:
    """Whether what listens there can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES


def url_fault(url: str) -> str | None:
    """What is wrong with an address to ask, or None."""
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # brackets or a port that are none
        is_whole = False
    if not is_whole or parts.query or parts.fragment or any(c.isspace() or not c.isprintable() for c in url):
        return "expected http:// or https://, a host and an optional prefix"
    if parts.username or parts.password:
        return "credentials do not belong into an address"
    return None


def is_origin(text: str) -> bool:
    """Whether a browser would name a web page's origin so: in lower case, with neither a path nor the usual port."""
    usual = {"http": "80", "https": "443"}
    found = ORIGIN.fullmatch(text)
    return found is not None and found[2] != usual[found[1]]


def is_private(url: str) -> bool:
    """Whether nobody on the way can read what is sent to an address: it is enciphered, or stays on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def certificates_fault(file: Path) -> str | None:
    """What is wrong with a file of certificates, or None."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError:
        return "expected certificates in PEM"
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or 'no such name'}"
    return None
