"""Trusted documents: where there is a manifest of them, nothing else is answered."""

from collections.abc import Mapping
from hashlib import sha256

from graphql import NoSchemaIntrospectionCustomRule, specified_rules
from strawberry.schema import BaseSchema

from graph.errors import ConfigError, ForbiddenError
from graph.schema.documents import faults_of
from graph.settings import AppSettings
from graph.settings.manifest import read_manifest

KEY = "server.trusted_documents"


class TrustedDocuments:
    """The documents of a manifest, known by their ids, by the SHA-256 of their texts, and by these."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = frozenset(texts.values())
        self._by_name = {sha256(text.encode()).hexdigest(): text for text in self._texts} | dict(texts)

    @classmethod
    def of(cls, settings: AppSettings, schema: BaseSchema) -> "TrustedDocuments | None":
        """Those of a configuration; None where it has no manifest.

        Raises:
            ConfigError: documents in it would not be answered; names them.
        """
        path = settings.server.trusted_documents
        if path is None:
            return None
        texts = read_manifest(path)
        rules = [*specified_rules, *([] if settings.server.introspection else [NoSchemaIntrospectionCustomRule])]
        faults = {
            name: found[0]
            for name, text in texts.items()
            if (found := faults_of(text, schema._schema, rules, settings.limits))  # type: ignore[attr-defined]  # noqa: SLF001 - as its extensions do
        }
        if faults:
            raise ConfigError([f"{KEY}: document {name[:80]}: {fault}" for name, fault in faults.items()])
        return cls(texts)

    def text(self, name: str | None, query: str | None) -> str:
        """The document that a request names, or has in full.

        Raises:
            ForbiddenError: it is none of these.
        """
        found: str | None
        if query:
            found = query if query in self._texts else None
        else:
            found = self._by_name.get(name or "") or self._by_name.get((name or "").removeprefix("sha256:"))
        if found is None:
            raise ForbiddenError("Only trusted documents are answered here, and this is none of them.")
        return found
