# SPDX-License-Identifier: Apache-2.0
"""Namespaces, cables and tunnels of the benchmarks.

Everything is made once and lives until the kernel that ran the benchmark
ends. A Pair is two namespaces, a veth cable between them and a tunnel over
it; the same addresses are used in each pair.
"""

import contextlib
import ctypes
import itertools
import os
import socket
import subprocess
import time

import genl

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
# What a tunnel takes from the underlay's MTU, over IPv6, as wg-quick reckons.
OVERHEAD = 80
PORT = 51820

counter = itertools.count(1)
HOME = os.open("/proc/self/ns/net", os.O_RDONLY)


def run(*command):
    """Run a command; its output is in the error when it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def ip(ns, *words):
    """ip(8) in a namespace."""
    return run("ip", "-n", ns, *words)


def namespace(hint):
    """A new network namespace; returns its name."""
    name = f"{hint}{next(counter)}"
    run("ip", "netns", "add", name)
    ip(name, "link", "set", "lo", "up")
    return name


@contextlib.contextmanager
def inside(ns):
    """The calling thread, and what it starts, is in the namespace meanwhile."""
    fd = os.open(f"/run/netns/{ns}", os.O_RDONLY)
    try:
        if LIBC.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {ns}")
    finally:
        os.close(fd)
    try:
        yield
    finally:
        if LIBC.setns(HOME, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns back")


def sysctl(ns, key, value):
    """Write a network sysctl of a namespace."""
    with inside(ns), open("/proc/sys/net/" + key, "w", encoding="ascii") as file:
        file.write(str(value))


def cable(ns_a, dev_a, ns_b, dev_b, mtu=1500, nic=False, napi=False):
    """A veth pair. nic: no UDP segmentation offload at the sender and GRO at
    the receiver, as with a plain network card; napi: GRO only, which makes a
    veth receive in NAPI mode."""
    run("ip", "link", "add", "name", dev_a, "netns", ns_a, "mtu", str(mtu), "type", "veth",
        "peer", "name", dev_b, "netns", ns_b, "mtu", str(mtu))
    for ns, dev in (ns_a, dev_a), (ns_b, dev_b):
        if nic:
            offload(ns, dev, "tx-udp-segmentation", "off")
        if nic or napi:
            offload(ns, dev, "gro", "on")
        ip(ns, "link", "set", "dev", dev, "up")


def offload(ns, dev, feature, value):
    """ethtool -K."""
    with inside(ns):
        run("ethtool", "-K", dev, feature, value)


def address(ns, dev, *addresses):
    """Give addresses, without duplicate address detection."""
    for text in addresses:
        ip(ns, "addr", "add", text, "dev", dev, *(["nodad"] if ":" in text else []))


def control(kind):
    """The netlink client of a kind, for the namespace that the caller is in."""
    return genl.WireGuard() if kind == "wireguard" else genl.Mmesh()


# Kinds of tunnel ends: rtnetlink kind and cipher suite.
ENDS = {
    "wireguard": ("wireguard", "wireguard"),
    "mmesh-wg": ("mmesh", "wireguard"),
    "mmesh-aes": ("mmesh", "aes256gcm"),
}


class End:
    """One end of a tunnel: a WireGuard or mmesh device with an identity."""

    def __init__(self, ns, dev, kind, port=PORT):
        self.ns, self.dev, self.port = ns, dev, port
        self.link, self.suite = ENDS[kind]
        self.private = genl.private_key()
        self.public = genl.public_key(self.private)
        ip(ns, "link", "add", "name", dev, "type", self.link)
        with inside(ns):
            control(self.link).device(dev, self.private, port)

    def peer(self, other, prefixes, endpoint=None):
        """Know the other end."""
        with inside(self.ns):
            control(self.link).peer(self.dev, other.public, prefixes, endpoint, self.suite)

    def up(self, mtu, *addresses):
        """Addresses, and up."""
        address(self.ns, self.dev, *addresses)
        ip(self.ns, "link", "set", "dev", self.dev, "mtu", str(mtu), "up")


class Pair:
    """Two namespaces joined by a cable and by a tunnel over it.

    kinds: a kind for both ends or (kind, kind); kinds are those of ENDS and
    "plain", "vxlan", "esp" and "ovpn". outer: 4 or 6, the underlay's family. behind:
    prefixes that are reached through each end. Inner addresses are 10.1.0.1, fd01::1 and 10.1.0.2, fd01::2, underlay addresses
    10.0.0.x and fd00::x.
    """

    A, B = "10.1.0.1", "10.1.0.2"
    A6, B6 = "fd01::1", "fd01::2"

    def __init__(self, kinds, outer=4, mtu=1500, nic=False, behind=((), ())):
        kinds = (kinds, kinds) if isinstance(kinds, str) else kinds
        self.name = "-".join(dict.fromkeys(kinds))
        self.ns_a, self.ns_b = namespace("a"), namespace("b")
        cable(self.ns_a, "u", self.ns_b, "u", mtu, nic)
        address(self.ns_a, "u", "10.0.0.1/24", "fd00::1/64")
        address(self.ns_b, "u", "10.0.0.2/24", "fd00::2/64")
        self.mtu = mtu - OVERHEAD
        {"plain": self._plain, "vxlan": self._vxlan, "esp": self._esp, "ovpn": self._ovpn}.get(
            kinds[0], lambda: self._tunnel(kinds, outer, behind))()
        self._wait()

    def _sides(self):
        return ((self.ns_a, "10.0.0.1", "10.0.0.2", 1),
                (self.ns_b, "10.0.0.2", "10.0.0.1", 2))

    def _tunnel(self, kinds, outer, behind):
        ends = [End(ns, "t", kind) for ns, kind in zip((self.ns_a, self.ns_b), kinds)]
        far = ("10.0.0.2", "10.0.0.1") if outer == 4 else ("fd00::2", "fd00::1")
        for i in 0, 1:
            ends[i].peer(ends[1 - i], [f"10.1.0.{2 - i}/32", f"fd01::{2 - i}/128",
                                       *behind[1 - i]], (far[i], PORT))
            ends[i].up(self.mtu, f"10.1.0.{i + 1}/24", f"fd01::{i + 1}/64")
            for prefix in behind[1 - i]:
                ip(ends[i].ns, "route", "add", prefix, "dev", "t")
        self.end_a = ends[0]

    def _plain(self):
        for ns, _, _, n in self._sides():
            ip(ns, "link", "set", "dev", "u", "mtu", str(self.mtu))
            address(ns, "u", f"10.1.0.{n}/24", f"fd01::{n}/64")

    def _vxlan(self):
        for ns, local, remote, n in self._sides():
            ip(ns, "link", "add", "name", "t", "mtu", str(self.mtu), "type", "vxlan", "id", "1",
               "local", local, "remote", remote, "dstport", "4789", "dev", "u")
            address(ns, "t", f"10.1.0.{n}/24", f"fd01::{n}/64")
            ip(ns, "link", "set", "dev", "t", "up")

    def _ovpn(self):
        one, other = os.urandom(40), os.urandom(40)
        for ns, local, remote, n in self._sides():
            ip(ns, "link", "add", "name", "t", "mtu", str(self.mtu), "type", "ovpn")
            with inside(ns):
                # The device needs the socket for as long as it lives.
                sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                sock.bind((local, PORT))
                self.sockets = [*getattr(self, "sockets", []), sock]
                link = socket.if_nametoindex("t")
                client = genl.Ovpn()
                client.peer(link, sock, (remote, PORT))
                client.key(link, *((one, other) if n == 1 else (other, one)))
            address(ns, "t", f"10.1.0.{n}/24")
            ip(ns, "link", "set", "dev", "t", "up")

    def _esp(self):
        key = "0x" + os.urandom(36).hex()
        for ns, local, remote, n in self._sides():
            mine, theirs = f"10.1.0.{n}", f"10.1.0.{3 - n}"
            for src, dst, spi in (("10.0.0.1", "10.0.0.2", "0x100"),
                                  ("10.0.0.2", "10.0.0.1", "0x200")):
                ip(ns, "xfrm", "state", "add", "src", src, "dst", dst, "proto", "esp",
                   "spi", spi, "reqid", "1", "mode", "tunnel", "replay-window", "32",
                   "aead", "rfc4106(gcm(aes))", key, "128")
            for src, dst, direction, tmpl in ((mine, theirs, "out", (local, remote)),
                                              (theirs, mine, "in", (remote, local))):
                ip(ns, "xfrm", "policy", "add", "src", src, "dst", dst, "dir", direction,
                   "tmpl", "src", tmpl[0], "dst", tmpl[1], "proto", "esp", "reqid", "1",
                   "mode", "tunnel")
            address(ns, "lo", f"{mine}/32")
            ip(ns, "route", "add", theirs, "via", remote, "dev", "u", "src", mine,
               "mtu", str(self.mtu))

    def _wait(self):
        """Until the tunnel carries packets."""
        deadline = time.monotonic() + 10
        while True:
            with inside(self.ns_a):
                done = subprocess.run(["ping", "-q", "-c1", "-W1", self.B],
                                      stdin=subprocess.DEVNULL, capture_output=True,
                                      check=False)
            if not done.returncode:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name}: no packet comes through")


class Hub:
    """One device with n peers, each a device of its own in a second namespace.

    Peer i has the inner address 10.1.i.2, and the hub 10.1.i.1 for it.
    """

    def __init__(self, kind, n):
        self.n = n
        self.ns_a, self.ns_b = namespace("a"), namespace("b")
        cable(self.ns_a, "u", self.ns_b, "u")
        address(self.ns_a, "u", "10.0.0.1/24")
        address(self.ns_b, "u", "10.0.0.2/24")
        hub = End(self.ns_a, "t", kind)
        for i in range(n):
            spoke = End(self.ns_b, f"t{i}", kind, PORT + 1 + i)
            hub.peer(spoke, [f"10.1.{i}.2/32"], ("10.0.0.2", spoke.port))
            spoke.peer(hub, [f"10.1.{i}.1/32"], ("10.0.0.1", PORT))
            spoke.up(1500 - OVERHEAD, f"10.1.{i}.2/24")
        hub.up(1500 - OVERHEAD, *(f"10.1.{i}.1/24" for i in range(n)))
