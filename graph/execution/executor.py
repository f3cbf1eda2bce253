"""The executor: answers from compiled functions what is plain, and leaves the rest to graphql-core."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar, TypeVar
from weakref import proxy

from graphql import (
    GraphQLError,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLResolveInfoHelpers,
    OperationType,
    Undefined,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet, collect_fields
from graphql.pyutils import Path, gather_with_cancel
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graph.execution.compiler import Compiled, compile_items, compile_object
from graph.execution.joins import Joins
from graph.execution.objects import DICT, STRUCT, Form
from graph.execution.plans import KnownPlans, Way

T = TypeVar("T")

WORTH_ROWS = 16  # so many rows take longer to answer one by one than to be compiled


class StockExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes one operation as graphql-core does, but that neither it nor events of a subscription stay in memory.

    Attributes:
        is_for_bytes: Whether the answer will only be encoded, by msgspec: what is below its root may be structs then.
    """

    is_for_bytes = False

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
        plans = self.known_plans.of(self.operation, self.fragment_definitions)
        self._way: Way | None = None  # where anything is unusual, all is left to graphql-core
        has_middleware = self.middleware_manager and self.middleware_manager.middlewares
        if plans.is_usual and not (self.abort_signal or self.hooks or has_middleware):
            self._way = plans.way(self.variable_values.coerced)
            self._relevant_sub_fields = self._way.collected

    def build_per_event_executor(self, payload: Any) -> Any:
        """Make what executes one event."""
        executor = super().build_per_event_executor(payload)
        if self._way:
            executor._relevant_sub_fields = self._way.collected  # noqa: SLF001 - a copy of this one
        return executor

    def execute_operation(self, serially: bool | None = None) -> Any:
        """Execute the operation by what is known of it."""
        kind = self.operation.operation
        root = self.schema.get_root_type(kind)
        if self._way is None or root is None:
            return super().execute_operation(serially)

        def collect() -> GroupedFieldSet:
            return collect_fields(
                self.schema, self.fragments, self.variable_values, root, self.operation, self.hide_suggestions
            ).grouped_field_set

        try:
            roots = self._way.roots(collect)
        except (GraphQLError, RecursionError):  # graphql-core finds it too, and tells it
            return super().execute_operation(serially)
        if serially is None:
            serially = kind is OperationType.MUTATION
        try:
            data: Any = self.execute_root_grouped_field_set(root, self.root_value, roots, serially, None)
        except GraphQLError as error:
            return self._refused(error)
        return self._responded(data) if self.is_awaitable(data) else self.build_response(data)

    async def _responded(self, data: Awaitable[dict[str, Any]]) -> Any:
        try:
            return self.build_response(await data)
        except GraphQLError as error:
            return self._refused(error)

    def _refused(self, error: GraphQLError) -> Any:
        self.collected_errors.add(error, None)
        return self.build_response(None)

    def with_abort_signal(self, awaitable: Awaitable[T]) -> Any:
        """What ends when a signal is given; where there is none, nothing comes between."""
        return super().with_abort_signal(awaitable) if self.abort_signal else awaitable

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
        if type(result) in (list, tuple):
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
        if source_value is not None:
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
            return compile_items(self, kind, fields, self._form, types_by_class=self.types_by_class)

        return self._look_up(kind, fields, make, is_worth_it=count >= WORTH_ROWS)

    def _object(self, kind: GraphQLObjectType, grouped: GroupedFieldSet) -> Compiled | None:
        def make() -> Compiled | None:
            return compile_object(self, kind, grouped, self._form, types_by_class=self.types_by_class)

        return self._look_up(kind, grouped, make, is_worth_it=False)

    @property
    def _form(self) -> Form:
        return STRUCT if self.is_for_bytes else DICT

    def _look_up(
        self, kind: GraphQLOutputType, selected: object, make: Callable[[], Compiled | None], *, is_worth_it: bool
    ) -> Compiled | None:
        if self._way is None:
            return None
        try:
            compiled = self._way.get(kind, selected, self.is_for_bytes, make, is_worth_it=is_worth_it)
        except KeyError:
            return None
        is_open = compiled and all(is_open(self.context_value) for is_open in compiled.conditions)
        return compiled if is_open else None


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
