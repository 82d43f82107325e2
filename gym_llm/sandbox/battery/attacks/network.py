"""Reaching anything that listens, on this machine or beyond. No packet leaves the loopback interface."""

from __future__ import annotations

from gym_llm.sandbox.battery.attack import BOTH, Attack

_ALL = (*BOTH, "session")
_S = "import socket\n"

ATTACKS = (
    Attack(
        "connect to a port of the machine",
        _S + "socket.create_connection(('127.0.0.1', int(E['TCP'])), 2).send(b'x')",
        _ALL,
    ),
    Attack("connect from a shell", 'exec 3<>"/dev/tcp/127.0.0.1/$TCP"; echo x >&3', ("shell",)),
    Attack(
        "send a datagram",
        _S
        + "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.connect(('127.0.0.1', int(E['UDP'])))\ns.send(b'x')\ntime.sleep(0.05)\ns.send(b'x')\nabsent('sent to nobody')",
        _ALL,
    ),
    Attack("connect to an abstract socket", _S + "socket.socket(socket.AF_UNIX).connect('\\0' + E['ABSTRACT'])", _ALL),
    Attack("connect to a socket in a folder", _S + "socket.socket(socket.AF_UNIX).connect(E['UNIX_PATH'])"),
    Attack(
        "send to a socket without connecting",
        _S + "a, b = socket.socketpair(type=socket.SOCK_DGRAM)\na.sendto(b'x', '\\0' + E['ABSTRACT'] + 'd')",
    ),
    Attack(
        "find a way out",
        _S
        + "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.connect(('192.0.2.1', 53))\nthrough(s.getsockname())",
        _ALL,
    ),
    Attack(
        "find a way out by the other protocol",
        _S
        + "s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\ns.connect(('2001:db8::1', 53))\nthrough(s.getsockname())",
    ),
    Attack(
        "resolve a name",
        _S
        + "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nservers = [l.split()[1] for l in open('/etc/resolv.conf') if l.startswith('nameserver')]\nfirst(lambda a: s.connect((a, 53)), servers)",
    ),
    Attack("open a raw socket", _S + "through(socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))"),
    Attack("open a packet socket", _S + "through(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))"),
    Attack("speak to the kernel's network", _S + "through(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))"),
    Attack(
        "open sockets of rare families",
        _S + "first(lambda f: socket.socket(f, socket.SOCK_DGRAM), [40, 38, 29, 31, 9, 16, 30, 44])",
    ),
    Attack(
        "speak to the virtual machine's host", _S + "s = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)\nthrough(s)"
    ),
    Attack(
        "see the machine's interfaces",
        "names = [l.split(':')[0].strip() for l in open('/proc/net/dev') if ':' in l]\nothers = [n for n in names if n not in ('lo', 'sit0', 'tunl0', 'ip6tnl0', 'gre0', 'gretap0', 'erspan0', 'ip_vti0', 'ip6_vti0', 'ip6gre0', 'teql0', 'dummy0', 'bond0')]\nthrough(others) if others else absent(names)",
    ),
    Attack(
        "serve the machine",
        _S + "s = socket.create_server(('127.0.0.1', int(E['TCP'])))\nabsent('its own loopback')",
        ("process",),
        by="ABSENT|Errno",
    ),
)
