"""Serve the page on which a question is marked: on this machine alone, to whoever has the address with its token."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import secrets
import signal
import webbrowser
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from markupsafe import Markup
from sqlalchemy.exc import DatabaseError
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler

from autograder.course.errors import CourseError
from autograder.course.nbgrader_api import unusable
from autograder.manual.desk import PATIENCE, Desk
from autograder.manual.saving import Refused
from autograder.pages.layout import template
from autograder.pages.text import as_html

LOOPBACK = "127.0.0.1"
LARGEST = 2 << 20  # bytes of a request


def serve(desk: Desk, port: int, browser: bool) -> None:
    """Serve until Ctrl-C. port: 0 for one that is free. Raises CourseError where it is taken."""
    try:
        sockets = bind_sockets(port, LOOPBACK)
    except OSError as error:
        raise CourseError(f"port {port} cannot be used ({error.strerror}): choose another by --port") from None
    port, token = sockets[0].getsockname()[1], secrets.token_urlsafe(24)
    address = f"http://{LOOPBACK}:{port}/?token={token}"

    async def run() -> None:
        server = HTTPServer(application(desk, token, port), max_buffer_size=LARGEST)
        server.add_sockets(sockets)
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        print(f"marking {desk.question.name} at {address}")
        if hub := os.environ.get("JUPYTERHUB_SERVICE_PREFIX"):
            print(f"on the hub, with jupyter-server-proxy: {hub}proxy/{port}/?token={token}")
        print("Ctrl-C ends it; what the page calls saved is in the gradebook", flush=True)
        if browser:
            webbrowser.open(address)
        await ended.wait()
        server.stop()

    asyncio.run(run())


def application(desk: Desk, token: str, port: int) -> Application:
    """The page and what it asks for. Names of cookies hold the port: hosts share cookies between ports."""
    return Application(
        [(r"/", Page), (r"/state", State), (r"/answer", Answer), (r"/save", Save), (r"/apart", Apart)],
        desk=desk,
        token=token,
        cookie=f"marking-{port}",
        xsrf_cookies=True,
        xsrf_cookie_name=f"marking-xsrf-{port}",
        xsrf_cookie_kwargs={"path": "", "httponly": True, "samesite": "Strict"},
        log_function=lambda handler: None,
    )


class Guarded(RequestHandler):
    """Answers whoever has the token; what it says is read by our page alone."""

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")  # the first address holds the token
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")

    def prepare(self) -> None:
        """Refuse requests without the token: in the first address, then in a cookie."""
        given = self.get_query_argument("token", "") or self.get_cookie(self.settings["cookie"], "")
        if not hmac.compare_digest(given.encode(), self.settings["token"].encode()):
            raise HTTPError(403)

    def write_error(self, status_code: int, **_: Any) -> None:
        """One sentence, never a traceback."""
        told = {403: "This page needs the whole address that `course mark` has printed."}
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(told.get(status_code, f"{self._reason}."))

    async def answer(self, call: Callable[[], Any]) -> None:
        """Send what a call returns, which may wait for the gradebook: in a thread, so that others are not held up."""
        try:
            self.finish(json.dumps(await IOLoop.current().run_in_executor(None, call)))
        except Refused as refused:
            self.set_status(409)
            self.finish({"told": str(refused)})
        except (DatabaseError, CourseError) as error:
            self.set_status(503)
            self.finish({"told": _sentence(error)})


class Page(Guarded):
    """The page; it brings the cookie."""

    def get(self) -> None:
        desk: Desk = self.settings["desk"]
        self.set_cookie(
            self.settings["cookie"], self.settings["token"], path="", httponly=True, samesite="Strict"
        )  # without a path: for the folder of the address, which on a hub is not this server's root
        question, nonce = desk.question, secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; "
            "connect-src 'self'; form-action 'none'; base-uri 'none'"
        )
        self.set_header("Content-Security-Policy", f"{policy}; frame-ancestors 'none'")
        script = files("autograder.manual").joinpath("templates", "mark.js").read_text(encoding="utf-8")
        self.finish(
            template("mark.html.j2", "autograder.manual").render(
                question=question,
                points=desk.points,
                text=as_html(question.text, course=True)[0],
                answer=as_html(question.rubric.answer, course=True)[0],
                notes=as_html(question.rubric.notes, course=True)[0],
                items=[(item, as_html(item.text, course=True)[0]) for item in question.rubric.items],
                nonce=nonce,
                policy=policy,
                script=Markup(script),
                xsrf=self.xsrf_token.decode(),
            )
        )


class State(Guarded):
    """All groups with their marks."""

    async def get(self) -> None:
        browser, shown = self.get_query_argument("browser"), self.get_query_argument("open", "")
        await self.answer(lambda: self.settings["desk"].state(browser, shown))


class Answer(Guarded):
    """One answer's text."""

    async def get(self) -> None:
        wanted = self.get_query_argument("id")
        await self.answer(lambda: self.settings["desk"].answer(wanted))


class Save(Guarded):
    """Marks to save."""

    async def post(self) -> None:
        wanted = _body(self)

        def call() -> dict[str, Any]:
            state, told = self.settings["desk"].save(wanted["marks"], str(wanted["browser"]))
            return {"state": state, "told": told}

        await self.answer(call)


class Apart(Guarded):
    """An answer to be taken out of its group."""

    async def post(self) -> None:
        wanted = _body(self)
        await self.answer(lambda: self.settings["desk"].take_out(str(wanted["member"]), str(wanted["browser"])))


def _body(handler: RequestHandler) -> dict[str, Any]:
    try:
        body = json.loads(handler.request.body)
    except ValueError:
        raise HTTPError(400) from None
    if not (isinstance(body, dict) and "browser" in body and ("member" in body or isinstance(body.get("marks"), list))):
        raise HTTPError(400)
    return body


def _sentence(error: Exception) -> str:
    """Why the gradebook could not be used, for the page."""
    if isinstance(error, CourseError):
        return f"{error}."
    if "locked" in str(error):
        return f"Another process has held the gradebook for {PATIENCE} s. Nothing is lost: try again when it has ended."
    told = unusable(error)
    return f"{told[:1].upper()}{told[1:]}. Nothing is lost."
