"""A faster executor for Strawberry schemas whose resolvers answer with plain objects.

graphql-core resolves, checks and completes one field of one row at a time. Most fields of most rows need none of that:
they are attributes. Here the selection of such fields is compiled once per document into a Python function that builds
the answer of a row directly from its attributes. Everything else is left to graphql-core, field by field.

    schema = strawberry.Schema(Query, execution_context_class=compiled_executor())
    call_at_once(schema)

The compiled functions are kept with the parsed operation, so documents have to be cached, too (by Strawberry's
`ParserCache` and `ValidationCache`): a document that is parsed each time is compiled each time, which makes small
answers slower.

The answers are the same, including errors, their paths and their order; but with a `BATCH` errors may come in another
order, and a null that has several may report another of them. Any value that is not plain (a null where there must be
none, a wrong type, an exception, an awaitable) makes the compiled function give up, and graphql-core completes that
value from the start. Attributes may then be read twice.

Answers are dicts. If an answer will only be encoded, by msgspec, set `is_for_bytes` of its executor: objects in lists
are then structs, which take a third of the memory and less time.

- A field with a resolver is left to graphql-core, unless it names a `SHORTCUT`; in a list, a `BATCH` resolves it for
  all rows at once.
- A resolver that wraps another to check first whether the field may be seen can declare that by `seen_through`; one
  that inspects the other's result, by `looked_at`.
- Extensions with their own `resolve`, and documents with directives other than `@include` and `@skip`, turn it off.

It overrides methods of graphql-core's executor that are not documented: pin its version.
"""

from graph.execution.compiler import SHORTCUT
from graph.execution.executor import StockExecutor, compiled_executor
from graph.execution.holes import BATCH
from graph.execution.plans import switches_of
from graph.execution.resolvers import call_at_once
from graph.execution.variables import Variables
from graph.execution.wrappers import looked_at, seen_through

__all__ = [
    "BATCH",
    "SHORTCUT",
    "StockExecutor",
    "Variables",
    "call_at_once",
    "compiled_executor",
    "looked_at",
    "seen_through",
    "switches_of",
]
