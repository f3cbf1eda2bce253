"""Cursors as tests make them."""

from graph.paging.cursor import Cursor, CursorWriter


def encode_cursor(cursor: Cursor, scope: str) -> str:
    """The text of a cursor of one list, whose writer has nothing but it to write."""
    return CursorWriter(scope, cursor.window, cursor.began, up=cursor.up).write(cursor)
