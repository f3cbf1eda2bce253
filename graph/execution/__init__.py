"""A faster executor for Strawberry schemas whose resolvers answer with plain objects.

graphql-core resolves, checks and completes one field of one row at a time. Most fields of most rows need none of that:
they are attributes. Here the selection of such fields is compiled once per document into a Python function that makes
the answer of a row straight from its attributes, and everything else is left to graphql-core, field by field.

    schema = strawberry.Schema(Query, execution_context_class=compiled_executor())
    call_at_once(schema)

What is compiled is kept with the parsed operation, so documents have to be kept, too (Strawberry's `ParserCache` and
`ValidationCache` do): one that is parsed anew each time is compiled anew, and small answers lose by it.

What is answered is the same, errors, their paths and their order included; but where a `BATCH` is asked, errors may
come in another order, and below a null another one of several. Whatever is not plain when it is looked at (a null where
there must be none, a value of a wrong type, an exception, an awaitable) makes the compiled function give up, and
graphql-core completes that value from its beginning. So attributes may be read twice then.

- A field with a resolver is left to graphql-core, unless it names a `SHORTCUT`; for the rows of a list, a `BATCH`
  resolves it for all of them at once.
- A resolver that was wrapped, to ask first whether the field may be seen, can say so with `seen_through`; one that
  looks at what the other finds with `looked_at`.
- Extensions that have a `resolve` of their own, `@defer` and `@stream` turn it off.

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
