"""Every page that people open, in Chromium, for submissions that write markup wherever they can: nothing of it acts."""

from __future__ import annotations

import base64
import http.server
import json
import threading

import jinja2
import pytest
from nbconvert.filters.markdown_mistune import IPythonRenderer
from nbgrader.api import Gradebook

from autograder.intake.outputs import Tamer
from autograder.pages import safe_pages
from tests.attacks.attacks import DOUBLE, HALVE
from tests.attacks.courses import NEEDS_ISOLATION, course_for, graded_by, hand_in, runs
from tests.browser import chromium_page, jupyter_server

pytestmark = pytest.mark.browser
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
STOLEN = "stolen"
STUDENTS = ("attacker", "crafted", "twin", "neighbour")


class Listener(http.server.BaseHTTPRequestHandler):
    """Notes every request that reaches it."""

    came: list[str] = []

    def do_GET(self) -> None:
        """Note it, and answer nothing."""
        self.came.append(self.path)
        self.send_response(204)
        self.end_headers()

    do_POST = do_HEAD = do_OPTIONS = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def away():
    """The address of a server elsewhere, which no page may ask."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def markup(away: str, where: str) -> str:
    """HTML that acts in many ways; `where` it was written stands in each address that it asks for."""
    url = f"{away}/{where}"
    act = f"document.title='{STOLEN}';new Image().src='{url}-script'"
    return "\n".join((
        f"<script>{act}</script>",
        f'"><img src=x onerror="{act}">',
        f'\'><svg onload="{act}"></svg>',
        f"</script></style></title></pre></textarea><script>{act}</script>",
        f'<iframe srcdoc="&lt;script&gt;parent.{act}&lt;/script&gt;"></iframe>',
        f'<img src="{url}-picture" srcset="{url}-srcset 1x">',
        f"<link rel=stylesheet href={url}-link><style>@import '{url}-import';body{{background:url({url}-css)}}</style>",
        f'<form id=sent action="{url}-form" method=post><input name=a></form><script>sent.submit()</script>',
        f"<object data={url}-object></object><video poster={url}-poster></video><audio src={url}-audio></audio>",
        f'<input autofocus onfocus="{act}"><details open ontoggle="{act}"><summary>a</summary></details>',
        f'<base href="{url}-base/"><img src=relative>',
    ))  # fmt: skip


def refresh(away: str, where: str) -> str:
    """HTML that leaves the page."""
    return f'<meta http-equiv=refresh content="0;url={away}/{where}-refresh">'


def answer(away: str) -> str:
    """A written answer with whatever Markdown, Mermaid and TeX offer."""
    act, html = f"document.title='{STOLEN}'", markup(away, "answer") + refresh(away, "answer")
    flat, parts = html.replace("\n", ""), []
    parts += [
        html,
        f"`{flat}`",
        f"| a | b |\n|---|---|\n| {flat} | {flat} |",
        f"> {flat}",
        f"- [ ] {flat}",
        f"# {flat}",
    ]
    parts += [f"```{info}\n{html}\n```" for info in ("", "html", "mermaid", "mermaid x", 'a"onload="', "python")]
    parts.append(
        f'```mermaid\n%%{{init: {{"securityLevel": "loose"}}}}%%\ngraph TD\nA[{flat}]\nclick A "javascript:{act}"\n```'
    )
    parts += [
        f"[a]({url}{act})" for url in ("javascript:", " JaVaScRiPt:", "data:text/html,<script>", "vbscript:", "//")
    ]
    parts += [f"<javascript:{act}>", f"[a]: javascript:{act}\n\n[a]", f'[b](http://example.org/" onmouseover="{act})']
    parts += [f'[c](https://example.org "\\"onmouseover={act}")', f"![d]({away}/markdown-picture)"]
    parts += [f"![e](attachment:{name})" for name in ("evil.svg", "lie.png", "a")]
    parts += [
        f"![f](data:image/svg+xml;base64,{base64.b64encode(html.encode()).decode()})",
        f"~~{flat}~~",
        f"a\n: {flat}",
    ]
    parts += [f"$\\href{{javascript:{act}}}{{x}}$", f"$$ {html} $$", f"\\begin{{a}} {html} \\end{{a}}", f"$ {flat} $"]
    return "\n\n".join(parts)


def kernel(away: str) -> str:
    """Code that sends markup in every message that a kernel can send, and then raises some."""
    return f"""
import json
from IPython.display import Markdown, display
M = {markup(away, "kernel") + refresh(away, "kernel")!r}
print(M + "\\x1b[31m" + M + "\\x1b]8;;javascript:alert(1)\\x07" + "\\x1b[38;2;1;2;\\"><script>m")
for kind in ("text/html text/markdown text/latex text/plain image/svg+xml image/png image/jpeg application/javascript "
             "application/pdf text/vnd.mermaid application/vnd.jupyter.widget-view+json " + M.split()[0]).split(" "):
    display({{kind: M, "text/plain": M}}, raw=True, metadata={{kind: {{"width": M, "alt": M, "isolated": True}}}})
shell = get_ipython()
for kind, content in {{
    "execute_result": {{"execution_count": M, "data": {{"text/plain": M, "text/html": M}}, "metadata": {{"a": M}}}},
    "execute_input": {{"execution_count": M, "code": M}},
    "error": {{"ename": M, "evalue": M, "traceback": [M, {{"a": M}}, M]}},
    "stream": {{"name": M, "text": M}},
    "display_data": {{"data": {{"image/png": M, "image/jpeg": [M]}}, "metadata": M, "transient": {{"display_id": M}}}},
    "update_display_data": {{"data": {{"text/html": M}}, "transient": {{"display_id": M}}}},
}}.items():
    try:
        shell.kernel.session.send(shell.kernel.iopub_socket, kind, content, parent=shell.kernel.get_parent())
    except Exception as error:
        print(error)
raise type(M, (Exception,), {{}})(M)
"""


def crafted(notebook: dict, away: str) -> None:
    """Put markup into a graded notebook, wherever there is a field, of the right type or another."""
    html = markup(away, "crafted") + refresh(away, "crafted")
    kinds = ("text/html", "text/markdown", "text/latex", "text/plain", "image/svg+xml", "application/javascript", "a/b")
    lies = {"image/png": html, "image/jpeg": base64.b64encode(html.encode()).decode(), html: html}
    made = [{"output_type": kind, "data": {one: html}, "metadata": {}} for kind in ("display_data",) for one in kinds]
    made += [
        {"output_type": "display_data", "data": lies | {"image/gif": html}, "metadata": {"image/png": {"alt": html}}}
    ]
    made += [{"output_type": "error", "ename": html, "evalue": html, "traceback": [html]}, {"output_type": html}]
    made += [
        {"output_type": "stream", "name": html, "text": html},
        {"output_type": "stream", "name": "stdout", "text": 1},
    ]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            for output in cell["outputs"]:
                output["execution_count"] = html
                output["metadata"] = {"filenames": {"image/png": html}}
            for output in (one for one in cell["outputs"] if "text/html" in one.get("data", {})):
                output["data"]["text/html"] = html + "".join(output["data"]["text/html"])
            cell["outputs"] = made + cell["outputs"]
            cell["execution_count"] = html
        cell["id"] = html
        cell["metadata"] |= {
            "tags": [html],
            "magics_language": html,
            "alt": html,
            "transient": html,
            "course_text": True,
        }
        cell["metadata"].get("nbgrader", {})["points"] = html
    for kind in ("markdown", "raw", "code", "x"):
        more = {"outputs": [], "execution_count": None} if kind == "code" else {}
        for metadata in ({"course_text": True}, {"nbgrader": {"grade_id": html, "solution": False}}):
            notebook["cells"].append({"cell_type": kind, "id": kind, "source": html, "metadata": metadata, **more})
    language = {"name": html, "pygments_lexer": html}
    notebook["metadata"] |= {"title": html, "widgets": {html: html}, "language_info": language, "kernelspec": language}
    notebook["metadata"].setdefault("course", {})["repairs"] = [html]


@pytest.fixture(scope="module", params=runs("pages")[:1])  # the pages are made in one way, whoever has graded
def course(request, tmp_path_factory, away):
    """A class with an attacker and a neighbour of an odd name, graded, and a notebook crafted in autograded/."""
    course = course_for(request.param, tmp_path_factory.mktemp("pages") / "course")
    hand_in(course, "neighbour", {"double": DOUBLE, "halve": HALVE, "why": f"**Because** $1 = 2 / 2$.\n\n# {STOLEN}"})
    hand_in(course, "crafted", {"double": DOUBLE, "halve": HALVE})
    own = "\n".join(f"# {line}" for line in markup(away, "code").split("\n")) + "\n" + HALVE
    path = hand_in(course, "attacker", {"double": DOUBLE + kernel(away), "halve": own, "why": answer(away)})
    hand_in(course, "twin", {"double": DOUBLE + kernel(away), "halve": own})
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        cell["attachments"] = {
            "evil.svg": {"image/svg+xml": base64.b64encode(markup(away, "svg").encode()).decode()},
            "lie.png": {"image/png": f'"><script>{markup(away, "attachment")}</script>'},
            f'"><script>document.title="{STOLEN}"</script>': {"image/png": PNG},
            "a": {f'image/png"><script>document.title="{STOLEN}"</script>': PNG},
        }
    notebook["metadata"]["title"] = markup(away, "metadata")
    path.write_text(json.dumps(notebook))
    (path.parent / f'"><img src=x onerror="document.title=\'{STOLEN}\'">.txt').write_text("a")
    neighbour = course.submitted("neighbour")
    pasted = json.loads(neighbour.read_text())
    for cell in pasted["cells"]:
        if cell["id"] == "why":
            cell["source"] = "".join(cell["source"]) + "\n\n![pasted](attachment:image.png)"
            cell["attachments"] = {"image.png": {"image/png": PNG}}
    neighbour.write_text(json.dumps(pasted))
    done = graded_by(request.param, course)
    assert done.returncode == 0, done.stderr[-3000:]
    graded = course.root / "autograded" / "crafted" / course.name / f"{course.name}.ipynb"
    graded.chmod(0o644)
    notebook = json.loads(graded.read_text())
    crafted(notebook, away)
    graded.write_text(json.dumps(notebook))
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        for student in ("attacker", "crafted"):  # as the roster of another system may call them
            first, last, email = (markup(away, part) + refresh(away, part) for part in ("first", "last", "email"))
            gradebook.update_or_create_student(student, first_name=first, last_name=last, email=email)
    course.feedback()
    for command in (("report",), ("similar", course.name, "--output", "similar.html")):
        done = course.course(*command)
        assert done.returncode == 0, done.stderr[-3000:]
    return course


def opened(page, address: str) -> str:
    """The text of a page that was opened and has come to rest, after nothing that was written on it has acted."""
    before = len(Listener.came)
    page.goto(address)
    page.wait_for_load_state("load")
    page.wait_for_timeout(400)
    assert Listener.came[before:] == [], address
    assert page.title() != STOLEN, address
    assert page.url == address
    return page.locator("body").inner_text()


@NEEDS_ISOLATION
def test_nothing_that_a_hand_in_holds_acts_on_a_page_that_is_a_file(course):
    with chromium_page() as page:
        for student in STUDENTS:
            text = opened(page, (course.root / "feedback" / student / course.name / f"{course.name}.html").as_uri())
            assert "halve: 3 of 3 points" in text
            assert ("<script>" in text) == (student != "neighbour")
            assert page.locator("img[src^='data:image/png']").count() == (student == "neighbour")
        for name in ("", "/attacker", "/crafted", "/neighbour"):
            text = opened(page, (course.root / "report" / f"{course.name}{name}.html").as_uri())
            assert ("<script>" in text) == (name != "/neighbour")
        assert "<script>" in opened(page, (course.root / "similar.html").as_uri())


@NEEDS_ISOLATION
def test_nothing_acts_on_a_page_of_the_formgrader(course):
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        books = gradebook.notebook_submissions(course.name, course.name)
        numbers = {book.student.id: book.id for book in books}
    with chromium_page() as page, jupyter_server(course) as server:
        page.goto(f"{server}/login?token=known")
        for student in ("attacker", "crafted", "neighbour"):
            text = opened(page, f"{server}/formgrader/submissions/{numbers[student]}/")
            assert "Model answer and rubric" in text
            assert ("<script>" in text) == (student != "neighbour")
            page.locator(".glyphicon-eye-open").click()
            shown = page.locator("a.name-shown").inner_text()
            assert shown == "neighbour" if student == "neighbour" else "<script>" in shown
        lists = ["manage_assignments", f"manage_submissions/{course.name}", "manage_students"]
        lists += [f"manage_students/crafted{more}" for more in ("", f"/{course.name}")]
        lists += ["gradebook", f"gradebook/{course.name}", f"gradebook/{course.name}/{course.name}"]
        for name in lists:
            assert len(opened(page, f"{server}/formgrader/{name}")) > 50
            page.locator("#main-table td").first.wait_for()
            assert page.title() != STOLEN
        page.get_by_text("Show All Names").click()
        assert "<script>" in page.locator("#main-table").inner_text()
        act = f"document.title='{STOLEN}'"
        for name in (f"%22;{act};%22", f"%3C%2Fscript%3E%3Cscript%3E{act}%3C%2Fscript%3E", f"%3Cp onclick={act}%3E"):
            page.goto(f"{server}/formgrader/manage_students/{name}")
            page.wait_for_timeout(300)
            assert page.title() != STOLEN


def test_the_same_markup_does_act_on_a_page_without_a_policy(tmp_path, away):
    with chromium_page() as page:
        for kind in (markup, refresh):
            before = len(Listener.came)
            (tmp_path / "page.html").write_text(f"<title>fine</title><body>{kind(away, 'control')}")
            page.goto((tmp_path / "page.html").as_uri(), wait_until="commit")
            page.wait_for_timeout(1500)
            came = {path.split("-")[-1] for path in Listener.came[before:]}
            if kind is refresh:
                assert came == {"refresh"}
            else:
                assert {"script", "link", "form", "poster"} <= came
                assert page.title() == STOLEN


def test_markup_on_a_page_meets_a_second_wall(tmp_path, away):
    own = "<html><head><title>a</title></head><body><script>document.title = 'own'</script>{{ body }}"
    for served in (True, False):
        environment = jinja2.Environment(loader=jinja2.DictLoader({"page": own}))
        safe_pages.guard(environment, served)
        (tmp_path / "page.html").write_text(environment.get_template("page").render(body=markup(away, "wall")))
        with chromium_page() as page:
            opened(page, (tmp_path / "page.html").as_uri())
            assert page.title() == "own"


def test_every_method_that_makes_html_of_an_answer_is_known():
    """A new one in nbconvert or mistune is to be looked at: what a student wrote goes through it."""
    known = """
        text emphasis strong link image codespan linebreak softbreak inline_html inline_math paragraph heading
        blank_text blank_line thematic_break block_text block_code block_mermaidjs block_quote block_html block_error
        list list_item block_math multiline_math latex_environment escape_html escape_raw escape_attribute safe_url
        sanitize_url register render_token render_tokens render_attrs iter_tokens
    """.split()  # noqa: SIM905
    made = {name for name in dir(IPythonRenderer) if callable(getattr(IPythonRenderer, name)) and name[0] != "_"}
    assert made <= set(known)


@pytest.mark.parametrize("count", ["<script>", 2.5, True, None, [1]])
def test_a_count_is_a_number_or_nothing(count):
    told = Tamer().tame({"execution_count": count, "data": {"text/plain": "a"}}, "execute_result")
    assert told["execution_count"] is None
    assert Tamer().tame({"execution_count": 3, "data": {"text/plain": "a"}}, "execute_result")["execution_count"] == 3


@pytest.mark.parametrize("data", ['"><script>', "AAAA", PNG[:-1] + "!", ""])
def test_a_picture_is_one(data):
    assert Tamer().tame({"data": {"image/png": data}}, "display_data") is None
    assert Tamer().tame({"data": {"image/png": PNG}}, "display_data")["data"] == {"image/png": PNG}
    assert Tamer().tame({"data": {"image/jpeg": PNG, "text/plain": "a"}}, "display_data")["data"] == {"text/plain": "a"}


@NEEDS_ISOLATION
def test_a_page_that_does_not_come_is_named_and_costs_no_other(course):
    """Comes last: it spoils two graded notebooks."""
    place = {name: course.root / "autograded" / name / course.name / f"{course.name}.ipynb" for name in STUDENTS}
    notebook = json.loads(place["crafted"].read_text())
    for cell in notebook["cells"]:
        cell["source"] = "[" * 1_000_000
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "\x1b[31mx" * 1_000_000}]
    for name, text in (("twin", '{"cells": [['), ("crafted", json.dumps(notebook))):
        place[name].chmod(0o644)
        place[name].write_text(text)
    done = course.nbgrader("generate_feedback", course.name, "--force")
    assert done.returncode == 1
    assert f"There was an error processing assignment '{course.name}' for student 'twin'" in done.stderr
    assert "for student 'crafted'" not in done.stderr
    made = {page.parent.parent.name: page for page in course.root.glob("feedback/*/*/*.html")}
    assert set(made) == set(STUDENTS) - {"twin"}
    assert made["crafted"].stat().st_size < 5_000_000
    (course.root / "report" / f"{course.name}.html").unlink()
    done = course.course("report")
    assert done.returncode == 1
    assert done.stdout.split() == ["report/index.html", f"report/{course.name}.html"]
    [line] = done.stderr.strip().split("\n")
    assert line.startswith(f"{course.name}: the graded notebook of twin cannot be read: ")
    assert "4 handed in, 3 graded, 1 not graded" in (course.root / "report" / f"{course.name}.html").read_text()
