"""The HTTP side: an asyncio protocol over h11, light enough to stand beside what it measures.

`Simulator` runs the server in a thread of this process; `run` in this thread until cancelled.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from typing import Any

import h11

from domain.errors import OutsideError, TrainyardError
from infra.llm_simulator import wire
from infra.llm_simulator.answering import Desk
from infra.llm_simulator.asked import Style
from infra.llm_simulator.behaviour import Behaviour, behaviour_of
from infra.llm_simulator.wire import Response

log = logging.getLogger(__name__)

MOST_BYTES = 16 * 2**20
"""The longest body that is read."""
_NO_DELAY = 0.0005


class _Connection(asyncio.Protocol):
    """One client's connection: requests come one after the other, as in HTTP/1.1 without pipelining."""

    def __init__(self, desk: Desk, open_connections: set[_Connection]) -> None:
        self._desk = desk
        self._open = open_connections
        self._http = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._waiting: asyncio.TimerHandle | None = None
        self._counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._open.add(self)
        self._desk.tally.n_connections += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._open.discard(self)
        if self._waiting is not None:
            self._waiting.cancel()
        self._done()

    def close(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._read()

    def eof_received(self) -> bool:
        return False

    def _read(self) -> None:
        try:
            while True:
                event = self._http.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    return
                self._take(event)
        except h11.RemoteProtocolError:
            self._transport.close()

    def _take(self, event: Any) -> None:
        if isinstance(event, h11.Request):
            self._head = event
            self._body.clear()
            if self._http.they_are_waiting_for_100_continue:
                self._send(h11.InformationalResponse(status_code=100, headers=[]))
        elif isinstance(event, h11.Data):
            self._body += event.data
            if len(self._body) > MOST_BYTES:
                self._transport.abort()
        elif isinstance(event, h11.EndOfMessage):
            self._answer()
        elif isinstance(event, h11.ConnectionClosed):
            self._transport.close()

    def _answer(self) -> None:
        head = self._head
        if head is None:
            return
        headers = dict(head.headers)
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        key = authorization.removeprefix("Bearer ").strip()
        path = head.target.decode("latin-1").split("?")[0].rstrip("/")
        response = self._route(head.method.decode(), path, key)
        if response.fate == "hang":
            return
        if response.seconds > _NO_DELAY:
            loop = asyncio.get_running_loop()
            self._waiting = loop.call_later(response.seconds, self._respond, response)
        else:
            self._respond(response)

    def _route(self, method: str, path: str, key: str) -> Response:
        if path.startswith("/control/"):
            return self._control(method, path)
        tally = self._desk.tally
        style = _style(path)
        self._counted = True
        if path.endswith("/chat/completions"):
            tally.begin("chat", key)
        else:
            tally.begin("models" if path.endswith("/models") else "other", key)
        response = self._endpoint(method, path, style, key)
        tally.by_outcome[response.outcome] += 1
        if response.fate == "sent":
            tally.by_status[response.status] += 1
        return response.with_headers({"x-request-id": f"req_{tally.received:012x}"})

    def _endpoint(self, method: str, path: str, style: Style, key: str) -> Response:
        desk = self._desk
        if path.endswith("/chat/completions"):
            if method != "POST":
                return wire.error(405, f"Method {method} is not allowed here.", "wrong_method")
            now = asyncio.get_running_loop().time()
            try:
                return desk.answer(bytes(self._body), style, key, now, time.time())
            except Exception:
                # A responder's own fault: without an answer its client would wait for ever.
                log.exception("the simulator could not answer a request")
                return wire.error(500, "The simulator itself failed: see its log.", "simulator_failed")
        if path.endswith("/models"):
            it = desk.behaviour
            return desk.refused_key(key) or wire.models(it.models, it.retiring, style)
        return wire.error(404, f"Unknown request URL: {method} {path}.", "unknown_url", "unknown_url")

    def _control(self, method: str, path: str) -> Response:
        if path == "/control/counts":
            return Response(200, json.dumps(self._desk.tally.shown()).encode(), "control")
        if path == "/control/behaviour" and method == "POST":
            try:
                options = json.loads(bytes(self._body))
                behaviour = behaviour_of(options, over=self._desk.behaviour)
            except (TrainyardError, ValueError, TypeError) as error:
                return wire.error(400, str(error), "control")
            self._desk.behave(behaviour, asyncio.get_running_loop().time())
            return Response(200, b"{}", "control")
        return wire.error(404, f"{path} is no control: /control/counts, /control/behaviour.", "control")

    def _respond(self, response: Response) -> None:
        self._waiting = None
        self._done()
        if self._transport.is_closing():
            return
        if response.fate == "drop_before":
            self._transport.close()
            return
        headers = {
            "content-type": response.content_type,
            "content-length": str(len(response.body)),
            **response.headers,
        }
        head = h11.Response(status_code=response.status, headers=list(headers.items()))
        if response.fate == "drop_in_body":
            self._send(head, h11.Data(data=response.body[: len(response.body) // 2]))
            self._transport.close()
            return
        self._send(head, h11.Data(data=response.body), h11.EndOfMessage())
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            self._read()
        elif self._http.our_state is h11.MUST_CLOSE:
            self._transport.close()

    def _send(self, *events: Any) -> None:
        # One write: a head and a body in two small packets would wait for each other.
        self._transport.write(b"".join(self._http.send(event) or b"" for event in events))

    def _done(self) -> None:
        if self._counted:
            self._counted = False
            self._desk.tally.end()


def _style(path: str) -> Style:
    if "/openai/v1/" in path:
        return "groq"
    return "openai" if path.startswith("/v1/") else "deepseek"


async def listen(desk: Desk, host: str, port: int) -> tuple[asyncio.Server, set[_Connection]]:
    """A server that accepts connections, and those that are open. Raises OutsideError for a taken port."""
    open_connections: set[_Connection] = set()
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(
            lambda: _Connection(desk, open_connections), host, port, backlog=1024
        )
    except OSError as error:
        raise OutsideError(
            f"port {port} of {host} cannot be used ({error.strerror}): take another"
        ) from error
    return server, open_connections


class Simulator:
    """A server in a thread of this process, on a port of the loopback that the system chose.

    Counts and behaviour are changed and read in the server's own thread, so they are never half-done.
    """

    def __init__(self, behaviour: Behaviour | None = None, port: int = 0) -> None:
        self._behaviour = behaviour or Behaviour()
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._serve, name="llm-simulator", daemon=True)

    def start(self) -> Simulator:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    @property
    def port(self) -> int:
        return self._port

    @property
    def root_url(self) -> str:
        """Where DeepSeek's paths begin, and what the groq SDK takes for its base."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        """For the openai SDK."""
        return f"{self.root_url}/v1"

    @property
    def groq_url(self) -> str:
        """Groq's wire format for the openai SDK; the groq SDK adds the path to `root_url` itself."""
        return f"{self.root_url}/openai/v1"

    def counts(self) -> dict[str, Any]:
        """See `Tally.shown`."""
        return dict(self._in_loop(self._desk.tally.shown))

    def set(self, **options: Any) -> None:
        """Changes the behaviour from now on; what is not named stays."""
        behaviour = behaviour_of(options, over=self._desk.behaviour)
        self._in_loop(lambda: self._desk.behave(behaviour, self._loop.time()))

    def stop(self) -> None:
        """Ends the server; requests that it has not answered are cut off."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join()

    def _in_loop(self, call: Any) -> Any:
        async def called() -> Any:
            return call()

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result(30)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._until_stopped())
        except Exception as error:  # raised again by start(), in the thread of whoever called it
            self._failure = error
        finally:
            self._ready.set()
            self._loop.close()

    async def _until_stopped(self) -> None:
        self._stopped = asyncio.Event()
        self._desk = Desk(self._behaviour, self._loop.time())
        server, connections = await listen(self._desk, "127.0.0.1", self._port)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()
        server.close()
        for connection in list(connections):
            connection.close()
        # One turn of the loop, in which the connections are taken leave of.
        await asyncio.sleep(0)
