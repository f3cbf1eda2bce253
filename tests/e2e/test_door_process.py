"""The process keeps the limits of its connections, and does not tell what it is made of."""

import json
import socket
from urllib.parse import urlsplit

import httpx
from processes import listening_url, running


def said_to(url: str, sent: bytes) -> str:
    """What is answered until the connection is closed."""
    at = urlsplit(url)
    answer = b""
    with socket.create_connection((at.hostname, at.port), timeout=30) as connection:
        connection.sendall(sent)
        while part := connection.recv(65536):
            answer += part
    return answer.decode()


def test_a_process_answers_what_is_no_request_and_tells_no_server() -> None:
    query = {"query": "{ __typename }"}
    with running("serve", "--port", "0", CONFGRAPH_LIMITS__MAX_BODY_KB="1") as process:
        url = listening_url(process)
        for sent in (b"nonsense\r\n\r\n", b"GET /" + b"x" * 40_000):
            head, _, body = said_to(url, sent).partition("\r\n\r\n")
            assert head.startswith("HTTP/1.1 400")
            extensions = json.loads(body)["errors"][0]["extensions"]
            assert extensions["code"] == "BAD_USER_INPUT"
            assert f"x-request-id: {extensions['requestId']}" in head
            assert "uvicorn" not in head
        with httpx.Client(base_url=url) as http:
            assert http.get("/graphql", params={**query, "extensions": f'{{"a": "{"x" * 30_000}"}}'}).status_code == 200
            reply = http.post("/graphql", json={**query, "extensions": {"a": "x" * 2000}})
            assert reply.status_code == 413
            reply = http.post("/graphql", json=query)
            assert reply.json()["data"] == {"__typename": "Query"}
            assert "server" not in reply.headers
