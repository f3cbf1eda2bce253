"""The executor: answers from compiled functions what is plain, and leaves the rest to graphql-core."""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, ClassVar
from weakref import proxy

from graphql import (
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLResolveInfoHelpers,
    Undefined,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.pyutils import Path, gather_with_cancel
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graph.execution.compiler import Compiled, compile_items, compile_object, has_other_directives
from graph.execution.joins import Joins
from graph.execution.plans import KnownPlans

WORTH_ROWS = 16  # so many rows take longer to answer one by one than to be compiled


class StockExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes one operation as graphql-core does, but that neither it nor events of a subscription stay in memory."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        this = proxy(self)  # graphql-core's helpers hold this: until garbage is collected all of a request would stay
        gather, track = StockExecutor.gather_async_work, StockExecutor.track_async_work
        self.async_helpers = GraphQLResolveInfoHelpers(gather=partial(gather, this), track=partial(track, this))

    def build_per_event_executor(self, payload: Any) -> Any:
        """Make what executes one event."""
        executor: Any = super().build_per_event_executor(payload)
        # What is selected is collected anew for each event: in the memory of all of them it would pile up.
        executor._relevant_sub_fields = {}  # noqa: SLF001 - a copy of this one
        return executor


class CompiledExecutor(StockExecutor):
    """Executes one operation. `compiled_executor` makes the class."""

    known_plans: ClassVar[KnownPlans]
    types_by_class: ClassVar[bool]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        plans = self._plans = self.known_plans.of(self.operation, self.fragment_definitions)
        values = self.variable_values.coerced
        self._switches = tuple(values.get(name) for name in plans.switches)
        # What was looked up in this operation, and for what: while that is kept, its id is nobody else's.
        self._looked_up: dict[Hashable, tuple[Compiled | None, object]] = {}
        is_usual = self.abort_signal is None and not (self.middleware_manager and self.middleware_manager.middlewares)
        self._is_usual = is_usual

    def build_per_event_executor(self, payload: Any) -> Any:
        """Make what executes one event."""
        executor = super().build_per_event_executor(payload)
        executor._looked_up = {}  # noqa: SLF001 - a copy of this one
        return executor

    def complete_list_value(  # noqa: PLR0917 - as graphql-core has it
        self,
        return_type: GraphQLList[GraphQLOutputType],
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Answer a list at once where its items are plain, and fill in what is left open in them."""
        if self._is_usual and position_context is None and type(result) in (list, tuple):
            kind = return_type.of_type
            compiled = self.items(kind, field_details_list, len(result))
            if compiled:
                try:
                    answered = compiled.answer(result, self.context_value)
                except Exception:  # noqa: BLE001, S110 - whatever it is, graphql-core finds it too, and tells it
                    pass
                else:
                    if not compiled.holes:
                        return answered
                    return Joins(self, compiled, kind, answered, path.add_key, _raise).fill()
        return super().complete_list_value(return_type, field_details_list, info, path, result, position_context)

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,
    ) -> Any:
        """Answer the plain fields of an object at once, and execute the others."""
        if self._is_usual and position_context is None and source_value is not None:
            compiled = self._object(parent_type, grouped_field_set)
            if compiled:
                try:
                    answer = compiled.answer(source_value, self.context_value)
                except Exception:  # noqa: BLE001, S110 - as above
                    pass
                else:
                    rest = {name: grouped_field_set[name] for name in compiled.rest}
                    return self._fill_in(answer, rest, parent_type, source_value, path)
        return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)

    def _fill_in(
        self,
        answer: dict[str, Any],
        rest: GroupedFieldSet,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
    ) -> Any:
        """Execute the fields that have a place in an answer already, all at the same time."""
        waiting: list[str] = []
        try:
            for name, fields in rest.items():
                field_path = Path(path, name, parent_type.name)
                value = self.execute_field(parent_type, source_value, fields, field_path, None)
                if value is Undefined:  # the schema has no such field
                    del answer[name]
                    continue
                answer[name] = value
                if self.is_awaitable(value):
                    waiting.append(name)
        except Exception:
            if waiting:
                self.settle_in_background([answer[name] for name in waiting])
            raise
        return _awaited(answer, waiting) if waiting else answer

    def items(self, kind: GraphQLOutputType, fields: FieldDetailsList, count: int) -> Compiled | None:
        """What was compiled to answer so many items of a kind."""

        def make() -> Compiled | None:
            if any(has_other_directives(it.node.directives) or it.fragment_variable_values for it in fields):
                return None
            return compile_items(self, kind, fields, types_by_class=self.types_by_class)

        def key() -> tuple[Hashable, ...]:
            return str(kind), *(id(it.node) for it in fields)

        return self._look_up((id(fields), id(kind)), key, make, fields, is_worth_it=count >= WORTH_ROWS)

    def _object(self, kind: GraphQLObjectType, grouped: GroupedFieldSet) -> Compiled | None:
        def make() -> Compiled | None:
            return compile_object(self, kind, grouped, types_by_class=self.types_by_class)

        def key() -> tuple[Hashable, ...]:
            return kind.name, *((name, *(id(it.node) for it in fields)) for name, fields in grouped.items())

        return self._look_up(id(grouped), key, make, grouped, is_worth_it=False)

    def _look_up(
        self,
        here: Hashable,
        key: Callable[[], tuple[Hashable, ...]],
        make: Callable[[], Compiled | None],
        kept: object,
        *,
        is_worth_it: bool,
    ) -> Compiled | None:
        if here in self._looked_up:
            return self._looked_up[here][0]
        try:
            compiled = self._plans.get((self._switches, *key()), make, is_worth_it=is_worth_it)
        except KeyError:
            return None
        if compiled and not all(is_open(self.context_value) for is_open in compiled.conditions):
            compiled = None
        self._looked_up[here] = compiled, kept
        return compiled


def _raise(error: Exception, _: int) -> None:
    raise error


async def _awaited(answer: dict[str, Any], waiting: list[str]) -> dict[str, Any]:
    if len(waiting) == 1:
        (name,) = waiting
        answer[name] = await answer[name]
    else:
        values: list[Any] = await gather_with_cancel(*(answer[name] for name in waiting))
        answer.update(zip(waiting, values, strict=True))
    return answer


def compiled_executor(*, types_by_class: bool = False) -> type[CompiledExecutor]:
    """Make an executor class for one schema, with its own memory of what was compiled.

    Args:
        types_by_class: Whether all `is_type_of` and `resolve_type` of the schema tell the same for objects of the same
            Python class; then they are asked once.
    """
    return type(
        "CompiledExecutor", (CompiledExecutor,), {"known_plans": KnownPlans(), "types_by_class": types_by_class}
    )
