#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the group `events` is told: changes of configuration, handshakes, endpoints."""

import errno
import os
import socket
import time

from harness import CLONE_NEWNET, device, equal, ip, key, public_key, refused, run_tests, setns, unshare
from ynl import Netlink, Refused

A, B = os.urandom(32), os.urandom(32)


def listener():
    nl = Netlink()
    nl.subscribe()
    return nl


def expect(nl, name, **values):
    """The next event must be this, with these values among its attributes; returns all of them."""
    event = nl.event()
    assert event, f"no {name} in time"
    equal(event[0], name)
    for attribute, value in values.items():
        equal(event[1].get(attribute.replace("_", "-")), value, f"{name}: {attribute}")
    return event[1]


def silent(nl):
    event = nl.event(0.2)
    assert event is None, f"unexpected {event}"


def test_configuration():
    nl, events = device("mm0"), listener()
    index = socket.if_nametoindex("mm0")
    nl.do("peer-add", ifname="mm0", public_key=key(1), preshared_key=key(9), endpoint_addr4="192.0.2.1",
          endpoint_port=5, allowed_ips=[{"addr4": "10.0.0.0", "cidr": 8}])
    got = expect(events, "peer-add-ntf", ifindex=index, public_key=key(1), endpoint_addr4="192.0.2.1", endpoint_port=5,
                 suite="wireguard", persistent_keepalive=0)
    assert "preshared-key" not in got and "allowed-ips" not in got
    nl.do("peer-set", ifname="mm0", public_key=key(1), persistent_keepalive=7)
    expect(events, "peer-change-ntf", ifindex=index, public_key=key(1), persistent_keepalive=7)
    nl.do("peer-set", ifname="mm0", public_key=key(2), flags=["create"], suite="aes256gcm")
    expect(events, "peer-add-ntf", public_key=key(2), suite="aes256gcm")
    nl.do("peer-del", ifname="mm0", public_key=key(1))
    equal(expect(events, "peer-del-ntf"), {"ifindex": index, "public-key": key(1)})
    nl.do("peer-add", ifname="mm0", public_key=public_key(A))
    expect(events, "peer-add-ntf")
    nl.do("dev-set", ifname="mm0", private_key=A, listen_port=4001, fwmark=3)
    expect(events, "peer-del-ntf", public_key=public_key(A))
    got = expect(events, "dev-ntf", ifindex=index, ifname="mm0", public_key=public_key(A), listen_port=4001, fwmark=3,
                 num_peers=1, generation=nl.do("dev-get", ifname="mm0")["generation"])
    assert "private-key" not in got
    nl.do("dev-set", ifname="mm0", flags=["replace-peers"])
    expect(events, "dev-ntf", num_peers=0)
    silent(events)


def test_refusals_and_reads_are_no_events():
    nl, events = device("mm0"), listener()
    refused(errno.ENOENT, nl.do, "peer-set", ifname="mm0", public_key=key(1))
    refused(errno.EINVAL, nl.do, "peer-add", ifname="mm0", public_key=key(1), endpoint_port=1)
    nl.dump("dev-get")
    nl.dump("peer-get", ifname="mm0")
    nl.do("dev-set", ifname="mm0")
    silent(events)


def pair():
    """Two devices that know each other, over the loopback; only the first knows where the other is."""
    nl = device("mm0", up=True, private_key=A, listen_port=4001)
    device("mm1", up=True, private_key=B, listen_port=4002)
    nl.do("peer-add", ifname="mm1", public_key=public_key(A))
    return nl


def test_handshake_and_endpoint():
    nl = pair()
    events = listener()
    at = time.time()
    nl.do("peer-add", ifname="mm0", public_key=public_key(B), endpoint_addr4="127.0.0.1", endpoint_port=4002,
          persistent_keepalive=1)
    seen = {}
    while len(seen) < 3:
        event = events.event()
        assert event, f"only {seen} in time"
        name, values = event
        if name in ("handshake-ntf", "endpoint-ntf"):
            seen[name, values["public-key"] == public_key(A)] = values
    for side in (True, False):
        got = seen["handshake-ntf", side]
        assert at - 2 < got["last-handshake-sec"] < at + 60, got
        assert got["last-handshake-nsec"] < 10**9
        equal(got["endpoint-port"], 4001 if side else 4002)
    got = seen["endpoint-ntf", True]
    equal((got["endpoint-addr4"], got["endpoint-port"]), ("127.0.0.1", 4001))
    peer = nl.peers(ifname="mm0")[0]
    equal(peer["last-handshake-sec"], seen["handshake-ntf", False]["last-handshake-sec"])
    assert peer["rx-bytes"] and peer["tx-bytes"]


def test_events_follow_the_device():
    """They are told in the netns that has the device, and nowhere else."""
    nl, here = device("mm0"), listener()
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    unshare(CLONE_NEWNET)
    away = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = listener()
    setns(home)
    move("mm0", away)
    refused(errno.ENODEV, nl.do, "dev-get", ifname="mm0")
    refused(errno.ENODEV, nl.do, "peer-add", ifname="mm0", public_key=key(1))
    there.do("peer-add", ifname="mm0", public_key=key(1))
    expect(there, "peer-add-ntf", public_key=key(1))
    silent(here)


def move(name, fd):
    """By way of a helper process that sits in the netns of `fd`."""
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        setns(fd, CLONE_NEWNET)
        os.close(w)
        os.read(r, 1)
        os._exit(0)
    os.close(r)
    # Only when it is there.
    while os.stat(f"/proc/{pid}/ns/net").st_ino != os.fstat(fd).st_ino:
        os.sched_yield()
    ip("link", "set", name, "netns", str(pid))
    os.close(w)
    os.waitpid(pid, 0)


def test_port_when_the_birth_netns_is_gone():
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    unshare(CLONE_NEWNET)
    device("mm0", listen_port=4001, fwmark=3).close()
    move("mm0", home)
    setns(home)
    nl = Netlink()
    # Nothing is left in that netns but us, and we have left; its end comes from a kernel thread.
    deadline = time.monotonic() + 30
    while True:
        try:
            nl.do("dev-set", ifname="mm0", fwmark=3)
        except Refused as e:
            equal(e.errno, errno.ENONET)
            break
        assert time.monotonic() < deadline, "the netns never went"
        time.sleep(0.01)
    e = refused(errno.ENONET, nl.do, "dev-set", ifname="mm0", listen_port=4002, private_key=A, text="gone")
    assert e.offset
    dev = nl.do("dev-get", ifname="mm0")
    equal((dev["listen-port"], dev["fwmark"], "public-key" in dev), (4001, 3, False))
    nl.do("peer-add", ifname="mm0", public_key=key(1), endpoint_addr4="192.0.2.1", endpoint_port=1)
    nl.do("dev-set", ifname="mm0", private_key=A)


def test_endpoint_storm():
    """A peer that is heard from ever new ports makes at most about a hundred events a second."""
    nl = pair()
    nl.do("peer-add", ifname="mm0", public_key=public_key(B), endpoint_addr4="127.0.0.1", endpoint_port=4002,
          persistent_keepalive=1)
    events = listener()
    events.event()
    count, started = 0, time.monotonic()
    moves = 40 if os.environ.get("MMESH_SLOW") == "1" else 400
    for port in range(20000, 20000 + moves):
        nl.do("dev-set", ifname="mm0", listen_port=port)
        nl.do("peer-set", ifname="mm0", public_key=public_key(B), persistent_keepalive=0)
        nl.do("peer-set", ifname="mm0", public_key=public_key(B), persistent_keepalive=1)
    took = time.monotonic() - started
    heard = 0
    while event := events.event(0.5):
        heard += 1
        count += event[0] == "endpoint-ntf"
    print(f"# {count} endpoint events of {moves} moves in {took:.1f} s, {heard} events in all")
    assert 0 < count <= 100 * (took + 2), count


run_tests("events", globals())
