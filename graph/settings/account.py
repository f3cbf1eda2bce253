"""The account that a source stands for, as a text that tells accounts apart and nothing else."""

from hashlib import blake2b

import msgspec

from graph.settings.secret import Secret
from graph.settings.tables import SourceSettings


def account_of(settings: SourceSettings) -> str:
    """What stands for an account in the keys of what is shared: 32 hex digits, from which nothing can be read.

    Every setting that may change what the vendor answers, or what is made of it, makes another account; credentials
    too, since they decide what may be seen.
    """
    parts = [
        (field.name, _plain(getattr(settings, field.name)))
        for field in msgspec.structs.fields(settings)
        if field.name not in settings.unaccounted
    ]
    return blake2b(msgspec.json.encode(sorted(parts)), digest_size=16, key=b"confgraph account").hexdigest()


def _plain(value: object) -> object:
    return value.reveal() if isinstance(value, Secret) else value
