# SPDX-License-Identifier: Apache-2.0
"""A netlink client of its own, written from uapi/netlink/specs/mmesh.yaml and the manual pages alone.

It shares no code and no header with the module or the tool: what it can read proves that the specification says what
the kernel does. Needs Python's yaml module.
"""

import errno
import os
import socket
import struct
from pathlib import Path

import yaml

SPEC = Path(__file__).resolve().parents[2] / "uapi/netlink/specs/mmesh.yaml"

NLM_F_REQUEST, NLM_F_MULTI, NLM_F_ACK, NLM_F_DUMP_INTR, NLM_F_DUMP = 1, 2, 4, 0x10, 0x300
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLMSG_NOOP, NLMSG_ERROR, NLMSG_DONE = 1, 2, 3
NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS, NLMSGERR_ATTR_MISS_TYPE = 1, 2, 5
NLA_F_NESTED, NLA_TYPE_MASK = 0x8000, 0x3FFF
SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK = 270, 1, 11, 12
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
NETLINK_GENERIC, GENL_ID_CTRL, CTRL_CMD_GETFAMILY = 16, 0x10, 3
SCALARS = {"u32": "=I", "u64": "=Q"}


class Refused(Exception):
    """The kernel said no: errno, text of the extended acknowledgement, offset of the attribute, missing attribute."""

    def __init__(self, number, text="", offset=None, missing=None):
        super().__init__(f"{errno.errorcode.get(number, number)}: {text}")
        self.errno, self.text, self.offset, self.missing = number, text, offset, missing


class Spec:
    """The specification, with everything numbered and found by name."""

    def __init__(self, path=SPEC):
        raw = yaml.safe_load(Path(path).read_text())
        self.name = raw["name"]
        self.version = raw["version"]
        self.consts, self.enums = {}, {}
        for d in raw["definitions"]:
            if d["type"] == "const":
                self.consts[d["name"]] = d["value"]
            else:
                self.enums[d["name"]] = (d["type"], [e if isinstance(e, str) else e["name"] for e in d["entries"]])
        self.sets = {}
        for s in raw["attribute-sets"]:
            attrs, number = {}, 0
            for a in s["attributes"]:
                number = a.get("value", number + 1)
                attrs[a["name"]] = dict(a, id=number)
            self.sets[s["name"]] = attrs
        self.ops, number = {}, 0
        for op in raw["operations"]["list"]:
            number = op.get("value", number + 1)
            self.ops[op["name"]] = dict(op, id=number)
        self.groups = [g["name"] for g in raw["mcast-groups"]["list"]]

    def op_by_id(self, number):
        return next((o for o in self.ops.values() if o["id"] == number), None)

    def number(self, value):
        """A check's value: a number, a constant's name, or the limit of a type."""
        limits = {"u8-max": 0xFF, "u16-max": 0xFFFF, "u32-max": 0xFFFFFFFF, "s32-max": 0x7FFFFFFF}
        if isinstance(value, int):
            return value
        return self.consts[value] if value in self.consts else limits[value]

    # --- encoding ---

    def encode(self, set_name, values):
        """Bytes of `values`, a dict by attribute name; a list makes a multi-attr attribute several times."""
        out = b""
        for name, value in values.items():
            attr = self.sets[set_name][name]
            for v in value if attr.get("multi-attr") else [value]:
                out += self.encode_one(attr, v)
        return out

    def encode_one(self, attr, value):
        kind = attr["type"]
        if kind == "nest":
            return nla(attr["id"] | NLA_F_NESTED, self.encode(attr["nested-attributes"], value))
        if kind == "flag":
            return nla(attr["id"], b"") if value else b""
        if kind in SCALARS:
            return nla(attr["id"], struct.pack(SCALARS[kind], self.enum_number(attr, value)))
        if kind == "string":
            return nla(attr["id"], value.encode() + b"\0")
        if attr.get("display-hint") in ("ipv4", "ipv6") and isinstance(value, str):
            value = socket.inet_pton(socket.AF_INET6 if attr["display-hint"] == "ipv6" else socket.AF_INET, value)
        return nla(attr["id"], value)

    def enum_number(self, attr, value):
        if isinstance(value, int) or "enum" not in attr:
            return value
        kind, names = self.enums[attr["enum"]]
        if kind == "flags":
            return sum(1 << names.index(n) for n in ([value] if isinstance(value, str) else value))
        return names.index(value)

    # --- decoding ---

    def decode(self, set_name, data):
        """Dict by name; attributes that the specification doesn't know are kept under their number."""
        by_id = {a["id"]: a for a in self.sets[set_name].values()}
        out = {}
        for kind, payload in walk(data):
            attr = by_id.get(kind & NLA_TYPE_MASK)
            if attr is None:
                out[kind & NLA_TYPE_MASK] = payload
            elif attr["type"] == "pad":
                continue
            elif attr.get("multi-attr"):
                out.setdefault(attr["name"], []).append(self.decode_one(attr, kind, payload))
            else:
                if attr["name"] in out:
                    raise ValueError(f"{attr['name']} is there twice")
                out[attr["name"]] = self.decode_one(attr, kind, payload)
        return out

    def decode_one(self, attr, kind, payload):
        what, checks = attr["type"], attr.get("checks", {})
        if "exact-len" in checks and len(payload) != self.number(checks["exact-len"]):
            raise ValueError(f"{attr['name']} has {len(payload)} bytes")
        if what == "nest":
            if not kind & NLA_F_NESTED:
                raise ValueError(f"{attr['name']} lacks NLA_F_NESTED")
            return self.decode(attr["nested-attributes"], payload)
        if what == "flag":
            return True
        if what in SCALARS:
            (value,) = struct.unpack(SCALARS[what], payload)
            return self.enum_name(attr, value)
        if what == "string":
            return payload.rstrip(b"\0").decode()
        if attr.get("display-hint") == "ipv4":
            return socket.inet_ntop(socket.AF_INET, payload)
        if attr.get("display-hint") == "ipv6":
            return socket.inet_ntop(socket.AF_INET6, payload)
        return payload

    def enum_name(self, attr, value):
        if "enum" not in attr:
            return value
        kind, names = self.enums[attr["enum"]]
        if kind == "flags":
            return [n for i, n in enumerate(names) if value >> i & 1]
        return names[value] if value < len(names) else value


def nla(kind, payload):
    return struct.pack("=HH", len(payload) + 4, kind) + payload + bytes(-len(payload) % 4)


def walk(data):
    """(type with flags, payload) of each attribute."""
    while data:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4 or length > len(data):
            raise ValueError("broken attribute")
        yield kind, data[4:length]
        data = data[(length + 3) & ~3:]


class Netlink:
    """A socket of the family."""

    def __init__(self, spec=None):
        self.spec = spec or Spec()
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_GENERIC)
        self.sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self.sock.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
        for force in (SO_SNDBUFFORCE, SO_RCVBUFFORCE):
            try:
                self.sock.setsockopt(socket.SOL_SOCKET, force, 8 << 20)
            except PermissionError:
                pass  # the usual size does for small requests
        self.sock.bind((0, 0))
        self.sequence = int.from_bytes(os.urandom(3), "big")
        self.interrupted = False
        self.events = []
        self.resolve()

    def close(self):
        self.sock.close()

    def resolve(self):
        body = struct.pack("=BBH", CTRL_CMD_GETFAMILY, 1, 0) + nla(2, self.spec.name.encode() + b"\0")
        (reply,) = self.exchange(GENL_ID_CTRL, body)
        attrs = {k & NLA_TYPE_MASK: v for k, v in walk(reply[4:])}
        (self.family,) = struct.unpack("=H", attrs[1])
        self.groups = {}
        for _, group in walk(attrs.get(7, b"")):
            g = {k & NLA_TYPE_MASK: v for k, v in walk(group)}
            self.groups[g[1].rstrip(b"\0").decode()] = struct.unpack("=I", g[2])[0]

    def subscribe(self, group="events"):
        self.sock.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, self.groups[group])

    def message(self, kind, body, flags):
        self.sequence += 1
        return struct.pack("=IHHII", 16 + len(body), kind, flags | NLM_F_REQUEST, self.sequence, 0) + body

    def exchange(self, kind, body, flags=0):
        """Send one message, gather the payloads of the reply; raises Refused."""
        self.sock.send(self.message(kind, body, flags | NLM_F_ACK))
        return list(self.replies())

    def replies(self):
        """Until the acknowledgement of the newest request."""
        self.interrupted = False
        out = []
        while True:
            data = self.sock.recv(1 << 20)
            while data:
                length, kind, flags, sequence, _ = struct.unpack_from("=IHHII", data)
                payload, data = data[16:length], data[(length + 3) & ~3:]
                if not sequence:
                    self.events.append(payload)
                if sequence != self.sequence:
                    continue
                self.interrupted |= bool(flags & NLM_F_DUMP_INTR)
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    self.raise_refused(kind, flags, payload)
                    return out
                out.append(payload)

    @staticmethod
    def raise_refused(kind, flags, payload):
        (error,) = struct.unpack_from("=i", payload)
        if not error:
            return
        tlvs = b""
        if flags & NLM_F_ACK_TLVS:
            tlvs = payload[4:]
            if kind == NLMSG_ERROR:
                (inner,) = struct.unpack_from("=I", payload, 4)
                tlvs = payload[4 + (16 if flags & NLM_F_CAPPED else (inner + 3) & ~3):]
        attrs = {k & NLA_TYPE_MASK: v for k, v in walk(tlvs)}
        numbers = [struct.unpack("=I", attrs[a])[0] if a in attrs else None
                   for a in (NLMSGERR_ATTR_OFFS, NLMSGERR_ATTR_MISS_TYPE)]
        raise Refused(-error, attrs.get(NLMSGERR_ATTR_MSG, b"").rstrip(b"\0").decode(), *numbers)

    def raw(self, op, attributes, flags=0, reserved=0, version=None):
        """An operation with attributes already encoded: number of the operation or its name."""
        number = self.spec.ops[op]["id"] if isinstance(op, str) else op
        head = struct.pack("=BBH", number, self.spec.version if version is None else version, reserved)
        return self.exchange(self.family, head + attributes, flags)

    def do(self, op, **values):
        """Reply of a do, decoded, or None."""
        replies = self.call(op, 0, values)
        return replies[0] if replies else None

    def dump(self, op, **values):
        return self.call(op, NLM_F_DUMP, values)

    def call(self, op, flags, values):
        spec_op = self.spec.ops[op]
        values = {k.replace("_", "-"): v for k, v in values.items()}
        replies = self.raw(op, self.spec.encode(spec_op["attribute-set"], values), flags)
        return [self.spec.decode(spec_op["attribute-set"], r[4:]) for r in replies]

    def event(self, timeout=5.0):
        """Next event as (name, attributes); None when none comes in time."""
        if not self.events:
            self.sock.settimeout(timeout)
            try:
                data = self.sock.recv(1 << 20)
            except TimeoutError:
                return None
            finally:
                self.sock.settimeout(None)
            self.events.append(data[16:struct.unpack_from("=I", data)[0]])
        payload = self.events.pop(0)
        op = self.spec.op_by_id(payload[0])
        return op["name"], self.spec.decode(op["attribute-set"], payload[4:])

    def peers(self, retries=20, **values):
        """All peers of a device, messages about one joined; a dump that was interrupted is done again."""
        for _ in range(retries):
            out = {}
            for message in self.dump("peer-get", **values):
                known = out.setdefault(message["public-key"], message)
                if known is not message:
                    known.setdefault("allowed-ips", []).extend(message.get("allowed-ips", []))
            if not self.interrupted:
                return list(out.values())
        raise TimeoutError("the configuration never stood still")
