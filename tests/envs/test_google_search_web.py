"""GoogleSearch on the web: what a model can reach, what an author's key can leak into, servers of searches."""

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
from gym_llm.envs.google_search import addresses, fetcher, pages, providers
from gym_llm.envs.google_search.addresses import Refused, is_public
from gym_llm.envs.google_search.fetcher import Fetcher
from gym_llm.errors import ConfigError
from gym_llm.items import assistant_message, function_call

ID = "gym_llm/GoogleSearch-v0"
KEY = "SECRET_5f1b7c90canary"
ROW = {"responses_create_params": {"input": "Which gas?"}, "expected_answer": "B"}
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


def called(env, name, **arguments):
    """Return a call's answer and the step's info."""
    observation, *_, info = env.step([function_call(name, arguments)])
    return json.loads(observation[-1]["output"]), info


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
    env = gymnasium.make(
        ID,
        dataset=[{"responses_create_params": {"input": "Which gas?"}, "expected_answer": "B"}],
        provider={"type": "google", "url": base, "cx": "engine"},
    )
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
