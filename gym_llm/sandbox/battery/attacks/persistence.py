"""Staying: processes that outlive the run, traces for the next one, a poisoned warm interpreter."""

from __future__ import annotations

from gym_llm.sandbox.battery.attack import BOTH, Attack

_GONE = "ABSENT|Errno|exited|ended by (wall|cpu|memory)|Resource temporarily"
_DAEMON = r"""
line = ['bash', '-c', 'trap "" TERM HUP INT; sleep 9; true ' + E['MARK']]
{first}
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        {prepare}
        os.execvp('bash', line)
    os._exit(0)
time.sleep(0.3)
absent('left a daemon')
"""
_LEAVE = r"""
for path in ('/tmp', '/dev/shm', '/var/tmp', '.', '..', '/sandbox', '/run', E.get('HOME', '/'), '/opt/gym-llm'):
    try:
        open(path + '/' + E['MARK'], 'w').close()
    except OSError as error:
        print(error, file=sys.stderr)
absent('left files')
"""
_FOUND = r"""
found = [p for p in ('/tmp', '/dev/shm', '/var/tmp', '.', '..', '/sandbox', '/run', E.get('HOME', '/')) if os.path.exists(p + '/' + E['MARK'])]
if found: through(found)
"""
_POISON = r"""
import builtins, json, random, threading, re
def poisoned(*a, **k): return 'poisoned'
json.loads = re.compile = random.random = builtins.sorted = os.getcwd = poisoned
builtins.poison = sys.poison = True
sys.modules['decimal'] = sys
sys.path.insert(0, '/poison'); sys.meta_path.insert(0, None); sys.path_hooks.insert(0, poisoned)
sys.setrecursionlimit(77); os.environ['POISON'] = '1'; random.seed(7)
os.umask(0o777); signal.signal(signal.SIGINT, signal.SIG_IGN); os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
absent('poisoned itself')
"""
_IS_POISONED = r"""
import builtins, json
signs = [hasattr(builtins, 'poison'), hasattr(sys, 'poison'), json.loads('1') != 1, 'POISON' in os.environ,
    '/poison' in sys.path, None in sys.meta_path, sys.getrecursionlimit() == 77, sys.modules.get('decimal') is sys,
    os.umask(0o22) != 0o22, signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
    len(os.sched_getaffinity(0)) == 1 != os.cpu_count()]
if any(signs): through(signs)
"""
_MEMORY = r"""
import struct
with open('/proc/self/maps') as maps, open('/proc/self/mem', 'r+b', 0) as memory:
    for line in maps:
        if 'r-xp' in line and ('python' in line or 'libc' in line):
            memory.seek(int(line.split('-')[0], 16) + 0x40)
            memory.write(b'poisonpoisonpoison')
absent('wrote its own code')
"""
_MEMORY_POISONED = r"""
with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as memory:
    for line in maps:
        if 'r-xp' in line and ('python' in line or 'libc' in line):
            memory.seek(int(line.split('-')[0], 16) + 0x40)
            if memory.read(6) == b'poison': through(line)
"""
_STARTUP = r"""
home = E.get('HOME', '/tmp')
version = 'python%d.%d' % sys.version_info[:2]
for path in (home + '/.local/lib/' + version + '/site-packages/usercustomize.py', 'sitecustomize.py', home + '/.pythonrc'):
    try:
        os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
        open(path, 'w').write('import sys; sys.poison = 1')
    except OSError as error:
        print(error, file=sys.stderr)
absent('left start files')
"""

ATTACKS = (
    Attack("leave a daemon", _DAEMON.format(first="", prepare="pass"), ("process",), by=_GONE),
    Attack(
        "leave a daemon that closed everything",
        _DAEMON.format(first="", prepare="os.closerange(0, 64)"),
        ("process",),
        by=_GONE,
    ),
    Attack(
        "leave a daemon as a reaper",
        _DAEMON.format(first="libc.prctl(36, 1, 0, 0, 0)", prepare="pass"),
        ("process",),
        by=_GONE,
    ),
    Attack(
        "leave a brother",
        "pid = syscall('clone', 0x8000 | 17, 0, 0, 0, 0)\nif pid == 0:\n    os.setsid()\n    os.execvp('bash', ['bash', '-c', 'sleep 9; true ' + E['MARK']])\ntime.sleep(0.2)\nabsent('left a brother')",
        ("process",),
        by=_GONE,
    ),
    Attack(
        "leave a job of the shell",
        'setsid bash -c "trap \'\' TERM HUP; sleep 9; true $MARK" & disown; nohup bash -c "sleep 9; true $MARK" >/dev/null 2>&1 & sleep 0.2; echo ABSENT >&2',
        ("shell",),
        by=_GONE,
    ),
    Attack(
        "leave a stopped process",
        'bash -c "sleep 9; true $MARK" & kill -STOP $!; sleep 0.1; echo ABSENT >&2',
        ("shell",),
        by=_GONE,
    ),
    Attack(
        "leave many generations",
        'bash -c "(((sleep 9; true $MARK) & sleep 9; true $MARK) & sleep 9; true $MARK) & true"; sleep 0.2; echo ABSENT >&2',
        ("shell",),
        by=_GONE,
    ),
    Attack(
        "leave a timed job",
        "first(lambda p: os.close(os.open(p, os.O_RDWR)), ['/etc/crontab', '/etc/profile', '/etc/bash.bashrc', '/root/.bashrc'])",
    ),
    Attack("leave files", _LEAVE, (*BOTH, "session"), then=_FOUND),
    Attack("leave start files for interpreters", _STARTUP, then="if hasattr(sys, 'poison'): through('poisoned')"),
    Attack("poison modules", _POISON, (*BOTH, "session"), then=_IS_POISONED, by="ABSENT|Errno"),
    Attack("poison the interpreter's code", _MEMORY, then=_MEMORY_POISONED, by="ABSENT|Errno|signal"),
    Attack(
        "leave shared memory under a key",
        "libc.shmget(0x67796d, 64, 0o1600)\nabsent('left')",
        then="libc.shmctl(libc.shmget(0x67796d, 64, 0), 0, 0)\nthrough('shared memory')",
    ),
    Attack(
        "leave a key",
        "syscall('add_key', b'user', b'gym-llm-key', b'x', 1, -4)\nabsent('left')",
        then="key = syscall('request_key', b'user', b'gym-llm-key', 0, -4)\nsyscall('keyctl', 9, key, -4)\nthrough('a key')",
    ),
    Attack(
        "leave a socket",
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind('\\0left' + E['MARK'])\nabsent('left')",
        then="import socket\nsocket.socket(socket.AF_UNIX).connect('\\0left' + E['MARK'])\nthrough()",
    ),
)
