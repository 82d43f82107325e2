"""Honest programs that a sandbox has to let run, with what they print. A wall that stops these is no good either."""

from __future__ import annotations

from dataclasses import dataclass

from gym_llm.sandbox.battery.attack import Way
from gym_llm.sandbox.limits import Limits
from gym_llm.sandbox.sandbox import Sandbox

_LIMITS = Limits(cpu=10, wall=30)


@dataclass(frozen=True, slots=True)
class Benign:
    """One honest program.

    Attributes:
        name: What it does.
        text: Python; shell for the way `shell`.
        expected: What it prints, without spaces at the ends.
        way: How it is run.
        stdin: What it reads.
    """

    name: str
    text: str
    expected: str
    way: Way = "compute"
    stdin: str = ""

    def run(self, sandbox: Sandbox) -> str:
        """Return what went wrong; empty when nothing did."""
        if self.way == "session":
            with sandbox.session(limits=_LIMITS) as session:
                for cell in self.text.split("\n---\n"):
                    reply = session.execute(cell)
            printed, end = f"{reply.stdout}{reply.result or ''}", reply.error or reply.reason
        elif self.way == "shell":
            result = sandbox.run(["bash", "-c", self.text], stdin=self.stdin, limits=_LIMITS)
            printed, end = result.stdout_text, f"{result.reason} {result.stderr_text}"
        else:
            result = sandbox.run(program=self.text, stdin=self.stdin, limits=_LIMITS, profile=self.way)
            printed, end = result.stdout_text, f"{result.reason} {result.stderr_text}"
        return "" if printed.strip() == self.expected else f"printed {printed[-200:]!r}, {end[-300:]}"


_RECURSION = (
    "import sys\nsys.setrecursionlimit(100000)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)\nprint(f(20000))"
)
_CLASSES = (
    "import abc, dataclasses, enum\nclass Color(enum.Enum):\n    RED = 1\n@dataclasses.dataclass(order=True)\nclass P:\n"
    "    x: int\n    y: int = 2\nclass A(abc.ABC):\n    @abc.abstractmethod\n    def go(self): ...\nclass B(A):\n"
    "    def go(self): return sorted([P(3), P(1)])[0].x\nprint(B().go(), Color.RED.name)"
)
_THREADS = (
    "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(8) as pool:\n"
    "    print(sum(pool.map(lambda n: n * n, range(100))))"
)
_ASYNC = (
    "import asyncio\nasync def f(n):\n    await asyncio.sleep(0.01)\n    return n\n"
    "async def main(): return sum(await asyncio.gather(*map(f, range(50))))\nprint(asyncio.run(main()))"
)
_FILES = (
    "import json, os, pathlib, shutil, tempfile\nwith tempfile.TemporaryDirectory() as folder:\n"
    "    path = pathlib.Path(folder, 'a.json')\n    path.write_text(json.dumps({'a': [1]}))\n    shutil.copy(path, 'b.json')\n"
    "os.rename('b.json', 'c.json')\nos.makedirs('d/e/f')\nprint(json.load(open('c.json')), sorted(os.listdir('.')))"
)
_SQL = (
    "import sqlite3\ndb = sqlite3.connect('x.db')\ndb.execute('create table t (a)')\n"
    "db.executemany('insert into t values (?)', [(1,), (2,)])\ndb.commit()\nprint(db.execute('select sum(a) from t').fetchone()[0])"
)
_MODULES = (
    "import argparse, base64, bisect, bz2, collections, csv, datetime, decimal, difflib, fractions, functools, gzip, hashlib,"
    " heapq, html, io, itertools, logging, lzma, math, operator, pickle, queue, random, re, secrets, statistics, string,"
    " struct, textwrap, traceback, typing, unittest, urllib.parse, uuid, xml.etree.ElementTree, zlib, zoneinfo\n"
    "print(hashlib.sha256(gzip.decompress(gzip.compress(b'x'))).hexdigest()[:8], len(uuid.uuid4().hex))"
)
_MAPPED = (
    "import mmap\nwith open('f', 'wb') as file: file.write(bytes(8192))\nwith open('f', 'r+b') as file:\n"
    "    m = mmap.mmap(file.fileno(), 0)\n    m[:2] = b'hi'\n    m.flush()\nprint(open('f', 'rb').read(2).decode())"
)
_NUMPY = "import numpy as np\na = np.arange(9.0).reshape(3, 3) + 3 * np.eye(3)\nprint(round(float(np.linalg.det(a)), 3), np.fft.fft(np.ones(4)).real[0])"
_PROCESSES = "import multiprocessing as m\ndef f(n): return n * n\nif __name__ == '__main__':\n    with m.Pool(3) as pool: print(sum(pool.map(f, range(20))))"
_SERVER = (
    "import http.server, threading, urllib.request\nclass H(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n        self.send_response(200)\n        self.end_headers()\n        self.wfile.write(b'served')\n"
    "    def log_message(self, *a): pass\ns = http.server.HTTPServer(('127.0.0.1', 0), H)\n"
    "threading.Thread(target=s.serve_forever, daemon=True).start()\n"
    "print(urllib.request.urlopen(f'http://127.0.0.1:{s.server_port}').read().decode())"
)
_TESTS = (
    "cat > test_x.py <<'E'\nimport unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(1, 1)\nE\n"
    "python -m unittest -q test_x 2>&1 | tail -1"
)
_SUM = "import sys\nprint(sum(map(int, sys.stdin.read().split())))"

BENIGN = (
    Benign("read a line", "print(input()[::-1])", "desserts", stdin="stressed\n"),
    Benign("read a big stdin", _SUM, "20000100000", stdin="\n".join(map(str, range(1, 200001))) + "\n"),
    Benign("read line by line", "import sys\nprint(sum(1 for line in sys.stdin))", "50000", stdin="x\n" * 50000),
    Benign("unicode", "s = input()\nprint(s.upper(), len(s), '\\U0001f600')", "ÉΩ漢 3 😀", stdin="éω漢\n"),
    Benign("recursion", _RECURSION, "20000"),
    Benign("classes", _CLASSES, "1 RED"),
    Benign("generators", "def g():\n    a, b = 0, 1\n    while True:\n        yield a\n        a, b = b, a + b\nimport itertools\nprint(list(itertools.islice(g(), 8)))", "[0, 1, 1, 2, 3, 5, 8, 13]"),
    Benign("exceptions", "try:\n    {}['a']\nexcept KeyError as e:\n    print(repr(e))\nfinally:\n    print('end')", "KeyError('a')\nend"),
    Benign("big numbers", "print(len(str(3 ** 8000)), pow(7, 10 ** 18, 10 ** 9 + 7) > 0)", "3817 True"),
    Benign("much memory", "a = bytearray(300 << 20)\nprint(len(a))", str(300 << 20)),
    Benign("much output", "for n in range(20000): print(n)", "\n".join(map(str, range(20000)))),
    Benign("threads", _THREADS, "328350"),
    Benign("coroutines", _ASYNC, "1225"),
    Benign("files", _FILES, "{'a': [1]} ['c.json', 'd']"),
    Benign("a data base", _SQL, "3"),
    Benign("a mapped file", _MAPPED, "hi"),
    Benign("the standard library", _MODULES, "2d711642 32"),
    Benign("clocks and random numbers", "import os, random, time\nt = time.monotonic()\ntime.sleep(0.01)\nprint(time.monotonic() > t, len(os.urandom(8)), 0 <= random.random() < 1)", "True 8 True"),
    Benign("signals and timers", "import signal\nsignal.signal(signal.SIGALRM, lambda *a: print('rang'))\nsignal.setitimer(signal.ITIMER_REAL, 0.02)\nsignal.pause()", "rang"),
    Benign("numpy", _NUMPY, "81.0 4.0"),
    Benign("a whole processor's work", "print(sum(n * n for n in range(2000000)))", "2666664666667000000"),
    Benign("processes", _PROCESSES, "2470", "process"),
    Benign("a child", "import subprocess\nprint(subprocess.run(['echo', 'hi'], capture_output=True, text=True, check=True).stdout)", "hi", "process"),
    Benign("a server on loopback", _SERVER, "served", "process"),
    Benign("a pipe of commands", "seq 1000 | grep 7 | sort -r | wc -l", "271", "shell"),
    Benign("a shell's own jobs", "for n in 1 2 3; do sleep 0.05 & done; wait; kill -0 $$ && echo $((6 * 7))", "42", "shell"),
    Benign("zeros from the device", "head -c 1000 /dev/zero | wc -c; dd if=/dev/zero of=z bs=1k count=4 2>/dev/null; wc -c < z", "1000\n4096", "shell"),
    Benign("tests", _TESTS, "OK", "shell"),
    Benign("a session that remembers", "x = 20\ndef f(n): return n * 2\n---\nprint('hi')\n---\nf(x) + 2", "42", "session"),
    Benign("a session that goes on after an error", "x = 1\n---\n1 / 0\n---\nx", "1", "session"),
)  # fmt: skip
