"""Comparing the shape of a body with documented ones."""

from typing import Any


def misfits(body: Any, documented: list[Any], path: str = "$") -> list[str]:
    """Where keys or JSON types differ. A row may lack what some documented rows lack, and have what any of them has."""
    alike = [example for example in documented if type(example) is type(body)]
    if not alike:
        return [f"{path}: {type(body).__name__}, documented {sorted({type(e).__name__ for e in documented})}"]
    if isinstance(body, list):
        elements = [element for example in alike for element in example]
        return [fault for i, item in enumerate(body) for fault in misfits(item, elements, f"{path}[{i}]")]
    if not isinstance(body, dict):
        return []
    missing = set.intersection(*(set(example) for example in alike)) - set(body)
    faults = [f"{path}: without {key}" for key in sorted(missing)]
    for key, value in body.items():
        faults += misfits(value, [example[key] for example in alike if key in example], f"{path}.{key}")
    return faults
