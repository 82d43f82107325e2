"""Reading what is not meant for a run: files, variables, memory, other runs."""

from __future__ import annotations

from gym_llm.sandbox.battery.attack import BOTH, Attack

_ALL = (*BOTH, "session")
_MEMORY = r"""
import re
def read(pid):
    found, total = False, 0
    with open('/proc/' + pid + '/maps') as maps, open('/proc/' + pid + '/mem', 'rb', 0) as memory:
        for line in maps:
            low, high = (int(part, 16) for part in line.split()[0].split('-'))
            if 'rw' not in line or high - low > 64 << 20 or total > 400 << 20:
                continue
            total += high - low
            try:
                memory.seek(low)
                data = memory.read(high - low)
            except (OSError, ValueError):
                continue
            for token in set(re.findall(rb'gymllm-[a-z]+-[0-9a-f]{24}', data)) - {E['MARK'].encode()}:
                os.write(1, token + b'\n')
                found = True
    if not found:
        raise OSError(2, 'no secret in its memory')
first(read, [p for p in (str(os.getppid()), E['BYSTANDER'], '1') if p != '0' and p != str(os.getpid())])
"""
_OBJECTS = r"""
import gc, re
found, frame = set(), sys._getframe()
def look(value, depth=2):
    if isinstance(value, (str, bytes)):
        text = value if isinstance(value, str) else value.decode('latin-1')
        found.update(re.findall('gymllm-[a-z]+-[0-9a-f]{24}', text))
    elif depth and isinstance(value, dict):
        for item in list(value.values()): look(item, depth - 1)
    elif depth and isinstance(value, (list, tuple)):
        for item in value: look(item, depth - 1)
while frame:
    look(dict(frame.f_locals)); frame = frame.f_back
for value in gc.get_objects():
    look(value)
for module in list(sys.modules.values()): look(getattr(module, '__dict__', {}))
print(found - {E['MARK']}) if found else absent('no secret among the objects')
absent('looked at everything')
"""
_PROC = r"""
import base64, zlib
packed = []
for folder, folders, files in os.walk('/proc'):
    folders[:] = [f for f in folders if f not in ('task', 'sys', 'map_files', 'fs', 'irq')]
    for name in files:
        if name in ('kmsg', 'mem', 'pagemap', 'kcore', 'trace_pipe', 'clear_refs', 'kpagecount', 'kpageflags', 'kpagecgroup', 'smaps'):
            continue
        try:
            with open(os.open(folder + '/' + name, os.O_RDONLY | os.O_NONBLOCK), 'rb') as file:
                packed.append(file.read(20000))
        except OSError:
            pass
    if len(packed) > 3000: break
data = b'\0'.join(packed)
for token in set(__import__('re').findall(rb'gymllm-[a-z]+-[0-9a-f]{24}', data)): print(token)
absent(f'{len(packed)} files of /proc')
"""
_NEIGHBOUR = "for folder in ('.', '/tmp', '/dev/shm'): open(folder + '/' + E['MARK'] + 'beside.txt', 'w').write(E['BESIDE'])\ntime.sleep(1.2)"
_NEIGHBOURS_FILES = r"""
time.sleep(0.4)
from glob import glob
for pattern in ('/sandbox/**/*beside.txt', '/spaces/**/*beside.txt', '/tmp/**/*beside.txt', '/dev/shm/*beside.txt', '../**/*beside.txt',
                '/proc/[0-9]*/cwd/*beside.txt', '/proc/[0-9]*/root/tmp/*beside.txt', '/sandbox/../spaces/*/*'):
    for path in glob(pattern, recursive=True):
        print(open(path).read())
absent('no file of the other run')
"""
_NEIGHBOURS_MEMORY = r"""
time.sleep(0.4)
for pid in (p for p in os.listdir('/proc') if p.isdigit()):
    for name in ('environ', 'cmdline'):
        try:
            text = open('/proc/' + pid + '/' + name, 'rb').read()
        except OSError:
            continue
        for token in __import__('re').findall(rb'gymllm-beside-[0-9a-f]{24}', text):
            os.write(1, token)
absent('no other run')
"""
_WATCH = r"""
watch = libc.inotify_init1(os.O_NONBLOCK)
libc.inotify_add_watch(watch, os.path.dirname(os.__file__).encode(), 0x20 | 0x1)
time.sleep(1)
try:
    seen = os.read(watch, 65536)
except BlockingIOError:
    seen = b''
through('saw another run read os.py') if b'os.py' in seen else absent('saw nothing')
"""
_READ_OFTEN = "for _ in range(20):\n    open(os.__file__).read()\n    time.sleep(0.08)"
_NAME = (
    "names = [os.uname().nodename]\n"
    "names += [open(path).read().strip() for path in ('/etc/hostname', '/etc/mailname') if os.path.exists(path)]\n"
    "through(names) if E['MACHINE'] in names else absent(names)"
)
_FILES = "first(lambda path: open(path, 'rb').read(1), {paths})"

ATTACKS = (
    Attack("read a file of the machine", "print(open(E['SECRET_FILE']).read())", _ALL),
    Attack("read a file of the machine from a shell", 'cat "$SECRET_FILE" "/proc/1/root$SECRET_FILE"', ("shell",)),
    Attack(
        "read it by the roots and folders of processes",
        "import glob\nfirst(lambda top: print(open(top + E['SECRET_FILE']).read()), glob.glob('/proc/[0-9]*/root') + glob.glob('/proc/[0-9]*/cwd/../../../..'))",
    ),
    Attack("read it by a link", "os.symlink(E['SECRET_FILE'], 'link')\nprint(open('link').read())", _ALL),
    Attack("read it by a hard link", "os.link(E['SECRET_FILE'], 'link')\nprint(open('link').read())"),
    Attack(
        "read variables",
        "print(dict(os.environ), open('/proc/self/environ').read())\nabsent('no secret among them')",
        _ALL,
    ),
    Attack(
        "read variables from a shell", "env; export -p; tr '\\0' '\\n' </proc/self/environ; echo ABSENT >&2", ("shell",)
    ),
    Attack(
        "read variables of other processes",
        "first(lambda pid: print(open('/proc/' + pid + '/environ').read()), [E['BYSTANDER'], str(os.getppid())])",
    ),
    Attack("read the memory of other processes", _MEMORY),
    Attack("read frames and objects", _OBJECTS, _ALL),
    Attack("read all of /proc", _PROC),
    Attack(
        "use descriptors that were left open",
        "left = [fd for fd in range(3, 1024) if os.path.exists(f'/proc/self/fd/{fd}') and os.readlink(f'/proc/self/fd/{fd}')]\nthrough(left) if left else absent('none')",
    ),
    Attack(
        "read passwords and keys",
        _FILES.format(
            paths="['/etc/shadow', '/etc/gshadow', '/root/.ssh/id_rsa', '/root/.bashrc', '/root/.profile', '/etc/ssh/ssh_host_rsa_key', '/etc/machine-id']"
        ),
    ),
    Attack(
        "list homes",
        "found = [d for top in ('/home', '/root', '/srv', '/mnt', '/media', '/run', '/work') if os.path.isdir(top) and os.access(top, os.R_OK) for d in os.listdir(top)]\nhere = [p.split('/')[2] for p in sys.path if p.count('/') > 2]\nfound = [d for d in found if d not in here and not os.path.dirname(sys.executable).count('/' + d + '/')]\nthrough(found[:5]) if found else absent('no homes')",
    ),
    Attack(
        "read this package's tasks and answers",
        "import glob\nfound = [f for p in sys.path for f in glob.glob(p + '/gym_llm/envs/*/data/*')]\nthrough(found[:2]) if found else absent('no tasks')",
        _ALL,
    ),
    Attack(
        "import this package",
        "try:\n    import gym_llm.core\nexcept ModuleNotFoundError as error:\n    absent(error)\nelse:\n    through(gym_llm.__file__)",
        _ALL,
    ),
    Attack(
        "speak to the container engine",
        "import socket\nfirst(lambda p: socket.socket(socket.AF_UNIX).connect(p), ['/var/run/docker.sock', '/run/containerd/containerd.sock', '/run/dbus/system_bus_socket'])",
    ),
    Attack(
        "read addresses of the kernel",
        "line = open('/proc/kallsyms').readline()\nthrough(line) if int(line.split()[0], 16) else absent(line)",
    ),
    Attack(
        "read physical addresses",
        "data = os.pread(os.open('/proc/self/pagemap', os.O_RDONLY), 8, id(os) // 4096 * 8)\npage = int.from_bytes(data, 'little') & ((1 << 55) - 1)\nthrough(page) if page else absent('no address')",
    ),
    Attack("tell the machine's name", _NAME, _ALL),
    Attack(
        "list the machine's hardware",
        "tops = [top for top in ('/sys/class/net', '/sys/block', '/sys/bus', '/sys/devices') if os.path.isdir(top)]\n"
        "found = [d for top in tops for d in os.listdir(top)]\nthrough(found[:5]) if found else absent('no devices')",
        BOTH,
    ),
    Attack("read another run's files", _NEIGHBOURS_FILES, (*BOTH, "session"), beside=_NEIGHBOUR),
    Attack("read another run's files from a workspace", _NEIGHBOURS_FILES, workspace=True, beside=_NEIGHBOUR),
    Attack("read another run's variables", _NEIGHBOURS_MEMORY, beside="time.sleep(1)"),
    Attack("watch what others read", _WATCH, ("compute",), beside=_READ_OFTEN),
)
