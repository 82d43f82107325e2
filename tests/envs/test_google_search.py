"""GoogleSearch: what is paid, what a model can reach, what an author's key can leak into, offline search."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import logging
import math
import shutil
import socket
import ssl
import subprocess
import threading
import time
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import gymnasium
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.google_search import addresses, corpus, fetcher, pages, providers
from gym_llm.envs.google_search.addresses import Refused, is_public
from gym_llm.envs.google_search.fetcher import Fetcher
from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import assistant_message, function_call, reasoning

ID = "gym_llm/GoogleSearch-v0"
KEY = "SECRET_5f1b7c90canary"
NEMO = {
    "responses_create_params": {
        "instructions": "Use tools, answer in \\boxed{}", "input": "Which gas?\nA: x\nB: y",
        "tools": [
            {"type": "function", "name": "search", "description": "s", "strict": True, "parameters": {
                "type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"],
                "additionalProperties": False}},
            {"type": "function", "name": "browse", "description": "b", "strict": True, "parameters": {
                "type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"],
                "additionalProperties": False}},
        ],
        "parallel_tool_calls": False, "temperature": 0.6, "max_output_tokens": 32768,
    },
    "expected_answer": "B", "task_difficulty_qwen3_32b_avg_8": 0.375,
}  # fmt: skip
WORDS = NEMO | {"expected_answer": "the Long Bell of Brivane", "accepted_answers": ["Long Bell"]}
NUMBER = NEMO | {"expected_answer": "4210"}


BOMB = gzip.compress(b"0" * 50_000_000)


class Site(BaseHTTPRequestHandler):
    """Real pages, odd ones, and the two search APIs."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        path = urlsplit(self.path)
        with contextlib.suppress(OSError):
            getattr(self, "at_" + path.path.strip("/").replace("/", "_"), self.at_missing)(parse_qs(path.query))

    def send(self, body, kind="text/html; charset=utf-8", status=200, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def at_missing(self, _):
        self.send(b"no", status=404)

    def at_page(self, _):
        said = ("The heron of Ardelloch is grey, and stands in the water for most of the day.",
                "Nobody has seen it eat, though the eels of the lower harbour grow fewer each year.")  # fmt: skip
        text = "".join(f"<p>{each}</p>" for each in said)
        self.send(f"<html><body><article><h1>Herons</h1>{text}</article></body></html>".encode())

    def at_empty(self, _):
        self.send(b"<html><body></body></html>")

    def at_plain(self, _):
        self.send("grüß".encode("latin-1"), "text/plain; charset=latin-1")

    def at_image(self, _):
        self.send(b"\x89PNG", "image/png")

    def at_large(self, _):
        self.send(b"x" * 300_000, "text/plain")

    def at_bomb(self, _):
        self.send(BOMB, "text/plain", Content_Encoding="gzip")

    def at_zipped(self, _):
        self.send(gzip.compress(b"unpacked"), "text/plain", Content_Encoding="gzip")

    def at_brotli(self, _):
        self.send(b"abc", "text/plain", Content_Encoding="br")

    def at_badzip(self, _):
        self.send(b"not gzip at all", "text/plain", Content_Encoding="gzip")

    def at_punycode(self, _):
        self.send(b"a" * 100_000, "text/plain; charset=punycode")

    def at_to(self, query):
        self.send(b"", status=302, Location=query["u"][0])

    def at_loop(self, _):
        self.send(b"", status=302, Location="/loop")

    def at_drip(self, _):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b"x")
            time.sleep(0.05)

    def at_search(self, query):
        found = [{"title": f"About {query['q'][0]}", "url": f"https://e{n}.example/", "content": "c"} for n in range(9)]
        self.send(
            json.dumps({"results": found if query.get("format") == ["json"] else None}).encode(), "application/json"
        )

    def at_broken_search(self, _):
        self.send(b"<html>", status=200)

    def at_customsearch_v1(self, query):
        if self.headers["X-Goog-Api-Key"] != KEY or query.get("cx") != ["engine"] or "key" in query:
            self.send(
                json.dumps({"error": {"message": f"bad key {self.headers['X-Goog-Api-Key']}"}}).encode(), status=400
            )
            return
        found = [{"title": "T", "link": "https://good.example/a", "snippet": "s" * 900, "pagemap": {"x": "y" * 5000}}]
        self.send(json.dumps({"items": found, "queries": {"q": query["q"]}}).encode(), "application/json")


@pytest.fixture(scope="module")
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads, server.seen = True, []
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def base(site):
    site.seen.clear()
    return f"http://127.0.0.1:{site.server_address[1]}"


def local(**settings):
    return Fetcher(loopback_for_tests=True, max_seconds=settings.pop("max_seconds", 5), **settings)


def fetch(given, url):
    return asyncio.run(given.fetch(url))


# What is paid.

CASES = [
    (NEMO, r"So \boxed{B}.", 1, "B"),
    (NEMO, r"\boxed{A}", 0, "A"),
    (NEMO, r"\boxed{b}", 1, "b"),
    (NEMO, r"\boxed{ B }", 1, "B"),
    (NEMO, r"\boxed{\text{B}}", 1, "B"),
    (NEMO, r"\boxed{\textbf{\text{ B }}}", 1, "B"),
    (NEMO, r"\boxed{B: heron}", 1, "B: heron"),
    (NEMO, r"\boxed{B) a heron}", 1, "B) a heron"),
    (NEMO, r"First \boxed{A}, no: \boxed{B}", 1, "B"),
    (NEMO, r"First \boxed{B}, no: \boxed{A}", 0, "A"),
    (NEMO, r"\boxed{A} \boxed{C} \boxed{B}", 0, None),
    (NEMO, r"\boxed{A, B}", 0, "A, B"),
    (NEMO, r"\boxed{B. C. D.}", 0, "B. C. D."),
    (NEMO, r"\boxed{B) or A}", 0, "B) or A"),
    (NEMO, r"\boxed{BB}", 0, "BB"),
    (NEMO, r"\boxed{}", 0, None),
    (NEMO, r"\boxed{B", 0, None),
    (NEMO, "The answer is B", 0, None),
    (NEMO, "", 0, None),
    (NEMO, "None", 0, None),
    (NEMO, r"\boxed{" * 5000 + "B", 0, None),
    (NEMO, r"\boxed{B}" * 200, 0, None),
    (WORDS, r"\boxed{Long Bell of Brivane}", 1, "Long Bell of Brivane"),
    (WORDS, r"\boxed{the  long-bell of BRIVANE.}", 1, "the  long-bell of BRIVANE."),
    (WORDS, r"\boxed{long bell}", 1, "long bell"),
    (WORDS, r"\boxed{Bell of Brivane}", 0, "Bell of Brivane"),
    (WORDS, r"\boxed{the Long Bell of Brivane or the Nine Stairs}", 0, "the Long Bell of Brivane or the Nine Stairs"),
    (NUMBER, r"\boxed{4,210}", 1, "4,210"),
    (NUMBER, r"\boxed{4{,}210}", 1, "4{,}210"),
    (NUMBER, r"\boxed{4\,210}", 1, r"4\,210"),
    (NUMBER, r"\boxed{-4210}", 0, "-4210"),
    (NUMBER, r"\boxed{4210%}", 0, "4210%"),
    (NUMBER, r"\boxed{4.210}", 0, "4.210"),
    (NUMBER, "\\boxed{42\u00b9\u2070}", 0, "42\u00b9\u2070"),
    (NUMBER, r"\boxed{42,10}", 0, "42,10"),
    (NUMBER, r"\boxed{4211}", 0, "4211"),
    (NUMBER, r"\boxed{-}", 0, "-"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "text", "reward", "parsed"), CASES)
def test_cases(play, row, text, reward, parsed):
    found = play("GoogleSearch", row, text)
    assert (found["reward"], found["parsed_option"]) == (reward, parsed)


def test_a_message_beside_a_call_is_no_answer(play):
    both = [assistant_message(r"\boxed{B}"), function_call("search", {"query": "heron"})]
    assert play("GoogleSearch", NEMO, both, "Done.")["reward"] == 0
    assert play("GoogleSearch", NEMO, both, max_turns=1)["reward"] == 0
    assert play("GoogleSearch", NEMO, both, r"\boxed{B}")["reward"] == 1
    assert play("GoogleSearch", NEMO, [assistant_message(""), reasoning(r"\boxed{B}")])["reward"] == 0


def test_the_verification_counts(play):
    searches = [function_call("search", {"query": "Ardelloch"}), function_call("search", {"query": " "})]
    reads = [function_call("browse", {"url": "https://almanac.vessmar.example/town/ardelloch"}),
             function_call("browse", {"url": "https://elsewhere.example/"})]  # fmt: skip
    found = play("GoogleSearch", NEMO, searches, reads, r"\boxed{B}")
    assert (found["searches"], found["pages_read"], found["refused_pages"], found["searched"]) == (1, 1, 1, True)
    assert not play("GoogleSearch", NEMO, r"\boxed{B}")["searched"]


@pytest.mark.parametrize("answer", ["", "  ", None, 5])
def test_rows_without_an_answer_are_refused(answer):
    with pytest.raises(TaskError, match="expected_answer"):
        gymnasium.make(ID, dataset=[NEMO | {"expected_answer": answer}]).reset(seed=0)


# The corpus.


def called(env, name, **arguments):
    """Return a call's answer and the step's info."""
    observation, *_, info = env.step([function_call(name, arguments)])
    return json.loads(observation[-1]["output"]), info


def test_search_and_browse_work_offline():
    env = gymnasium.make(ID, max_turns=60)
    env.reset(seed=0)
    found, _ = called(env, "search", query="birth of Ilva Tarrenhast, the cartographer")
    first = found["search_results"][0]
    assert (first["rank"], first["title"]) == (1, "Ilva Tarrenhast")
    assert len(found["search_results"]) == 5
    assert called(env, "search", query="birth of Ilva Tarrenhast, the cartographer")[0] == found
    assert "1522" in called(env, "browse", url=first["url"])[0]["page_content"]
    for query in (
        '"',
        "AND OR NOT",
        "title:",
        "a* NEAR(b",
        "' OR 1=1 --",
        "\x00heron",
        "x " * 150,
        "(((",
        "\u017f\u2028\xe9",
    ):
        answer, info = called(env, "search", query=query)
        assert "search_results" in answer, query
        assert "crashes" not in info
    assert "error" in called(env, "search", query="x" * 401)[0]
    for url in ("http://127.0.0.1/", "file:///etc/passwd", "https://example.com/", "../town"):
        assert "no such page" in called(env, "browse", url=url)[0]["error"]


def test_the_bundled_corpus_is_ascii_and_large_enough():
    documents = corpus.load().documents
    assert len(documents) >= 60
    assert sum(not document["facts"] for document in documents) >= 10
    assert corpus.BUNDLED.read_bytes().isascii()
    for document in documents:
        said = document["title"] + document["text"]
        assert all(value.lower() in said.lower() for value in document["facts"].values()), document["url"]


def test_any_jsonl_of_documents_is_a_corpus(tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text(
        '{"url": "u1", "title": "Cats", "text": "A cat purrs."}\n\n{"url": "u2", "title": "D", "text": "Dog"}\n'
    )
    env = gymnasium.make(ID, provider={"type": "corpus", "path": str(path)}, max_page_chars=100)
    env.reset(seed=0)
    assert called(env, "search", query="cats")[0]["search_results"] == [
        {"rank": 1, "title": "Cats", "url": "u1", "snippet": "A cat purrs."}
    ]
    assert called(env, "browse", url="u1")[0] == {"page_content": "Cats\n\nA cat purrs."}


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "no document"), ("{", "no JSON"), ('{"url": "a", "title": "b"}', "texts url, title, text"), ("[1]", "object"),
     ('{"url":"a","title":"b","text":"c"}\n{"url":"a","title":"b","text":"c"}', "twice")],
)  # fmt: skip
def test_a_bad_corpus_is_refused(tmp_path, text, told):
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        gymnasium.make(ID, provider={"type": "corpus", "path": str(path)})


@pytest.mark.parametrize(
    ("settings", "told"),
    [("gogle", "there are corpus, searxng, google"), ({"type": "searxng"}, "needs url"),
     ({"type": "searxng", "url": "ftp://x"}, "no address"), ({"type": "searxng", "url": "http://a:b@x"}, "no user"),
     ({"type": "corpus", "pth": "x"}, "Did you mean 'path'"), ({"type": "corpus", "path": "/no/such"}, "No such file"),
     ({"type": "google", "key": "k"}, "no key stands there"), ({"type": "google", "cx": "c"}, "lacks its key"),
     (5, "provider=5: give a mapping"), ([5], "give a mapping")],
)  # fmt: skip
def test_bad_providers_are_refused(settings, told, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    with pytest.raises(ConfigError, match=told):
        gymnasium.make(ID, provider=settings)


@pytest.mark.parametrize(
    ("hosts", "told"),
    [("example.org", "give a list of host names"), (None, "give a list"), ([5], "5 is no host name"),
     (["https://example.org"], "leave scheme and path out"),
     (["example.org/a"], "leave scheme"), ([""], "no host name")],
)  # fmt: skip
@pytest.mark.parametrize("name", ["allowed_hosts", "blocked_hosts"])
def test_bad_hosts_are_refused(name, hosts, told):
    with pytest.raises(ConfigError, match=f"{name}.*{told}"):
        gymnasium.make(ID, **{name: hosts})


def test_hosts_may_be_written_in_any_script():
    assert Fetcher(blocked_hosts=["B\u00fccher.example"]).blocks("https://www.b\u00fccher.example/a")
    assert Fetcher(blocked_hosts=[".example.org"]).blocks("https://example.org/")


@pytest.mark.parametrize("knobs", [{"hops": 1}, {"hops": 2, "num_options": 10}, {"hops": 3, "num_options": 2}, {}])
def test_generated_questions_are_answered_by_their_pages(knobs):
    env = gymnasium.make(ID, dataset={"num_tasks": 25, "seed": 3, **knobs})
    again = gymnasium.make(ID, dataset={"num_tasks": 25, "seed": 3, **knobs})
    for index in range(25):
        task = env.unwrapped.tasks[index]
        assert env.unwrapped.tasks.row(index) == again.unwrapped.tasks.row(index)
        assert len(task.evidence) == task.hops == knobs.get("hops", task.hops)
        last = corpus.load().page(task.evidence[-1])
        answer = task.expected_answer
        if knobs.get("num_options"):
            lines = task.prompt[0]["content"].splitlines()[1:-1]
            options = dict(line.split(": ", 1) for line in lines)
            assert len(set(options.values())) == len(options) <= knobs["num_options"]
            answer = options[answer]
        else:
            assert answer not in task.prompt[0]["content"]
        assert answer.lower() in last.lower()
        env.reset(options={"task_index": index})
        for action in env.unwrapped.solve(task):
            _, reward, *_ = env.step(action)
        assert reward == 1


@pytest.mark.parametrize("knobs", [{"hops": 0}, {"hops": 4}, {"num_options": 1}, {"num_options": 11}])
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError, match="give 1 to 3"):
        gymnasium.make(ID, dataset={"num_tasks": 2, **knobs}).reset(seed=0)


# What a model can reach.


@pytest.mark.parametrize("address", [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.7",
    "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1",
    "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:a00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "fc00::1", "fd12::1",
    "fe80::1", "fe80::1%1", "fec0::1", "ff02::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "100::1", "3fff::1", "x",
])  # fmt: skip
def test_addresses_that_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:2800:220:1::1"])
def test_addresses_that_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize("url", [
    "http://127.0.0.1/", "http://127.0.0.1:80/", "http://localhost/", "http://LOCALHOST./", "http://[::1]/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::]/", "http://0.0.0.0/", "http://0/",
    "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/", "http://0x7f.1/",
    "http://127.0.0.1./",
    "http://\uff11\uff12\uff17.0.0.1/", "http://127\u30020\u30020\u30021/",
    "http://\u2460\u2461\u2466.0.0.1/", "http://[fe80::1%25eth0]/",
    "http://user@127.0.0.1/", "http://example.com@127.0.0.1/", "http://example.com:80@127.0.0.1/",
    "http://127.0.0.1#@example.com/", "http://127.0.0.1\\@example.com/", "http://%31%32%37.0.0.1/",
    "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://10.0.0.1/", "http://100.64.0.1/",
    "http://224.0.0.1/", "file:///etc/passwd", "ftp://8.8.8.8/", "gopher://8.8.8.8/", "data:text/html,x",
    "javascript:alert(1)", "//8.8.8.8/", "8.8.8.8", "", " ", "http://", "http:///x", "http://8.8.8.8:22/",
    "http://8.8.8.8:0/", "http://8.8.8.8:99999/", "http://8.8.8.8:8080/", "http://a b/", "http://\x00/", "http://\r\nx/",
    "http://[::1", "http://no-such-host.invalid/", "unix:///var/run/docker.sock", "http://" + "a" * 3000,
    "http://127.0.0.1%2f@8.8.8.8/", "https://localhost/",
])  # fmt: skip
def test_hostile_urls_are_refused(url):
    with pytest.raises(Refused) as caught:
        fetch(Fetcher(max_seconds=5), url)
    assert not any(words in str(caught.value) for words in ("cannot be read", "not arrive", "status"))  # never asked


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://user@8.8.8.8/", "a user"),
        ("http://:word@8.8.8.8/", "a user"),
        ("file://8.8.8.8/etc/passwd", "only http"),
        ("ftp://8.8.8.8/", "only http"),
        ("http://8.8.8.8:22/", "port 22"),
        ("https://0x08080808/", "no usable host"),
        ("https://010.8.8.8/", "no URL"),
    ],
)
def test_urls_are_refused_by_their_text(url, told):
    with pytest.raises(Refused, match=told):
        addresses.parsed_url(url)


def test_no_setting_and_no_call_reaches_loopback(base, site):
    env = gymnasium.make(ID, browse_web=True)
    env.reset(seed=0)
    answer, info = called(env, "browse", url=f"{base}/page")
    assert "is not read" in answer["error"]
    assert "crashes" not in info
    assert not site.seen
    with pytest.raises(ConfigError, match="loopback_for_tests"):
        gymnasium.make(ID, loopback_for_tests=True)


@pytest.mark.parametrize("to", [
    "http://10.0.0.1/", "http://169.254.169.254/", "file:///etc/passwd", "http://[::ffff:127.0.0.1]/", "ftp://127.0.0.1/",
    "http://u:p@127.0.0.1/", "//0.0.0.0/", "http://0x7f000001/", "//2130706433/", "http://[", "http://a b", "http://%ED%A0%80\xff/",
])  # fmt: skip
def test_every_redirect_is_checked(base, site, to):
    with pytest.raises(Refused):
        fetch(local(), f"{base}/to?u={to}")
    assert len(site.seen) == 1


def test_redirects_are_followed_and_bounded(base, site):
    assert fetch(local(), f"{base}/to?u=/plain").text == "grüß"
    site.seen.clear()
    with pytest.raises(Refused, match="more than 3 times"):
        fetch(local(max_redirects=3), f"{base}/loop")
    assert len(site.seen) == 4


def test_the_connection_goes_to_the_address_that_was_checked(base, site, monkeypatch):
    """A name that changes its address after the check (rebinding) is not looked at again."""
    real, asked = socket.getaddrinfo, []

    def rebinding(host, *rest, **more):
        if host != "rebind.example":
            return real(host, *rest, **more)
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else "10.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    port = site.server_address[1]
    assert fetch(local(), f"http://rebind.example:{port}/plain").text == "grüß"
    assert asked == ["rebind.example"]
    assert site.seen[0][1]["Host"] == f"rebind.example:{port}"
    with pytest.raises(Refused, match="public internet"):
        fetch(local(), f"http://rebind.example:{port}/plain")


def test_one_private_address_among_several_refuses_the_host(monkeypatch):
    entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
    with pytest.raises(Refused, match="public internet"):
        asyncio.run(addresses.checked(addresses.parsed_url("http://mixed.example/")))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
@pytest.mark.parametrize(("name", "good"), [("localhost", True), ("other.example", False)])
def test_certificates_are_checked_by_name(tmp_path, monkeypatch, name, good):
    paths = [str(tmp_path / part) for part in ("key", "cert")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
         paths[0], "-out", paths[1], "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"],
        check=True, capture_output=True,
    )  # fmt: skip
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads, server.seen = True, []
    context, names = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
    context.load_cert_chain(paths[1], paths[0])
    context.sni_callback = lambda _, asked, __: names.append(asked)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setattr(server, "handle_error", lambda *_: None)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    trusting = ssl.create_default_context(cafile=paths[1])
    monkeypatch.setattr(fetcher, "trust", lambda: trusting)
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *r, **m: real("127.0.0.1" if host == "localhost" else host, *r, **m)
    )
    try:
        with contextlib.nullcontext() if good else pytest.raises(Refused, match="cannot be read"):
            assert fetch(local(), f"https://localhost:{server.server_address[1]}/plain").text == "grüß"
        assert names == ["localhost"]
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("path", "told"),
    [("missing", "status 404"), ("image", "'image/png'"), ("large", "larger than 200000"),
     ("bomb", "larger than 200000"),
     ("brotli", "compressed"), ("badzip", "compressed"), ("drip", "within 0.7 seconds")],
)  # fmt: skip
def test_pages_over_a_limit_are_refused(base, path, told):
    begun = time.monotonic()
    with pytest.raises(Refused, match=told):
        fetch(local(max_bytes=200_000, max_seconds=0.7 if path == "drip" else 10), f"{base}/{path}")
    assert time.monotonic() - begun < 8


def test_a_bomb_is_never_unpacked_whole(base):
    tracemalloc.start()
    try:
        with pytest.raises(Refused, match="larger than 200000"):
            fetch(local(max_bytes=200_000), f"{base}/bomb")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 30_000_000


def test_pages_are_decoded(base):
    assert fetch(local(), f"{base}/zipped").text == "unpacked"
    assert fetch(local(), f"{base}/punycode").text == "a" * 100_000


def test_hosts_can_be_blocked_or_the_only_ones():
    only, none = Fetcher(allowed_hosts=["good.example"]), Fetcher(blocked_hosts=["Bad.example."])
    assert only.parsed("https://www.good.example/x").host == "www.good.example"
    assert none.parsed("https://notbad.example/").host == "notbad.example"
    for given, url in [(only, "https://bad.example/"), (only, "https://good.example.evil.example/"),
                       (none, "https://bad.example./"), (none, "https://x.BAD.example/")]:  # fmt: skip
        with pytest.raises(Refused, match="not to be read"):
            given.parsed(url)


def test_a_page_is_extracted(base):
    env = gymnasium.make(ID, browse_web=True, max_page_chars=120)
    env.unwrapped._fetcher = local()
    env.reset(seed=0)
    answer, _ = called(env, "browse", url=f"{base}/page")
    assert "heron of Ardelloch" in answer["page_content"]
    assert "\n...\n" in answer["page_content"]
    assert "<p>" not in answer["page_content"]
    assert len(answer["page_content"]) == 125
    assert "no text" in called(env, "browse", url=f"{base}/empty")[0]["error"]


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(pages.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r"gym-llm\[google-search\]"):
        gymnasium.make(ID, browse_web=True)
    gymnasium.make(ID).reset(seed=0)


# The other providers.


def test_searxng(base, site):
    env = gymnasium.make(ID, provider={"type": "searxng", "url": base}, num_results=3, blocked_hosts=["e1.example"])
    env.reset(seed=0)
    found, _ = called(env, "search", query="grey heron")
    assert [each["url"] for each in found["search_results"]] == ["https://e0.example/", "https://e2.example/"]
    assert found["search_results"][1] | {"rank": 2, "title": "About grey heron"} == found["search_results"][1]
    assert site.seen[0][0] == "/search?q=grey+heron&format=json"


def test_a_query_cannot_make_searxng_redirect_or_hurry(base, site):
    env = gymnasium.make(ID, provider={"type": "searxng", "url": base})
    env.reset(seed=0)
    called(env, "search", query="!!g :fr <9 grey !! heron!")
    assert [path for path, _ in site.seen] == ["/search?q=g+fr+9+grey+heron%21&format=json"]
    assert called(env, "search", query="!! ?")[0] == {"search_results": []}
    assert len(site.seen) == 1


@pytest.mark.parametrize("length", [1000, 3000])
def test_an_address_that_could_not_be_read_is_no_result(length):
    found = providers._results([{"url": "https://e.example/" + "a" * length}], "title", "url", "content")
    assert len(found) == (length < 2000)


@pytest.fixture(params=["variable", "env.yaml", "env.yaml with a variable", "top level"])
def google(request, base, monkeypatch, tmp_path):
    """Return an environment whose provider is Google, with the key from each of its places."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    written = {"env.yaml": f"vars: {{google_api_key: {KEY}, google_cx: engine}}",
               "env.yaml with a variable": "vars: {google_api_key: '${oc.env:MY_KEY}', google_cx: engine}",
               "top level": f"google_api_key: {KEY}\ngoogle_cx: engine\n"}.get(request.param)  # fmt: skip
    monkeypatch.setenv("GOOGLE_API_KEY" if written is None else "MY_KEY", KEY)
    more = {"cx": "engine"} if written is None else {}
    if written:
        (tmp_path / "env.yaml").write_text(written)
    return gymnasium.make(ID, provider={"type": "google", "url": base, **more})


def test_google_and_where_its_key_is_not(google, site, caplog):
    caplog.set_level(logging.DEBUG)
    google.reset(seed=0)
    found, _ = called(google, "search", query="heron")
    assert found == {"search_results": [
        {"rank": 1, "title": "T", "url": "https://good.example/a", "snippet": "s" * 500}]}  # fmt: skip
    path, headers = site.seen[0]
    assert headers["X-Goog-Api-Key"] == KEY
    assert KEY not in path
    urls = [record.getMessage() for record in caplog.records if record.name.startswith("httpx")]
    assert urls
    assert KEY not in "".join(urls)
    shown = [google.spec.to_json(), repr(google.unwrapped._provider), str(vars(google.unwrapped)),
             str(vars(google.unwrapped._provider)), str(google.unwrapped.episode)]  # fmt: skip
    assert KEY not in "".join(shown)


def test_a_failing_provider_is_no_reward_and_tells_no_key(base, monkeypatch):
    monkeypatch.setenv("GOOGLE_API_KEY", KEY + "wrong")
    env = gymnasium.make(ID, dataset=[NEMO], provider={"type": "google", "url": base, "cx": "engine"})
    env.reset(seed=0)
    answer, info = called(env, "search", query="heron")
    assert answer == {"error": "the search is out of order"}
    _, reward, terminated, truncated, last = env.step([assistant_message(r"\boxed{B}")])
    assert math.isnan(reward)
    assert (terminated, truncated, last["end_reason"]) == (False, True, "error")
    assert "status 400" in last["error"]["message"]
    assert KEY not in json.dumps([info, last, answer])
    env.reset(seed=0)
    assert env.step([assistant_message(r"\boxed{B}")])[1] == 1


def test_a_provider_that_speaks_nonsense_or_is_away(base):
    for url in (f"{base}/broken", "http://127.0.0.1:9"):
        env = gymnasium.make(ID, provider={"type": "searxng", "url": url})
        env.reset(seed=0)
        assert called(env, "search", query="x")[0] == {"error": "the search is out of order"}
