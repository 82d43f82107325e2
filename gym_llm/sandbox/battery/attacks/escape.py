"""Getting out: by settings of the kernel, mounts, namespaces, other processes, privileges."""

from __future__ import annotations

from gym_llm.sandbox.battery.attack import BOTH, Attack

_OPEN = "first(lambda path: os.close(os.open(path, {flags})), {paths})"


def _opening(name: str, paths: str, flags: str = "os.O_RDWR") -> Attack:
    return Attack(name, _OPEN.format(flags=flags, paths=paths))


ATTACKS = (
    _opening("set a program for core dumps", "['/proc/sys/kernel/core_pattern']"),
    _opening("set a helper for device events", "['/sys/kernel/uevent_helper', '/proc/sys/kernel/hotplug']"),
    _opening("set the program that loads modules", "['/proc/sys/kernel/modprobe', '/proc/sys/kernel/poweroff_cmd']"),
    _opening("open the keys of the machine", "['/proc/sysrq-trigger']", "os.O_WRONLY"),
    _opening(
        "set the agent of a control group",
        "__import__('glob').glob('/sys/fs/cgroup/**/release_agent', recursive=True) or ['/sys/fs/cgroup/release_agent']",
    ),
    _opening("register an interpreter of binaries", "['/proc/sys/fs/binfmt_misc/register']", "os.O_WRONLY"),
    _opening(
        "write settings of virtual memory",
        "['/proc/sys/vm/drop_caches', '/proc/sys/vm/overcommit_memory', '/proc/sys/kernel/randomize_va_space']",
        "os.O_WRONLY",
    ),
    _opening("open physical memory", "['/dev/mem', '/dev/kmem', '/dev/port', '/proc/kcore']", "os.O_RDONLY"),
    _opening("open disks", "__import__('glob').glob('/dev/[svn][dv][a-m]*') or ['/dev/sda']", "os.O_RDONLY"),
    _opening(
        "open devices",
        "['/dev/kvm', '/dev/fuse', '/dev/net/tun', '/dev/loop-control', '/dev/kmsg', '/dev/vsock', '/dev/userfaultfd']",
    ),
    _opening("change the interpreter", "[sys.executable, os.__file__, os.path.dirname(os.__file__) + '/abc.py']"),
    _opening(
        "change the system",
        "['/etc/passwd', '/etc/ld.so.preload', '/etc/ld.so.cache', '/bin/sh', '/usr/bin/env', '/opt/gym-llm/gym_llm/sandbox/inside/zygote.py', '/opt/gym-llm/x']",
    ),
    Attack("overwrite a file of the machine", "open(E['TARGET_FILE'], 'w').write('changed')"),
    Attack(
        "overwrite a file by the roots of processes",
        "import glob\nfirst(lambda root: open(root + E['TARGET_FILE'], 'w').write('changed'), glob.glob('/proc/[0-9]*/root') + ['/proc/self/root'])",
    ),
    Attack(
        "mount a file system",
        "os.mkdir('m')\nlibc.mount(b'x', b'm', b'tmpfs', 0, None)\nlibc.umount2(b'm', 2)\nthrough()",
    ),
    Attack(
        "bind the root of the machine",
        "os.mkdir('m')\nlibc.mount(b'/', b'm', None, 4096, None)\nlibc.umount2(b'm', 2)\nthrough()",
    ),
    Attack("open a file system by the new calls", "through(syscall('fsopen', b'tmpfs', 0))"),
    Attack("clone the tree of mounts", "through(syscall('open_tree', -100, b'/', 1))"),
    Attack("change the flags of a mount", "through(syscall('mount_setattr', -100, b'/', 0, bytes(32), 32))"),
    Attack("leave by a user namespace", "libc.unshare(0x10000000 | 0x20000)\nthrough()"),
    Attack("leave by a network namespace", "libc.unshare(0x40000000)\nthrough()"),
    Attack(
        "clone into a user namespace",
        "pid = syscall('clone', 0x10000000 | 17, 0, 0, 0, 0)\nif pid == 0: os._exit(0)\nthrough(pid)",
    ),
    Attack(
        "clone into a user namespace by the new call",
        "import struct\npid = syscall('clone3', struct.pack('8Q', 0x10000000, 0, 0, 0, 17, 0, 0, 0), 64)\nif pid == 0: os._exit(0)\nthrough(pid)",
    ),
    Attack(
        "join the namespaces of others",
        "def join(pid):\n    fd = os.open('/proc/' + pid + '/ns/mnt', os.O_RDONLY)\n    libc.setns(fd, 0)\nfirst(join, [E['BYSTANDER'], '1'])",
    ),
    Attack(
        "change the root folder and climb",
        "os.mkdir('r')\nlibc.chroot(b'r')\nos.chdir('../../../../..')\nlibc.chroot(b'.')\nthrough(os.listdir('.'))",
    ),
    Attack("exchange the root", "libc.syscall(SYS['pivot_root'], b'.', b'.')\nthrough()"),
    Attack(
        "open files by their handles",
        "import struct\nroot = os.open('/', os.O_RDONLY)\nthrough(syscall('open_by_handle_at', root, struct.pack('IiQ', 8, 1, 2), 0))",
    ),
    Attack("fork", "pid = os.fork()\nif pid == 0: os._exit(0)\nthrough(pid)", ("compute", "session")),
    Attack(
        "fork by hand",
        "pid = syscall('clone', 17, 0, 0, 0, 0)\nif pid == 0: os._exit(0)\nthrough(pid)",
        ("compute", "session"),
    ),
    Attack("execute", "os.execv('/bin/echo', ['echo', 'THR' + 'OUGH'])", ("compute", "session")),
    Attack("spawn", "through(os.posix_spawn('/bin/true', ['true'], {}))", ("compute", "session")),
    Attack("execute from memory", "fd = libc.memfd_create(b'x', 0)\nthrough(fd)"),
    Attack("become root", "os.setresuid(0, 0, 0)\nthrough()", (*BOTH, "session")),
    Attack(
        "take every capability",
        "import struct\nlibc.capset(struct.pack('Ii', 0x20080522, 0), struct.pack('6I', *[0xffffffff] * 6))\nthrough()",
    ),
    Attack(
        "gain rights by setuid programs",
        "status = dict(line.split(':', 1) for line in open('/proc/self/status') if ':' in line)\nif int(status['NoNewPrivs']): absent('no new privileges')\nelse: through('privileges can be gained')",
    ),
    Attack("give files to root", "open('f', 'w').close()\nos.chown('f', 0, 0)\nos.chmod('f', 0o4755)\nthrough()"),
    Attack("make a device", "import stat\nos.mknod('dev', 0o600 | stat.S_IFCHR, os.makedev(1, 1))\nthrough()"),
    Attack(
        "trace another process",
        "def seize(pid):\n    libc.ptrace(0x4206, int(pid), 0, 0)\nfirst(seize, [E['BYSTANDER'], '1', str(os.getppid() or 1)])",
    ),
    Attack("signal another process", "first(lambda pid: os.kill(pid, 0), [int(E['BYSTANDER'])])", (*BOTH, "session")),
    Attack(
        "signal another process by its descriptor",
        "fd = syscall('pidfd_open', int(E['BYSTANDER']), 0)\nthrough(syscall('pidfd_send_signal', fd, 0, 0, 0))",
    ),
    Attack(
        "take a descriptor of another process",
        "fd = syscall('pidfd_open', int(E['BYSTANDER']) if outside() else 1, 0)\nthrough(syscall('pidfd_getfd', fd, 0, 0))",
    ),
    Attack(
        "write another process's memory",
        "first(lambda pid: open('/proc/' + pid + '/mem', 'r+b').close(), [E['BYSTANDER'], str(os.getppid() or 2), '1'] if os.getpid() != 1 else [E['BYSTANDER']])",
    ),
    Attack(
        "limit another process", "import resource\nthrough(resource.prlimit(int(E['BYSTANDER']), resource.RLIMIT_CORE))"
    ),
    Attack(
        "see other processes",
        "if outside(): through('the bystander')\nelse: absent([p for p in os.listdir('/proc') if p.isdigit()])",
        (*BOTH, "session"),
    ),
)
