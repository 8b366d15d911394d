#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the operations do: dev-get, dev-set, peer-*, stat-get, as the specification has it."""

import errno
import os
import socket
import statistics
import struct
import time

from harness import device, equal, ip, key, public_key, refused, run_tests
from ynl import NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, Netlink

SLOW = os.environ.get("MMESH_SLOW", "0") == "1"


def prefixes(peer):
    return [f"{p.get('addr4', p.get('addr6'))}/{p['cidr']}" for p in peer.get("allowed-ips", [])]


def allowed(*texts, **more):
    out = []
    for text in texts:
        address, cidr = text.split("/")
        out.append({"addr6" if ":" in address else "addr4": address, "cidr": int(cidr), **more})
    return out


def one(nl, **values):
    (peer,) = nl.peers(ifname="mm0", **values)
    return peer


def test_new_device():
    nl = device("mm0")
    dev = nl.do("dev-get", ifname="mm0")
    equal(dev, nl.do("dev-get", ifindex=dev["ifindex"]))
    equal([dev], nl.dump("dev-get"))
    for name, value in (("ifname", "mm0"), ("listen-port", 0), ("fwmark", 0), ("num-peers", 0)):
        equal(dev[name], value, name)
    assert dev["generation"] and "public-key" not in dev
    equal([s["suite"] for s in dev["suite-info"]], ["wireguard", "aes256gcm"])
    assert all(s["driver"] for s in dev["suite-info"])
    equal(nl.peers(ifname="mm0"), [])


def test_dump_has_only_mmesh_devices():
    nl = device("mm0")
    ip("link", "add", "dummy0", "type", "veth", "peer", "name", "dummy1")
    names = ["mm0"] + [f"mm{i}" for i in range(1, 24 if SLOW else 60)]
    for name in names[1:]:
        ip("link", "add", name, "type", "mmesh")
    equal(sorted(d["ifname"] for d in nl.dump("dev-get")), sorted(names))
    equal(sorted(d["ifname"] for d in nl.dump("stat-get")), sorted(names))


def test_private_key():
    nl = device("mm0")
    private = os.urandom(32)
    nl.do("dev-set", ifname="mm0", private_key=private)
    dev = nl.do("dev-get", ifname="mm0")
    equal(dev["public-key"], public_key(private))
    assert "private-key" not in dev
    secret = nl.do("dev-get", ifname="mm0", secrets=True)["private-key"]
    equal(public_key(secret), dev["public-key"])
    equal(nl.dump("dev-get", secrets=True)[0]["private-key"], secret)
    nl.do("dev-set", ifname="mm0", private_key=bytes(32))
    dev = nl.do("dev-get", ifname="mm0", secrets=True)
    assert "public-key" not in dev and "private-key" not in dev


def test_own_key_is_no_peer():
    nl = device("mm0")
    private = os.urandom(32)
    nl.do("peer-add", ifname="mm0", public_key=key(1))
    nl.do("peer-add", ifname="mm0", public_key=public_key(private), allowed_ips=allowed("10.0.0.0/8"))
    nl.do("dev-set", ifname="mm0", private_key=private)
    equal([p["public-key"] for p in nl.peers(ifname="mm0")], [key(1)])
    for op, more in (("peer-add", {}), ("peer-set", {"flags": ["create"]})):
        refused(errno.EKEYREJECTED, nl.do, op, ifname="mm0", public_key=public_key(private), text="own", **more)


def test_listen_port():
    nl = device("mm0")
    port = lambda: nl.do("dev-get", ifname="mm0")["listen-port"]  # noqa: E731
    nl.do("dev-set", ifname="mm0", listen_port=4001)
    equal(port(), 4001)
    ip("link", "set", "mm0", "up")
    equal(port(), 4001)
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("", 4002))
    e = refused(errno.EADDRINUSE, nl.do, "dev-set", ifname="mm0", fwmark=3, listen_port=4002, text="listen-port")
    assert "4002" in e.text or os.uname().release.startswith("6.1."), e
    dev = nl.do("dev-get", ifname="mm0")
    equal((dev["listen-port"], dev["fwmark"]), (4001, 0))
    nl.do("dev-set", ifname="mm0", listen_port=4003)
    equal(port(), 4003)
    nl.do("dev-set", ifname="mm0", listen_port=0)
    chosen = port()
    assert chosen not in (0, 4003), chosen
    ip("link", "set", "mm0", "down")
    again = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    again.bind(("", chosen))


def test_port_is_really_open():
    device("mm0", up=True, listen_port=4001)
    for family in (socket.AF_INET, socket.AF_INET6):
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            if family == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                s.bind(("", 4001))
            except OSError as e:
                equal(e.errno, errno.EADDRINUSE)
            else:
                raise AssertionError(f"port 4001 isn't open, family {family}")


def test_peer_add_and_del():
    nl = device("mm0")
    before = nl.do("dev-get", ifname="mm0")["generation"]
    nl.do("peer-add", ifname="mm0", public_key=key(1), preshared_key=key(9), persistent_keepalive=25,
          suite="aes256gcm", endpoint_addr6="2001:db8::1", endpoint_port=51820,
          allowed_ips=allowed("10.1.2.3/16", "fd00::7/64", "0.0.0.0/0", "::/0", "10.1.2.3/32"))
    peer = one(nl)
    equal(peer, nl.do("peer-get", ifname="mm0", public_key=key(1)))
    equal((peer["endpoint-addr6"], peer["endpoint-port"]), ("2001:db8::1", 51820))
    equal((peer["persistent-keepalive"], peer["suite"]), (25, "aes256gcm"))
    equal(prefixes(peer), ["10.1.0.0/16", "fd00::/64", "0.0.0.0/0", "::/0", "10.1.2.3/32"])
    assert "preshared-key" not in peer and "last-handshake-sec" not in peer
    equal(one(nl, secrets=True)["preshared-key"], key(9))
    equal(nl.do("dev-get", ifname="mm0")["num-peers"], 1)
    assert nl.do("dev-get", ifname="mm0")["generation"] != before
    refused(errno.EEXIST, nl.do, "peer-add", ifname="mm0", public_key=key(1), text="already")
    nl.do("peer-del", ifname="mm0", public_key=key(1))
    equal(nl.peers(ifname="mm0"), [])
    refused(errno.ENOENT, nl.do, "peer-del", ifname="mm0", public_key=key(1), text="no such peer")


def test_peer_defaults():
    nl = device("mm0")
    nl.do("peer-add", ifname="mm0", public_key=key(1))
    peer = one(nl, secrets=True)
    for name in ("ifindex", "pad"):
        peer.pop(name, None)
    equal(peer, {"public-key": key(1), "persistent-keepalive": 0, "suite": "wireguard", "rx-bytes": 0, "tx-bytes": 0,
                 "subnet": 0})


def test_peer_set_keeps_the_rest():
    nl = device("mm0")
    refused(errno.ENOENT, nl.do, "peer-set", ifname="mm0", public_key=key(1), persistent_keepalive=3)
    nl.do("peer-set", ifname="mm0", public_key=key(1), flags=["create"], persistent_keepalive=3,
          preshared_key=key(9), endpoint_addr4="192.0.2.1", endpoint_port=1, allowed_ips=allowed("10.0.0.0/8"))
    expected = one(nl, secrets=True)
    for change in ({"persistent_keepalive": 0}, {"suite": "aes256gcm"}, {"preshared_key": key(8)},
                   {"endpoint_addr6": "fe80::1", "endpoint_port": 2, "endpoint_scope": 1}, {}):
        nl.do("peer-set", ifname="mm0", public_key=key(1), **change)
        if "endpoint_port" in change:
            del expected["endpoint-addr4"]
        expected |= {n.replace("_", "-"): v for n, v in change.items()}
        equal(one(nl, secrets=True), expected)
    nl.do("peer-set", ifname="mm0", public_key=key(1), flags=["create"], preshared_key=bytes(32))
    assert "preshared-key" not in one(nl, secrets=True)


def test_allowed_ips():
    nl = device("mm0")
    change = lambda n=1, **v: nl.do("peer-set", ifname="mm0", public_key=key(n), **v)  # noqa: E731
    mine = lambda n=1: sorted(prefixes(one(nl, public_key=key(n))))  # noqa: E731
    for n in (1, 2):
        nl.do("peer-add", ifname="mm0", public_key=key(n))
    change(allowed_ips=allowed("10.1.0.0/16", "10.2.0.0/16"))
    change(allowed_ips=allowed("10.3.0.0/16", "10.2.0.0/16"))
    equal(mine(), ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"])
    change(allowed_ips=allowed("10.1.0.0/16", "10.9.0.0/16", flags=["remove"]))
    equal(mine(), ["10.2.0.0/16", "10.3.0.0/16"])
    # One that another peer holds moves; to take away what another holds does nothing.
    change(2, allowed_ips=allowed("10.3.0.0/16") + allowed("10.2.0.0/16", flags=["remove"]))
    equal((mine(), mine(2)), (["10.2.0.0/16"], ["10.3.0.0/16"]))
    # Given and removed in one message: removed, in whichever order.
    change(allowed_ips=allowed("10.5.0.0/16", flags=["remove"]) + allowed("10.5.0.0/16", "10.6.0.0/16"))
    equal(mine(), ["10.2.0.0/16", "10.6.0.0/16"])
    change(flags=["replace-allowed-ips"], allowed_ips=allowed("10.6.7.8/16", "10.3.0.0/16", "fd00::/8", "fd00::/9"))
    equal((mine(), mine(2)), (["10.3.0.0/16", "10.6.0.0/16", "fd00::/8", "fd00::/9"], []))
    change(flags=["replace-allowed-ips"])
    equal(mine(), [])


def test_replace_peers():
    nl = device("mm0")
    for n in range(100):
        nl.do("peer-add", ifname="mm0", public_key=key(n), allowed_ips=allowed(f"10.0.{n}.0/24"))
    nl.do("dev-set", ifname="mm0", flags=["replace-peers"])
    equal(nl.do("dev-get", ifname="mm0")["num-peers"], 0)
    nl.do("peer-add", ifname="mm0", public_key=key(5), allowed_ips=allowed("10.0.7.0/24"))


def test_many_allowed_ips():
    """More than fit in one message: the do form says so, the dump goes on in the next message."""
    nl = device("mm0")
    total = 4000 if SLOW else 30000
    texts = [f"10.{i >> 8}.{i & 255}.0/24" if i % 2 else f"fd00:{i + 1:x}::/32" for i in range(total)]
    for at in range(0, total, 1000):
        nl.do("peer-set", ifname="mm0", public_key=key(1), flags=["create"], allowed_ips=allowed(*texts[at:at + 1000]))
    nl.do("peer-add", ifname="mm0", public_key=key(2), allowed_ips=allowed("192.0.2.0/24"))
    refused(errno.EMSGSIZE, nl.do, "peer-get", ifname="mm0", public_key=key(1), text="dump")
    messages = nl.dump("peer-get", ifname="mm0")
    assert len(messages) > 3 and all(set(m) == {"ifindex", "public-key", "allowed-ips"} for m in messages[1:-1])
    for peers in (nl.peers(ifname="mm0"), nl.peers(ifname="mm0", public_key=key(1))):
        equal(prefixes(peers[0]), texts)
    equal(len(nl.peers(ifname="mm0")), 2)
    nl.do("peer-set", ifname="mm0", public_key=key(1), flags=["replace-allowed-ips"],
          allowed_ips=allowed("10.0.1.0/24", "10.255.255.0/24"))
    equal(sorted(prefixes(one(nl, public_key=key(1)))), ["10.0.1.0/24", "10.255.255.0/24"])


def batch(nl, op, messages):
    """One sendmsg() with a message for each of the dicts, which must all be acknowledged; returns the time it took."""
    spec_op = nl.spec.ops[op]
    out, want = b"", len(messages)
    for values in messages:
        body = struct.pack("=BBH", spec_op["id"], 1, 0) + nl.spec.encode(spec_op["attribute-set"], values)
        out += nl.message(nl.family, body, NLM_F_ACK)
    started = time.monotonic()
    nl.sock.send(out)
    took = time.monotonic() - started
    while want:
        data = nl.sock.recv(1 << 20)
        while data:
            length, kind, _, _, _ = struct.unpack_from("=IHHII", data)
            equal(kind, NLMSG_ERROR)
            equal(struct.unpack_from("=i", data, 16)[0], 0)
            data = data[(length + 3) & ~3:]
            want -= 1
    return took


def test_peers_by_the_ten_thousand():
    """255 * 254 of them, many in a sendmsg(): all there, and the last as cheap as the first."""
    nl = device("mm0")
    total = 3000 if SLOW else 64770
    took = []
    for at in range(0, total, 500):
        messages = [{"ifname": "mm0", "public-key": key(n), "allowed-ips": [
            {"addr4": f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", "cidr": 32}]} for n in range(at, min(at + 500, total))]
        took.append(batch(nl, "peer-add", messages))
    equal(nl.do("dev-get", ifname="mm0")["num-peers"], total)
    equal({p["public-key"] for p in nl.peers(ifname="mm0")}, {key(n) for n in range(total)})
    quarter = len(took) // 4
    first, last = (statistics.median(part) / 500 * 1e6 for part in (took[:quarter], took[-quarter - 1:-1]))
    print(f"# {total} peers in {sum(took):.2f} s; {first:.1f} us for one at first, {last:.1f} us at last")
    # The machine may have other things to do; what grows with the number of peers is far beyond this.
    assert last < max(3 * first, 50 if not SLOW else 5000), "adding gets slower"
    started = time.monotonic()
    nl.do("dev-set", ifname="mm0", flags=["replace-peers"])
    print(f"# removed in {time.monotonic() - started:.2f} s")


class SlowReader:
    """A dump that is read message by message."""

    def __init__(self, nl, **values):
        self.nl = nl
        self.spec_op = nl.spec.ops["peer-get"]
        body = struct.pack("=BBH", self.spec_op["id"], 1, 0)
        values = {n.replace("_", "-"): v for n, v in values.items()}
        nl.sock.send(nl.message(nl.family, body + nl.spec.encode("peer", values), NLM_F_REQUEST | NLM_F_DUMP))
        self.interrupted = self.done = False
        self.error = 0

    def read(self):
        """Peers of the next datagram."""
        out = []
        data = self.nl.sock.recv(1 << 16)
        while data:
            length, kind, flags, _, _ = struct.unpack_from("=IHHII", data)
            self.interrupted |= bool(flags & NLM_F_DUMP_INTR)
            if kind in (NLMSG_DONE, NLMSG_ERROR):
                self.done, self.error = True, -struct.unpack_from("=i", data, 16)[0]
            else:
                out.append(self.nl.spec.decode("peer", data[20:length]))
            data = data[(length + 3) & ~3:]
        return out

    def rest(self):
        out = []
        while not self.done:
            out += self.read()
        return out


MANY = 1500 if SLOW else 5000


def many_peers(n=MANY):
    """So many that the kernel can't have the whole dump ready when its reader has seen the first datagram."""
    nl = device("mm0")
    for at in range(0, n, 500):
        batch(nl, "peer-add", [{"ifname": "mm0", "public-key": key(i)} for i in range(at, at + 500)])
    return nl


def test_dump_undisturbed_is_consistent():
    nl = many_peers()
    reader = SlowReader(nl, ifname="mm0")
    equal([p["public-key"] for p in reader.rest()], [key(i) for i in range(MANY)])
    assert not reader.interrupted and not reader.error


def test_dump_says_that_it_was_interrupted():
    for op in ("peer-add", "peer-set", "peer-del"):
        nl = many_peers()
        reader = SlowReader(Netlink(), ifname="mm0")
        reader.read()
        nl.do(op, ifname="mm0", public_key=key(9999 if op == "peer-add" else MANY - 1))
        reader.rest()
        assert reader.interrupted, f"{op} went unnoticed"
        ip("link", "del", "mm0")


def test_dump_survives_the_removal_of_its_place():
    nl = many_peers()
    reader = SlowReader(Netlink(), ifname="mm0")
    reader.read()
    nl.do("dev-set", ifname="mm0", flags=["replace-peers"])
    reader.rest()
    assert reader.interrupted and not reader.error


def test_dump_does_not_keep_a_device():
    many_peers()
    reader = SlowReader(Netlink(), ifname="mm0")
    reader.read()
    ip("link", "del", "mm0")
    reader.rest()
    equal(reader.error, errno.ENODEV)


def test_statistics():
    nl = device("mm0", up=True)
    ip("addr", "add", "10.0.0.1/24", "dev", "mm0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for _ in range(3):
            try:
                s.sendto(b"x", ("10.0.0.2", 9))
            except OSError as e:  # the refusal of the packet before
                equal(e.errno, errno.EHOSTUNREACH)
    reply = nl.do("stat-get", ifname="mm0")
    equal([c["id"] for c in reply["counter"]], nl.spec.enums["stat"][1])
    counters = {c["id"]: c["value"] for c in reply["counter"]}
    assert counters.pop("tx-drop-no-peer") >= 2, counters


def test_secrets_are_wiped_from_requests():
    """A refusal sends the request back: it must not have the key any more."""
    nl = device("mm0", up=True)
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("", 4002))
    secret = os.urandom(32)
    for op, values in (("dev-set", {"ifname": "mm0", "listen-port": 4002, "private-key": secret}),
                       ("dev-set", {"ifname": "lo", "private-key": secret}),
                       ("peer-set", {"ifname": "mm0", "public-key": key(1), "preshared-key": secret}),
                       ("peer-add", {"ifname": "mm0", "preshared-key": secret}),
                       ("peer-add", {"ifname": "mm0", "public-key": key(1), "endpoint-port": 1,
                                     "preshared-key": secret})):
        body = struct.pack("=BBH", nl.spec.ops[op]["id"], 1, 0) + nl.spec.encode(
            nl.spec.ops[op]["attribute-set"], values)
        nl.sock.send(nl.message(nl.family, body, NLM_F_ACK))
        answer = nl.sock.recv(1 << 16)
        assert struct.unpack_from("=i", answer, 16)[0] < 0, op
        assert secret not in answer and len(answer) > len(body) + 16, op


run_tests("operations", globals())
