#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Malformed netlink messages, made from the specification.

1. exhaustive: each attribute of each operation absent, short, long, out of range, with wrong flags, given twice, in an
   operation that doesn't take it, unknown; headers broken; devices and peers that aren't there.
2. random: attributes drawn by chance, and valid messages with bytes changed; a model made from the specification says
   which of them the policy has to refuse.

A refusal must have the right errno, a text and, where one attribute is to blame, its offset; and after each batch of
refused messages the devices are as they were. Needs CAP_NET_ADMIN and two devices: hm0 (down) and hm1 (up).

usage: hostile.py [NUMBER OF RANDOM MESSAGES [SEED]]
"""

import errno
import os
import random
import socket
import struct
import sys
import time

from ynl import NLA_F_NESTED, NLM_F_DUMP, Netlink, Refused, nla

NLA_F_NET_BYTEORDER = 0x4000
HEAD = 20  # bytes before the first attribute: nlmsghdr and genlmsghdr
POLICY_ERRORS = {errno.EINVAL, errno.ERANGE}
DEVICES = ("hm0", "hm1")
OLD = os.uname().release.startswith("6.1.")


def key(n):
    return bytes([n]) * 32


class Model:
    """What the specification says a policy has to refuse; semantics are not its business."""

    def __init__(self, spec):
        self.spec = spec

    def fits(self, op, data, dump=False):
        """Whether the attributes of a message pass the policy of `op`."""
        allowed = set(self.spec.ops[op]["do"]["request"]["attributes"])
        return self.fits_set(self.spec.ops[op]["attribute-set"], data, allowed)

    def fits_set(self, set_name, data, allowed=None):
        attrs = {a["id"]: a for n, a in self.spec.sets[set_name].items() if allowed is None or n in allowed}
        seen = set()
        while len(data) >= 4:
            length, kind = struct.unpack_from("=HH", data)
            if length < 4 or length > len(data):
                return False
            attr = attrs.get(kind & 0x3FFF)
            if attr is None or kind & NLA_F_NET_BYTEORDER:
                return False
            if attr["name"] in seen and not attr.get("multi-attr"):
                return False
            seen.add(attr["name"])
            if not self.fits_attr(attr, bool(kind & NLA_F_NESTED), data[4:length]):
                return False
            data = data[(length + 3) & ~3:]
        return not data

    def fits_attr(self, attr, nested, payload):
        what, checks = attr["type"], attr.get("checks", {})
        if nested != (what == "nest"):
            return False
        if what == "nest":
            return self.fits_set(attr["nested-attributes"], payload)
        if what == "flag":
            return not payload
        if what == "string":
            text = payload[: self.spec.number(checks["max-len"]) + 1]
            return b"\0" in text and len(payload.rstrip(b"\0")) < len(text) + 1
        if what in ("u32", "u64"):
            if len(payload) != (4 if what == "u32" else 8):
                return False
            value = int.from_bytes(payload, sys.byteorder)
            low, high = self.range(attr)
            if "enum" in attr and self.spec.enums[attr["enum"]][0] == "flags":
                return not value & ~high
            return low <= value <= high
        return len(payload) == self.spec.number(checks["exact-len"])

    def range(self, attr):
        """Least and greatest value; for flags the mask."""
        checks = attr.get("checks", {})
        if "enum" in attr:
            kind, names = self.spec.enums[attr["enum"]]
            return 0, (1 << len(names)) - 1 if kind == "flags" else len(names) - 1
        high = (1 << 64) - 1 if attr["type"] == "u64" else 0xFFFFFFFF
        return self.spec.number(checks.get("min", 0)), self.spec.number(checks.get("max", high))


class Case:
    """One message: what it is, its attributes, and how it must be refused."""

    def __init__(self, name, op, data, errors=POLICY_ERRORS, offset=None, **header):
        self.name, self.op, self.data, self.errors, self.offset, self.header = name, op, data, errors, offset, header


class Exhaustive:
    """Yields the cases of part 1."""

    # Valid messages, a name for each op; every attribute that the op takes is in one of them.
    VALID = {
        "dev-get": [{"ifname": "hm0", "secrets": True}],
        "dev-set": [{"ifname": "hm0", "private-key": key(3), "listen-port": 4242, "fwmark": 7, "flags": 1,
                     "network": 0, "subnet": 3, "routed-subnets": 1, "peer-miss": 1,
                     "member-prefix": [{"addr4": "10.9.0.0", "cidr": 16}, {"addr6": "fd09::", "cidr": 64}]}],
        "peer-get": [{"ifname": "hm0", "public-key": key(1), "secrets": True}],
        "peer-add": [{"ifname": "hm0", "public-key": key(8), "preshared-key": key(5), "endpoint-addr4": "192.0.2.9",
                      "endpoint-port": 9, "persistent-keepalive": 5, "suite": "aes256gcm",
                      "allowed-ips": [{"addr4": "10.9.0.0", "cidr": 16, "flags": 0}]},
                     {"ifname": "hm0", "public-key": key(8), "endpoint-addr6": "fe80::9", "endpoint-port": 9,
                      "endpoint-scope": 1, "allowed-ips": [{"addr6": "fd09::", "cidr": 16}], "subnet": 9,
                      "extended": 1, "network": 5, "relay-permit": 1, "limit-pps": 5, "limit-bps": 6}],
        "peer-set": [{"ifname": "hm0", "public-key": key(1), "preshared-key": key(5), "flags": 3,
                      "endpoint-addr4": "192.0.2.9", "endpoint-port": 9, "persistent-keepalive": 5,
                      "suite": "aes256gcm", "allowed-ips": [{"addr4": "10.9.0.0", "cidr": 16, "flags": 0}]},
                     {"ifname": "hm0", "public-key": key(1), "endpoint-addr6": "fe80::9", "endpoint-port": 9,
                      "endpoint-scope": 1, "allowed-ips": [{"addr6": "fd09::", "cidr": 16}], "subnet": 9}],
        "peer-del": [{"ifname": "hm0", "public-key": key(1)}],
        "stat-get": [{"ifname": "hm0"}],
        **{op: [{"ifname": "hm0", "public-key": key(1), "addr4": "192.0.2.9", "port": 9},
                {"ifname": "hm0", "public-key": key(1), "addr6": "fe80::9", "port": 9, "scope": 1}]
           for op in ("path-get", "path-add", "path-del")},
    }
    NEEDED = {"public-key"}

    def __init__(self, spec, foreign):
        self.spec, self.model, self.foreign = spec, Model(spec), foreign

    def attrs(self, op):
        return self.spec.sets[self.spec.ops[op]["attribute-set"]]

    def encode(self, op, values):
        """Attributes and the offset of each in the message."""
        data, offsets = b"", {}
        for name, value in values.items():
            offsets[name] = HEAD + len(data)
            data += self.spec.encode(self.spec.ops[op]["attribute-set"], {name: value})
        return data, offsets

    def replaced(self, op, values, name, raw):
        """The message with `raw` in place of attribute `name`, or added, and its offset."""
        before = {}
        for n, v in values.items():
            if n == name:
                break
            before[n] = v
        after = {n: v for n, v in values.items() if n not in before and n != name}
        head, _ = self.encode(op, before)
        return head + raw + self.encode(op, after)[0], HEAD + len(head)

    def cases(self):
        for op, messages in self.VALID.items():
            for values in messages:
                yield from self.devices(op, values)
                for name in values:
                    yield from self.attribute(op, values, name)
                yield from self.not_taken(op, values)
                yield from self.headers(op, values)
        yield from self.nested()
        yield from self.endpoints()
        yield from self.peers()
        yield from self.dumps()
        yield from self.all_or_nothing()

    def devices(self, op, values):
        rest = {n: v for n, v in values.items() if n not in ("ifindex", "ifname")}
        no_device = {errno.ENODEV}
        yield Case("no device", op, self.encode(op, rest)[0], {errno.EINVAL})
        for wrong in ("nosuch", "", "x" * 15):
            data, at = self.encode(op, {"ifname": wrong, **rest})
            yield Case(f"ifname {wrong!r}", op, data, no_device, at["ifname"])
        data, at = self.encode(op, {"ifindex": 0x7FFFFFFF, **rest})
        yield Case("no such ifindex", op, data, no_device, at["ifindex"])
        data, at = self.encode(op, {"ifname": "lo", **rest})
        yield Case("of another kind", op, data, {errno.EOPNOTSUPP}, at["ifname"])
        data, at = self.encode(op, {"ifname": self.foreign, **rest})
        yield Case("in another netns", op, data, no_device, at["ifname"])
        data, at = self.encode(op, {"ifindex": socket.if_nametoindex("hm0"), "ifname": "hm0", **rest})
        yield Case("ifindex and ifname", op, data, {errno.EINVAL}, at["ifname"])

    def attribute(self, op, values, name):
        attr = self.attrs(op)[name]
        if name in self.NEEDED:
            rest = {n: v for n, v in values.items() if n != name}
            yield Case(f"{name} absent", op, self.encode(op, rest)[0], {errno.EINVAL})
        for what, raw in self.spoilt(attr):
            data, offset = self.replaced(op, values, name, raw)
            # In a nest it may be an inner attribute that is to blame.
            inner = range(offset, offset + len(raw)) if attr["type"] == "nest" else (offset,)
            yield Case(f"{name} {what}", op, data, POLICY_ERRORS, inner)
        if not attr.get("multi-attr"):
            for again in (values[name], ):
                one, _ = self.encode(op, {name: again})
                data, _ = self.encode(op, values)
                yield Case(f"{name} twice", op, data + one, {errno.EINVAL}, HEAD + len(data))

    def spoilt(self, attr):
        """Encodings of `attr` that its policy must refuse."""
        number = attr["id"]
        for length in (*range(0, 41), 63, 64, 255, 256, 1000, 4096, 30000):
            for filler in (b"\0", b"\xff", b"a"):
                payload = filler * length
                nested = attr["type"] == "nest"
                if not self.model.fits_attr(attr, nested, payload):
                    yield f"of {length} bytes", nla(number | (NLA_F_NESTED if nested else 0), payload)
        if attr["type"] == "u32":
            low, high = self.model.range(attr)
            for value in {low - 1, high + 1, high * 2 + 1, high + 256, 1 << 16, 1 << 31, 0xFFFFFFFF}:
                payload = struct.pack("=I", value & 0xFFFFFFFF) if value >= 0 else b""
                if payload and not self.model.fits_attr(attr, False, payload):
                    yield f"= {value}", nla(number, payload)
        good = self.good(attr)
        if attr["type"] == "nest":
            yield "without NLA_F_NESTED", nla(number, good)
        else:
            yield "with NLA_F_NESTED", nla(number | NLA_F_NESTED, good)
        yield "with NLA_F_NET_BYTEORDER", nla(
            number | NLA_F_NET_BYTEORDER | (NLA_F_NESTED if attr["type"] == "nest" else 0), good)

    def good(self, attr):
        if attr["type"] == "nest":
            return self.spec.encode(attr["nested-attributes"], {"addr4": "10.1.2.3", "cidr": 32})
        value = {"string": "hm0", "flag": True}.get(attr["type"], 1)
        if attr["type"] == "binary":
            value = bytes(self.spec.number(attr["checks"]["exact-len"]))
        return self.spec.encode_one(attr, value)[4:]

    def not_taken(self, op, values):
        """Attributes of other operations, of none, and numbers that aren't there."""
        taken = set(self.spec.ops[op]["do"]["request"]["attributes"])
        data, _ = self.encode(op, values)
        for name, attr in self.attrs(op).items():
            if name not in taken:
                payload = b"" if attr["type"] == "pad" else bytes(4) if attr["type"] == "nest" else self.good(attr)
                yield Case(f"{name}, not of this operation", op, data + nla(attr["id"], payload), {errno.EINVAL},
                           HEAD + len(data))
        known = max(a["id"] for a in self.attrs(op).values())
        for number in (0, known + 1, known + 2, 63, 64, 65, 255, 0x3FFF):
            for payload in (b"", bytes(4), bytes(32)):
                yield Case(f"attribute {number}", op, data + nla(number, payload), {errno.EINVAL}, HEAD + len(data))

    def headers(self, op, values):
        data, _ = self.encode(op, values)
        for flag in (0x20, 0x40, 0x80, 0x400, 0x800, 0x1000, 0x8000):
            yield Case(f"nlmsg_flags {flag:#x}", op, data, {errno.EINVAL}, flags=flag)
        for reserved in (1, 0x8000, 0xFFFF):
            yield Case(f"reserved {reserved:#x}", op, data, {errno.EINVAL}, reserved=reserved)
        for junk in (b"\0", b"\1\2", b"\4\0\1"):
            yield Case("bytes after the attributes", op, data + junk, {errno.EINVAL})
        for length in (0, 1, 2, 3):
            yield Case(f"nla_len {length}", op, data + struct.pack("=HH", length, 1), {errno.EINVAL})
        for extra in (1, 4, 100, 65000):
            length = min(65535, 8 + extra)
            yield Case("nla_len past the end", op, data + struct.pack("=HHI", length, 1, 1), {errno.EINVAL})
        for cut in range(1, len(data)):
            if not self.model.fits(op, data[:cut]):
                yield Case(f"cut after {cut}", op, data[:cut])
        for shift in (1, 2, 3):
            yield Case(f"unaligned by {shift}", op, bytes(shift) + data)

    def nested(self):
        base = {"ifname": "hm0", "public-key": key(1)}
        prefix = self.spec.sets["allowed-ip"]
        outer = self.attrs("peer-set")["allowed-ips"]["id"] | NLA_F_NESTED

        def case(name, inner, errors=POLICY_ERRORS, at=None):
            head = self.encode("peer-set", base)[0]
            good = nla(outer, self.spec.encode("allowed-ip", {"addr4": "10.77.0.0", "cidr": 24}))
            return Case(f"allowed-ips: {name}", "peer-set", head + good + nla(outer, inner), errors,
                        None if at is None else HEAD + len(head) + len(good) + at)

        enc = lambda **v: self.spec.encode("allowed-ip", v)  # noqa: E731
        yield case("empty", b"", {errno.EINVAL}, 0)
        yield case("no address", enc(cidr=8), {errno.EINVAL}, 0)
        yield case("two addresses", enc(addr4="10.0.0.0", addr6="fd00::", cidr=8), {errno.EINVAL}, 0)
        yield case("no cidr", enc(addr4="10.0.0.0"), {errno.EINVAL}, 0)
        for cidr in (33, 64, 128):
            yield case(f"IPv4 cidr {cidr}", enc(addr4="10.0.0.0", cidr=cidr), {errno.EINVAL}, 12)
        for cidr in (129, 255, 256, 1 << 31, 0xFFFFFFFF):
            yield case(f"IPv6 cidr {cidr}", enc(addr6="fd00::", cidr=cidr), {errno.ERANGE}, 24)
        for name, attr in prefix.items():
            valid = {"addr6": "fd00::"} if name == "addr6" else {"addr4": "10.0.0.0"}
            valid.update({"cidr": 8, "flags": 0, "priority": 1, "weight": 2})
            rest = self.spec.encode("allowed-ip", {n: v for n, v in valid.items() if n != name})
            for what, raw in self.spoilt(attr):
                yield case(f"{name} {what}", rest + raw, POLICY_ERRORS, 4 + len(rest))
            one = self.spec.encode("allowed-ip", {name: valid[name]})
            yield case(f"{name} twice", rest + one + one, {errno.EINVAL}, 4 + len(rest) + len(one))
        for number in (0, 7, 8, 63, 64, 0x3FFF):
            yield case(f"attribute {number}", enc(addr4="10.0.0.0", cidr=8) + nla(number, bytes(4)), {errno.EINVAL}, 20)
        for cut in range(1, 16):
            yield case(f"cut after {cut}", enc(addr4="10.0.0.0", cidr=8)[:cut])

    def endpoints(self):
        """All combinations of presence, and addresses that can't be an endpoint."""
        parts = {"endpoint-addr4": "192.0.2.1", "endpoint-addr6": "fe80::1", "endpoint-port": 1, "endpoint-scope": 1}
        good = ({"endpoint-addr4", "endpoint-port"}, {"endpoint-addr6", "endpoint-port", "endpoint-scope"}, set())
        for op, peer in (("peer-add", 8), ("peer-set", 1)):
            base = {"ifname": "hm0", "public-key": key(peer)}
            for bits in range(16):
                some = {n: v for i, (n, v) in enumerate(parts.items()) if bits >> i & 1}
                if set(some) not in good:
                    yield Case(f"endpoint of {sorted(some)}", op, self.encode(op, {**base, **some})[0], {errno.EINVAL})
            for name, address in [("endpoint-addr4", a) for a in ("0.0.0.0", "224.0.0.1", "239.255.255.255",
                                                                 "255.255.255.255")] + \
                                 [("endpoint-addr6", a) for a in ("::", "ff02::1", "ff0e::1", "::ffff:192.0.2.1")]:
                data, at = self.encode(op, {**base, name: address, "endpoint-port": 1})
                yield Case(f"{name} {address}", op, data, {errno.EINVAL}, at[name])
            data, at = self.encode(op, {**base, "endpoint-addr6": "2001:db8::1", "endpoint-port": 1,
                                        "endpoint-scope": 3})
            yield Case("scope of a global address", op, data, {errno.EINVAL}, at["endpoint-scope"])
            data, at = self.encode(op, {**base, "endpoint-addr6": "fe80::1", "endpoint-port": 1, "endpoint-scope": 0})
            yield Case("link-local without scope", op, data, {errno.EINVAL}, at["endpoint-addr6"])

    def peers(self):
        for op, peer, error in (("peer-add", 1, errno.EEXIST), ("peer-set", 8, errno.ENOENT),
                                ("peer-del", 8, errno.ENOENT), ("peer-get", 8, errno.ENOENT)):
            data, at = self.encode(op, {"ifname": "hm0", "public-key": key(peer)})
            yield Case(f"of {error}", op, data, {error}, at["public-key"])

    def dumps(self):
        hm0 = {"ifname": "hm0"}
        dump = {"flags": NLM_F_DUMP}
        for op in ("dev-get", "stat-get"):
            yield Case("dump of one device", op, self.encode(op, hm0)[0], {errno.EINVAL}, HEAD, **dump)
        yield Case("dump without device", "peer-get", b"", {errno.EINVAL}, **dump)
        data, at = self.encode("peer-get", {**hm0, "public-key": key(8)})
        yield Case("dump of no such peer", "peer-get", data, {errno.ENOENT}, at["public-key"], **dump)
        for op in ("dev-get", "peer-get", "stat-get"):
            for number in (0, 25, 63, 64, 0x3FFF):
                yield Case(f"dump with attribute {number}", op, nla(number, bytes(4)), {errno.EINVAL}, HEAD, **dump)
            yield Case("dump with junk", op, b"\1\2\3", {errno.EINVAL}, **dump)
            data, _ = self.encode(op, {"ifname": "hm0"})
            yield Case("dump with ifname twice", op, data + data, {errno.EINVAL}, HEAD + len(data), **dump)
        for op in ("dev-set", "peer-add", "peer-set", "peer-del"):
            yield Case("dump of a change", op, self.encode(op, self.VALID[op][0])[0], {errno.EOPNOTSUPP}, bare=True,
                       **dump)
        for number in {*range(100), 255} - {op["id"] for op in self.spec.ops.values() if "do" in op or "dump" in op}:
            yield Case(f"command {number}", number, b"", {errno.EOPNOTSUPP}, bare=True)

    def all_or_nothing(self):
        """Everything in the message is right, but for what comes last."""
        port = self.taken_port
        for dev in DEVICES:
            data, at = self.encode("dev-set", {"ifname": dev, "private-key": key(4), "fwmark": 9, "flags": 1,
                                               "listen-port": port})
            if dev == "hm1":  # only a device that is up opens sockets
                yield Case("port in use", "dev-set", data, {errno.EADDRINUSE}, at["listen-port"])
        many = [{"addr4": f"10.{i >> 8}.{i & 255}.0", "cidr": 24} for i in range(1000)]
        for op, peer in (("peer-add", 8), ("peer-set", 1)):
            base = {"ifname": "hm0", "public-key": key(peer), "preshared-key": key(6), "persistent-keepalive": 77,
                    "endpoint-addr4": "192.0.2.99", "endpoint-port": 99, "allowed-ips": many}
            data, _ = self.encode(op, base)
            bad = nla(self.attrs(op)["allowed-ips"]["id"] | NLA_F_NESTED,
                      self.spec.encode("allowed-ip", {"addr4": "10.0.0.0", "cidr": 33}))
            yield Case("the last of 1001 allowed IPs", op, data + bad, {errno.EINVAL})

    taken_port = 0


class Run:
    """Sends cases in batches and judges the answers."""

    BATCH = 128

    def __init__(self):
        self.nl = Netlink()
        self.spec = self.nl.spec
        self.failures = 0
        self.sent = self.accepted = 0
        self.prepare()

    def prepare(self):
        for dev in DEVICES:
            self.nl.do("dev-set", ifname=dev, private_key=bytes(32), flags=["replace-peers"], network=0, subnet=0,
                       routed_subnets=0, peer_miss=0,
                       member_prefix=[{"addr4": "0.0.0.0", "cidr": 0}, {"addr6": "::", "cidr": 0}])
        for dev in DEVICES:
            self.nl.do("dev-set", ifname=dev, private_key=key(2), fwmark=5, flags=["replace-peers"])
            for n in (1, 11, 12):
                self.nl.do("peer-add", ifname=dev, public_key=key(n), preshared_key=key(n), endpoint_addr4="192.0.2.1",
                           endpoint_port=1000 + n, allowed_ips=[{"addr4": f"10.0.{n}.0", "cidr": 24},
                                                                {"addr6": f"fd00:{n}::", "cidr": 64}])
        self.before = self.state()

    def state(self):
        """Everything that the kernel tells about the devices, but for traffic."""
        out = []
        for dev in DEVICES:
            out.append(self.nl.do("dev-get", ifname=dev, secrets=True))
            for peer in self.nl.peers(ifname=dev, secrets=True):
                out.append({n: v for n, v in peer.items() if n not in ("rx-bytes", "tx-bytes")})
        return out

    def fail(self, text):
        self.failures += 1
        if self.failures <= 20:
            print(f"# {text}")

    def send(self, case):
        """Refused, or None when the kernel took it."""
        header = {k: v for k, v in case.header.items() if k != "bare"}
        self.sent += 1
        try:
            self.nl.raw(case.op, case.data, **header)
        except Refused as e:
            return e
        return None

    def judge(self, case, refusal):
        if refusal is None:
            self.fail(f"{case.op}: {case.name}: accepted")
            return
        if refusal.errno not in case.errors:
            self.fail(f"{case.op}: {case.name}: {refusal}")
        # What the core itself turns away, it turns away without a word.
        if not refusal.text and not case.header.get("bare"):
            self.fail(f"{case.op}: {case.name}: {refusal} has no text")
        # The core doesn't say where bytes are left over.
        if case.offset is None or "leftover" in refusal.text:
            return
        # Linux 6.1 tells the end of a dump only the text.
        if refusal.offset is None and case.header.get("flags") == NLM_F_DUMP and OLD:
            return
        offsets = (case.offset,) if isinstance(case.offset, int) else case.offset
        if refusal.offset not in offsets:
            self.fail(f"{case.op}: {case.name}: {refusal}: offset {refusal.offset}, not {offsets}")

    def unchanged(self, cases):
        now = self.state()
        if now != self.before:
            names = sorted({f"{c.op}: {c.name}" for c in cases})
            self.fail(f"something has changed after one of {names[:5]} ...")
            self.before = now

    def exhaustive(self, foreign, taken_port):
        Exhaustive.taken_port = taken_port
        batch, number = [], 0
        for case in Exhaustive(self.spec, foreign).cases():
            self.judge(case, self.send(case))
            batch.append(case)
            number += 1
            if len(batch) == self.BATCH:
                self.unchanged(batch)
                batch = []
        self.unchanged(batch)
        return number

    def random(self, total, rng):
        """Messages that the model refuses, in batches; the others one by one."""
        maker = Random(self.spec, rng)
        batch = []
        for _ in range(total):
            case, fits = maker.case()
            refusal = self.send(case)
            if refusal is None:
                if not fits:
                    self.fail(f"accepted against the specification: {case.op} {case.data.hex()}")
                self.accepted += 1
                if case.op not in ("dev-get", "peer-get", "stat-get"):
                    batch = []
                    if self.accepted % 64:
                        self.before = self.state()
                    else:
                        self.prepare()
                continue
            if not refusal.text or (not fits and refusal.errno not in POLICY_ERRORS):
                self.fail(f"{case.op}: {refusal}: {case.data.hex()}")
            batch.append(case)
            if len(batch) == self.BATCH:
                self.unchanged(batch)
                batch = []
        self.unchanged(batch)


class Random:
    """Part 2: makes messages by chance."""

    OPS = ["dev-get", "dev-set", "peer-get", "peer-add", "peer-set", "peer-set", "peer-add", "peer-del", "stat-get"]

    def __init__(self, spec, rng):
        self.spec, self.rng, self.model = spec, rng, Model(spec)
        self.valid = {op: [Exhaustive(spec, "").encode(op, m)[0] for m in messages]
                      for op, messages in Exhaustive.VALID.items()}

    def case(self):
        op = self.rng.choice(self.OPS)
        data = self.mutated(op) if self.rng.random() < 0.5 else self.composed(op)
        return Case("random", op, data), self.model.fits(op, data)

    def mutated(self, op):
        data = bytearray(self.rng.choice(self.valid[op]))
        for _ in range(self.rng.choice((1, 1, 1, 2, 3, 8))):
            at = self.rng.randrange(len(data))
            how = self.rng.randrange(5)
            if how == 0:
                data[at] ^= 1 << self.rng.randrange(8)
            elif how == 1:
                data[at] = self.rng.choice((0, 1, 0x7F, 0x80, 0xFF))
            elif how == 2:
                del data[at:at + self.rng.choice((1, 2, 4, 8))]
            elif how == 3:
                data[at:at] = self.rng.randbytes(self.rng.choice((1, 2, 4, 8)))
            else:
                at &= ~3
                data[at:at] = data[at:at + self.rng.choice((4, 8, 36))]
            if not data:
                break
        return bytes(data)

    def composed(self, op):
        attrs = list(self.spec.sets[self.spec.ops[op]["attribute-set"]].values())
        out = b""
        if self.rng.random() < 0.8:
            out += nla(2, b"hm0\0")
        for _ in range(self.rng.randrange(8)):
            attr = self.rng.choice(attrs)
            kind = attr["id"]
            if attr["type"] == "nest" and self.rng.random() < 0.9:
                out += nla(kind | NLA_F_NESTED, self.nest(attr["nested-attributes"]))
                continue
            if self.rng.random() < 0.05:
                kind = self.rng.choice((self.rng.randrange(0x10000), kind | NLA_F_NESTED, kind | NLA_F_NET_BYTEORDER))
            out += nla(kind, self.payload(attr))
        return out

    def nest(self, set_name):
        out = b""
        attrs = list(self.spec.sets[set_name].values())
        for _ in range(self.rng.randrange(5)):
            attr = self.rng.choice(attrs)
            out += nla(attr["id"], self.payload(attr))
        return out

    def payload(self, attr):
        rng = self.rng
        exact = attr.get("checks", {}).get("exact-len")
        size = {"u32": 4, "u64": 8, "flag": 0, "pad": 0, "string": 4}.get(attr["type"])
        size = self.spec.number(exact) if exact is not None else size if size is not None else 8
        if rng.random() < 0.1:
            size = rng.choice((0, 1, 3, 5, size - 1 if size else 7, size + 1, 64, 300))
        if attr["type"] == "string" and rng.random() < 0.7:
            return rng.choice((b"hm0\0", b"hm1\0", b"lo\0", b"nosuch\0"))
        if size == 4 and rng.random() < 0.8:
            return struct.pack("=I", rng.choice((0, 1, 2, 3, 8, 24, 32, 33, 128, 129, 443, 65535, 65536, 0xFFFFFFFF)))
        if size == 32 and rng.random() < 0.8:
            return key(rng.choice((0, 1, 2, 8, 11, 12)))
        return rng.randbytes(size)


def main():
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 31)
    foreign, port = sys.argv[3] if len(sys.argv) > 3 else "hm2", socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    port.bind(("", 0))
    run = Run()
    started = time.monotonic()
    number = run.exhaustive(foreign, port.getsockname()[1])
    report("each attribute spoilt in each way", run, f"{number} messages, {time.monotonic() - started:.0f} s")
    failed, run.failures, started, run.sent = run.failures, 0, time.monotonic(), 0
    run.random(total, random.Random(seed))
    report("random messages", run, f"{run.sent} messages, {run.accepted} of them accepted rightly, seed {seed}, "
           f"{time.monotonic() - started:.0f} s")
    sys.exit(bool(failed or run.failures))


def report(name, run, figures):
    print(f"{'not ok' if run.failures else 'ok'} - netlink/hostile: {name}", flush=True)
    print(f"# {figures}", flush=True)


main()
