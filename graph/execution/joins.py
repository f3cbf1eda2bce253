"""Fills in what compiled functions left open in the answers of rows, and nulls what cannot be without it."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol

from graphql import GraphQLNonNull, GraphQLOutputType, Undefined
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.executor import to_nodes
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path, gather_with_cancel
from strawberry.types.arguments import convert_arguments

from graph.execution.compiler import Compiled
from graph.execution.holes import Batch, Hole, Place

Answers = list[Any]


class JoiningExecutor(Protocol):
    """What is needed of the executor, beside what graphql-core's has."""

    def items(self, kind: GraphQLOutputType, fields: FieldDetailsList, count: int) -> Compiled | None:
        """What answers values of a kind."""


class Joins:
    """The holes in the answers of some rows.

    Args:
        executor: Completes what is not plain.
        compiled: What the answers come from.
        kind: The type of the rows.
        answered: The answers and their places.
        path: Where a row stands in the whole answer, by its number.
        refuse: Given an error and the number of a row: nulls what is around a row that cannot be null, or raises it.
    """

    def __init__(  # noqa: PLR0917 - all of it is the list's
        self,
        executor: Any,
        compiled: Compiled,
        kind: GraphQLOutputType,
        answered: tuple[Answers, list[tuple[Any, ...]]],
        path: Callable[[int], Path],
        refuse: Callable[[Exception, int], None],
    ) -> None:
        self._executor: Executor[Any] = executor
        self._joining: JoiningExecutor = executor
        self._holes = compiled.holes
        self._is_required = isinstance(kind, GraphQLNonNull)
        self._answers, places = answered
        if len(self._holes) > 1:
            places.sort(key=lambda place: place[:2])  # as they would be met one by one
        self._places = [Place(*place) for place in places]
        self._path = path
        self._refuse = refuse

    def fill(self) -> Answers | Awaitable[Answers]:
        """Fill in all of them, at the same time."""
        context = self._executor.context_value
        asked: dict[int, tuple[Batch, list[Place]]] = {}
        for number, hole in enumerate(self._holes):
            if hole.batch and all(is_open(context) for is_open in hole.batch.conditions):
                asked[number] = hole.batch, []
        waiting: list[Coroutine[Any, Any, None]] = []
        try:
            for place in self._places:
                if place.hole in asked:
                    asked[place.hole][1].append(place)
                elif self._answers[place.row] is not None:
                    value = self._execute(self._holes[place.hole], place)
                    if self._executor.is_awaitable(value):
                        waiting.append(self._settle(value, self._holes[place.hole], place))
        except Exception:
            self._executor.settle_in_background(list(waiting))
            raise
        waiting += [self._ask(self._holes[number], *batch) for number, batch in asked.items() if batch[1]]
        return self._filled(waiting) if waiting else self._answers

    async def _filled(self, waiting: Sequence[Awaitable[None]]) -> Answers:
        await _all(waiting)
        return self._answers

    def _execute(self, hole: Hole, place: Place) -> Any:
        """Have graphql-core fill in a hole; what it has to wait for comes back."""
        path = self._path_of(hole, place)
        try:
            value = self._executor.execute_field(hole.owner, place.source, hole.fields, path, None)
        except Exception as error:  # noqa: BLE001 - told where it belongs
            self._null(error, hole, place)
            return None
        if value is Undefined:  # the schema has no such field
            del place.target[hole.name]
        else:
            place.target[hole.name] = value
        return value

    async def _settle(self, value: Awaitable[Any], hole: Hole, place: Place) -> None:
        try:
            place.target[hole.name] = await value
        except Exception as error:  # noqa: BLE001 - told where it belongs
            self._null(error, hole, place)

    # ---- many at once ---------------------------------------------------------------------------

    async def _ask(self, hole: Hole, batch: Batch, places: Sequence[Place]) -> None:
        """Fill in one hole of all rows."""
        definition = self._executor.schema.get_field(hole.owner, hole.fields[0].node.name.value)
        kind = definition.type  # type: ignore[union-attr]  # it has a batch
        values = await self._find(hole, batch, places)
        answers = await self._answer(hole, kind, places, values)
        if answers is None:
            completed = [
                self._executor.complete_awaitable_value(
                    kind, hole.fields, self._info(hole, place), self._path_of(hole, place), _tell(value), None
                )
                for place, value in zip(places, values, strict=True)
            ]
            await _all([self._settle(value, hole, place) for value, place in zip(completed, places, strict=True)])
            return
        for place, answer in zip(places, answers, strict=True):
            place.target[hole.name] = answer

    async def _find(self, hole: Hole, batch: Batch, places: Sequence[Place]) -> Sequence[Any]:
        """What is there, and an exception where there is none."""
        info = self._info(hole, places[0])
        first = hole.fields[0]
        try:
            given = get_argument_values(
                info.parent_type.fields[info.field_name],
                first.node,
                self._executor.variable_values,
                first.fragment_variable_values,
                self._executor.hide_suggestions,
            )
            schema = info.schema._strawberry_schema  # noqa: SLF001 - as Strawberry's own Info has it
            registry = schema.schema_converter.scalar_registry
            asked = schema.config.info_class(_raw_info=info, _field=batch.field)
            arguments = convert_arguments(given, batch.field.arguments, registry, schema.config, asked)
            found = await batch.ask([place.source for place in places], asked, **arguments)
        except Exception as error:  # noqa: BLE001 - told at each row
            return [error] * len(places)
        for look in batch.looks:
            found = [_looked(look, value, info) for value in found]
        return found

    async def _answer(
        self, hole: Hole, kind: GraphQLOutputType, places: Sequence[Place], values: Sequence[Any]
    ) -> Answers | None:
        """Answer values at once; None where not all of them are plain."""
        compiled = self._joining.items(kind, hole.fields, len(values))
        if compiled is None:
            return None
        try:
            answered = compiled.answer(values, self._executor.context_value)
        except Exception:  # noqa: BLE001 - whatever it is, graphql-core finds it too, and tells it
            return None
        if not compiled.holes:
            return answered  # type: ignore[no-any-return]

        def path(row: int) -> Path:
            return self._path_of(hole, places[row])

        def refuse(error: Exception, row: int) -> None:
            self._null(error, hole, places[row])

        filled = Joins(self._executor, compiled, kind, answered, path, refuse).fill()
        return filled if isinstance(filled, list) else await filled

    def _info(self, hole: Hole, place: Place) -> Any:
        definition: Any = self._executor.schema.get_field(hole.owner, hole.fields[0].node.name.value)
        path = self._path_of(hole, place)
        return self._executor.build_resolve_info(definition, to_nodes(hole.fields), hole.owner, path)

    # ---- where ----------------------------------------------------------------------------------

    def _path_of(self, hole: Hole, place: Place) -> Path:
        return Path(self._path_to(hole, place.row, len(hole.way)), hole.name, hole.owner.name)

    def _path_to(self, hole: Hole, row: int, steps: int) -> Path:
        path = self._path(row)
        for step in hole.way[:steps]:
            path = Path(path, step.name, step.owner)
        return path

    def _null(self, error: Any, hole: Hole, place: Place) -> None:
        """Tell an error of a field that cannot be null, and null the nearest thing around it that can."""
        answers, key = self._answers, place.row
        if answers[key] is None:
            return
        nullable: tuple[Any, Any, int] | None = None if self._is_required else (answers, key, 0)
        target = answers[key]
        for number, step in enumerate(hole.way, 1):
            if not step.is_required:
                nullable = target, step.name, number
            target = target[step.name]
            if target is None:
                return
        if nullable is None:
            self._refuse(error, place.row)
            return
        target, key, steps = nullable
        self._executor.collected_errors.add(error, self._path_to(hole, place.row, steps))
        target[key] = None


async def _all(waiting: Sequence[Awaitable[None]]) -> None:
    if len(waiting) == 1:
        await waiting[0]
    else:
        await gather_with_cancel(*waiting)


async def _tell(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


def _looked(look: Callable[[Any, Any], Any], value: Any, info: Any) -> Any:
    if isinstance(value, Exception):
        return value
    try:
        return look(value, info)
    except Exception as error:  # noqa: BLE001 - told at its row
        return error
