"""A session's channel: forged, stuffed, closed, flooded; what a call leaves running."""

from __future__ import annotations

import time

from gym_llm.sandbox.battery.attack import BUSY, SHORT, Attack, Way
from gym_llm.sandbox.battery.trial import Trial

_MANY = 100  # of the 180 that are sent; other trials open some, too
_SESSION: tuple[Way, ...] = ("session",)
_FRAME = "import json\ndef frame(body): os.write(CHANNEL, len(body).to_bytes(4, 'little') + body)\n"
_CHANNEL = "CHANNEL = next((n for n in range(3, 64) if os.path.exists(f'/proc/self/fd/{n}') and 'socket' in os.readlink(f'/proc/self/fd/{n}')), 3)\n"
_HEAD = _CHANNEL + _FRAME
_ANY = r"ended by|Errno|ABSENT|exited|replied|signal"


def _goes_on(trial: Trial) -> str:
    """The session answers the next call, or begins anew."""
    reply = trial.call("40 + 2")
    if reply.restarted or reply.reason != "done":
        reply = trial.call("40 + 2")
    return "" if reply.result == "42" else f"the session is broken: {reply}"


def _burns_no_more(trial: Trial) -> str:
    """What a forged reply left running is ended by the budget of the call."""
    time.sleep(4)
    reply = trial.call("time.process_time()")
    used = float(reply.result or 0)
    return f"it used {used:.1f} s of CPU" if used > 2 * SHORT.cpu + 0.5 else ""


def _holds_no_descriptors(trial: Trial) -> str:
    return "the host got descriptors" if trial.new_descriptors() > _MANY else _goes_on(trial)


def _session(name: str, text: str, by: str = _ANY) -> Attack:
    return Attack(name, _HEAD + text, _SESSION, SHORT, by, check=_goes_on)


ATTACKS = (
    _session("answer for the session", 'frame(b\'{"result": "forged", "error": null}\')\nabsent(\'forged\')'),
    _session("answer with no text", 'frame(b\'{"result": {"a": [1]}, "error": 7, "stdout": 5}\')\nabsent(\'forged\')'),
    _session("answer with no object", "frame(b'[1, 2]')\ntime.sleep(0.2)"),
    _session("answer with no JSON", "frame(b'\\xff{\"result')\ntime.sleep(0.2)"),
    _session("answer with a depth of a million", "frame(b'[' * 1000000)\ntime.sleep(0.2)"),
    _session("answer with a long number", "frame(b'{\"result\": ' + b'9' * 1000000 + b'}')\ntime.sleep(0.2)"),
    _session("announce four gigabytes", "os.write(CHANNEL, b'\\xff\\xff\\xff\\xff' + bytes(100))\ntime.sleep(0.5)"),
    _session("flood the channel", "while True: os.write(CHANNEL, bytes(65536))"),
    _session("answer by halves", "os.write(CHANNEL, b'\\x40\\0\\0\\0{')\ntime.sleep(60)"),
    _session("close the channel", "os.close(CHANNEL)\ntime.sleep(60)"),
    _session("end the process", "os._exit(0)"),
    _session("leave by exit", "sys.exit(0)", by="SystemExit"),
    _session(
        "print what cannot be shown",
        "class E(Exception):\n    def __str__(self): raise E()\n    __repr__ = __str__\nraise E()",
        by="E|Errno",
    ),
    _session(
        "return what cannot be shown", "class R:\n    def __repr__(self): raise MemoryError\nR()", by="MemoryError"
    ),
    _session("return an endless text", "class R:\n    def __repr__(self): return 'x' * 30000000\nR()", by="xxxx"),
    _session(
        "replace the session's own functions",
        "import json, builtins\nframe_ = sys._getframe()\nwhile frame_:\n    frame_.f_globals.update(_send=None, execute=None, _receive=None)\n    frame_ = frame_.f_back\nabsent('replaced')",
        by=_ANY + "|TypeError",
    ),
    _session("replace the standard streams", "sys.stdout = sys.stderr = None\nabsent('replaced')"),
    Attack(
        "send descriptors to the host",
        _HEAD
        + "import array, socket\ns = socket.socket(fileno=os.dup(CHANNEL))\nfor n in range(60):\n    s.sendmsg([b'\\x02'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0, 1, 2]))])\ntime.sleep(0.3)",
        _SESSION,
        SHORT,
        _ANY,
        check=_holds_no_descriptors,
    ),
    Attack(
        "go on after a forged answer",
        _HEAD + 'frame(b\'{"result": null, "error": null}\')\nwhile True: pass',
        _SESSION,
        BUSY,
        _ANY,
        check=_burns_no_more,
    ),
    Attack(
        "go on in a thread",
        "import threading\nCOUNT = 0\ndef f():\n    global COUNT\n    while True: pass\nthreading.Thread(target=f, daemon=True).start()\nabsent('started')",
        _SESSION,
        SHORT,
        _ANY,
        check=_burns_no_more,
    ),
)
