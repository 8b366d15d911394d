#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each operation with its first, second, third ... allocation failing, until none fails any more: it must be refused
with ENOMEM and have changed nothing, or have done its work. Needs a kernel with CONFIG_FAULT_INJECTION (uml-debug)."""

import errno
import os
import socket

from harness import Skip, device, equal, key, run_tests
from ynl import Netlink, Refused

FAIL_NTH = "/proc/self/fail-nth"
FAILSLAB = "/sys/kernel/debug/failslab"


def arm():
    if not os.path.exists(FAIL_NTH):
        raise Skip("this kernel has no fault injection")
    # Also those allocations that may sleep, and without a line in the log for each.
    for name, value in (("ignore-gfp-wait", "N"), ("verbose", "0")):
        for group in (FAILSLAB, "/sys/kernel/debug/fail_page_alloc"):
            try:
                with open(f"{group}/{name}", "w", encoding="utf-8") as file:
                    file.write(value)
            except OSError as e:
                raise Skip(f"no debugfs: {e}") from e


def injected(n, call):
    """Run `call` with its n-th allocation failing; returns its exception and whether there were that many."""
    fd = os.open(FAIL_NTH, os.O_RDWR)
    os.write(fd, str(n).encode())
    error = None
    try:
        call()
    except (Refused, OSError) as e:
        error = e
    left = int(os.pread(fd, 32, 0).strip(b"\0\n"))
    os.write(fd, b"0")
    os.close(fd)
    return error, left == 0


def state(nl):
    dev = nl.do("dev-get", ifname="mm0", secrets=True)
    peers = nl.peers(ifname="mm0", secrets=True)
    for peer in peers:
        peer.get("allowed-ips", []).sort(key=str)
        peer.pop("rx-bytes")
        peer.pop("tx-bytes")
    # Undoing may leave the order of another peer's prefixes changed, and nothing else.
    return dev, peers


def torture(nl, op, restore, header=0, **values):
    """Until the operation gets through without a fault."""
    body = nl.spec.encode(nl.spec.ops[op]["attribute-set"], {n.replace("_", "-"): v for n, v in values.items()})
    faults = 0
    for n in range(1, 2000):
        restore()
        # A socket of its own: a fault may strike the reply as well.
        mine = Netlink(nl.spec)
        mine.sock.settimeout(2)
        before = state(nl)
        error, struck = injected(n, lambda: mine.raw(op, body, header))  # noqa: B023
        mine.close()
        if not struck:
            assert error is None, f"{op}: {error} without a fault"
            print(f"# {op}: {faults} of {n - 1} faults refused it")
            return
        if isinstance(error, Refused):
            faults += 1
            assert error.errno in (errno.ENOMEM, errno.ENOBUFS, errno.EADDRINUSE, errno.ENFILE), f"fault {n}: {error}"
            equal(state(nl), before, f"{op}: fault {n}")
    raise AssertionError("no end of faults")


def add_some(nl):
    nl.do("dev-set", ifname="mm0", flags=["replace-peers"])
    for n in (1, 2):
        nl.do("peer-add", ifname="mm0", public_key=key(n), endpoint_addr4="192.0.2.1", endpoint_port=n,
              allowed_ips=[{"addr4": f"10.{n}.{i}.0", "cidr": 24} for i in range(8)])


NEW = [{"addr4": f"10.{n}.{i}.0", "cidr": 24} for n in (2, 3) for i in range(0, 16, 3)]


def test_peer_add():
    arm()
    nl = device("mm0")
    torture(nl, "peer-add", lambda: add_some(nl), ifname="mm0", public_key=key(3), preshared_key=key(9),
            endpoint_addr6="2001:db8::1", endpoint_port=7, persistent_keepalive=9, allowed_ips=NEW)
    equal(len(nl.peers(ifname="mm0")), 3)


def test_peer_set():
    arm()
    nl = device("mm0")
    torture(nl, "peer-set", lambda: add_some(nl), ifname="mm0", public_key=key(1), flags=["replace-allowed-ips"],
            preshared_key=key(9), endpoint_addr6="2001:db8::1", endpoint_port=7, suite="aes256gcm", allowed_ips=NEW)
    equal(len(nl.peers(ifname="mm0", public_key=key(1))[0]["allowed-ips"]), len(NEW))


def test_peer_del():
    arm()
    nl = device("mm0")
    torture(nl, "peer-del", lambda: add_some(nl), ifname="mm0", public_key=key(1))


def test_dev_set():
    arm()
    nl = device("mm0", up=True)
    ports = iter(range(20000, 40000))

    def restore():
        add_some(nl)
        nl.do("dev-set", ifname="mm0", private_key=key(5), listen_port=next(ports), fwmark=1)

    torture(nl, "dev-set", restore, ifname="mm0", private_key=key(6), listen_port=4001, fwmark=2,
            flags=["replace-peers"])
    dev = nl.do("dev-get", ifname="mm0")
    equal((dev["listen-port"], dev["fwmark"], dev["num-peers"]), (4001, 2, 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("", 20000))


def test_reads():
    arm()
    nl = device("mm0")
    add_some(nl)
    for op, flags, values in (("dev-get", 0, {"ifname": "mm0"}), ("stat-get", 0, {"ifname": "mm0"}),
                              ("peer-get", 0, {"ifname": "mm0", "public-key": key(1)}),
                              ("dev-get", 0x300, {}), ("stat-get", 0x300, {}), ("peer-get", 0x300, {"ifname": "mm0"})):
        torture(nl, op, lambda: None, flags, **values)


run_tests("faults", globals())
