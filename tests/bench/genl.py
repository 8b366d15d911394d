# SPDX-License-Identifier: Apache-2.0
"""Generic netlink, as much of it as configures WireGuard and mmesh devices.

Written from the kernel's headers, so that a benchmark measures the kernel and
needs no tool; also makes the batches of the peers65k cases.
"""

import os
import socket
import struct

NETLINK_GENERIC = 16
NLM_F_REQUEST, NLM_F_ACK = 1, 4
NLMSG_ERROR = 2
GENL_ID_CTRL, CTRL_CMD_GETFAMILY = 16, 3
CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 1, 2
NLA_F_NESTED = 1 << 15
BATCH_BYTES = 128 * 1024

P25519 = 2**255 - 19


def attr(kind, value):
    """One attribute, padded. An int becomes a u32."""
    if isinstance(value, int):
        value = struct.pack("=I", value)
    size = len(value) + 4
    return struct.pack("=HH", size, kind) + value + bytes(-size % 4)


def nest(kind, value):
    """A nested attribute around attributes."""
    return attr(kind | NLA_F_NESTED, value)


def public_key(private):
    """X25519 of the base point (RFC 7748), without constant-time worries."""
    k = int.from_bytes(private, "little")
    k = k & ~7 & (1 << 255) - 1 | 1 << 254
    x1, x2, z2, x3, z3, swap = 9, 1, 0, 9, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap != bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a, b * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P25519, x1 * (da - cb) ** 2 % P25519
        x2, z2 = aa * bb % P25519, e * (aa + 121665 * e) % P25519
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P25519 - 2, P25519) % P25519).to_bytes(32, "little")


def private_key():
    """A random private key."""
    key = bytearray(os.urandom(32))
    key[0] &= 248
    key[31] = key[31] & 127 | 64
    return bytes(key)


class Genl:
    """A socket in the network namespace that the caller is in."""

    def __init__(self, family):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
        self.sock.bind((0, 0))
        self.seq = 0
        self.family = GENL_ID_CTRL
        request = attr(CTRL_ATTR_FAMILY_NAME, family.encode() + b"\0")
        self.sock.send(self.message(CTRL_CMD_GETFAMILY, request, NLM_F_REQUEST))
        reply = self.sock.recv(65536)
        self._check(reply)
        self.family = struct.unpack("=H", find(reply[20:], CTRL_ATTR_FAMILY_ID))[0]

    def message(self, command, attributes, flags=NLM_F_REQUEST | NLM_F_ACK):
        """One message, ready to be sent alone or in a batch."""
        self.seq += 1
        return struct.pack("=IHHIIBBH", 20 + len(attributes), self.family, flags,
                           self.seq, 0, command, 1, 0) + attributes

    @staticmethod
    def _check(reply):
        kind, = struct.unpack_from("=H", reply, 4)
        if kind == NLMSG_ERROR:
            error, = struct.unpack_from("=i", reply, 16)
            if error:
                raise OSError(-error, f"netlink: {os.strerror(-error)}")

    def call(self, command, attributes):
        """Send one message and wait for its acknowledgement."""
        self.sock.send(self.message(command, attributes))
        self._check(self.sock.recv(65536))

    def batches(self, command, list_of_attributes):
        """Messages joined to buffers, of which only the last acknowledges."""
        out, now = [], b""
        for i, attributes in enumerate(list_of_attributes):
            last = i == len(list_of_attributes) - 1
            if now and len(now) + len(attributes) > BATCH_BYTES:
                out.append(now)
                now = b""
            flags = NLM_F_REQUEST | (NLM_F_ACK if last else 0)
            now += self.message(command, attributes, flags)
        return out + [now]

    def send_batches(self, batches):
        """Send what batches() made; an error of any message is raised."""
        for batch in batches:
            self.sock.send(batch)
        self._check(self.sock.recv(65536))


def find(attributes, wanted):
    """Value of the first attribute of that kind."""
    at = 0
    while at + 4 <= len(attributes):
        size, kind = struct.unpack_from("=HH", attributes, at)
        if kind & 0x3fff == wanted:
            return attributes[at + 4:at + size]
        at += size + 3 & ~3
    raise KeyError(wanted)


def prefix_of(text):
    """('10.0.0.0/8') -> family, packed address, length."""
    address, _, length = text.partition("/")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.inet_pton(family, address), int(length)


class WireGuard:
    """wireguard.ko's family."""

    SET_DEVICE = 1

    def __init__(self):
        self.genl = Genl("wireguard")

    def device(self, name, private, port):
        """Identity and port."""
        self.genl.call(self.SET_DEVICE, attr(2, name.encode() + b"\0") +
                       attr(3, private) + attr(6, struct.pack("=H", port)))

    @staticmethod
    def _peer(key, prefixes, endpoint):
        out = attr(1, key)
        if endpoint:
            address, port = endpoint
            if ":" in address:
                out += attr(4, struct.pack("=HHI", socket.AF_INET6, socket.htons(port), 0) +
                            socket.inet_pton(socket.AF_INET6, address) + bytes(4))
            else:
                out += attr(4, struct.pack("=HH", socket.AF_INET, socket.htons(port)) +
                            socket.inet_aton(address) + bytes(8))
        ips = b""
        for family, packed, length in map(prefix_of, prefixes):
            ips += nest(0, attr(1, struct.pack("=H", family)) + attr(2, packed) +
                        attr(3, struct.pack("=B", length)))
        return nest(0, out + nest(9, ips))

    def peer(self, name, key, prefixes, endpoint, suite):
        """Add one peer."""
        del suite
        self.genl.call(self.SET_DEVICE, attr(2, name.encode() + b"\0") +
                       nest(8, self._peer(key, prefixes, endpoint)))

    def many(self, name, peers, suite):
        """Batches for (key, prefix) pairs; as many peers a message as wg(8) puts there."""
        del suite
        messages, now = [], b""
        head = attr(2, name.encode() + b"\0")
        for key, prefix in peers:
            now += self._peer(key, [prefix], None)
            if len(now) > 32000:
                messages.append(head + nest(8, now))
                now = b""
        if now:
            messages.append(head + nest(8, now))
        return self.genl.batches(self.SET_DEVICE, messages)


class Mmesh:
    """mmesh.ko's family."""

    DEV_SET, PEER_ADD = 2, 5
    SUITES = {"wireguard": 0, "aes256gcm": 1}

    def __init__(self):
        self.genl = Genl("mmesh")

    def device(self, name, private, port):
        """Identity and port."""
        self.genl.call(self.DEV_SET, attr(2, name.encode() + b"\0") +
                       attr(3, private) + attr(5, port))

    def _peer(self, name, key, prefixes, endpoint, suite):
        out = attr(2, name.encode() + b"\0") + attr(3, key) + attr(11, self.SUITES[suite])
        if endpoint:
            address, port = endpoint
            if ":" in address:
                out += attr(7, socket.inet_pton(socket.AF_INET6, address))
            else:
                out += attr(6, socket.inet_aton(address))
            out += attr(8, port)
        for family, packed, length in map(prefix_of, prefixes):
            kind = 1 if family == socket.AF_INET else 2
            out += nest(16, attr(kind, packed) + attr(3, length))
        return out

    def peer(self, name, key, prefixes, endpoint, suite):
        """Add one peer."""
        self.genl.call(self.PEER_ADD, self._peer(name, key, prefixes, endpoint, suite))

    def many(self, name, peers, suite):
        """Batches for (key, prefix) pairs."""
        return self.genl.batches(self.PEER_ADD, [
            self._peer(name, key, [prefix], None, suite) for key, prefix in peers])


    def relay(self, name):
        """The device relays, for as many clients as there may be."""
        self.genl.call(self.DEV_SET, attr(2, name.encode() + b"\0") + attr(17, 1) + attr(18, 1 << 20))

    def extended(self, name, key, endpoint=None, via=None, prefixes=()):
        """An extended peer: a relay at an endpoint, or one behind a relay."""
        # Legs carry handshakes of their own only, so their suite does not matter.
        out = self._peer(name, key, prefixes, endpoint, "aes256gcm" if via else "wireguard") + attr(19, 1)
        # Who is behind a relay has to keep it told where it is.
        out += attr(21, via + bytes(32)) if via else attr(10, 5)
        self.genl.call(self.PEER_ADD, out)

    def clients(self, name, keys, network):
        """Extended peers that the relay serves."""
        head = attr(2, name.encode() + b"\0")
        self.genl.send_batches(self.genl.batches(self.PEER_ADD, [
            head + attr(3, key) + attr(19, 1) + attr(22, struct.pack("=Q", network)) + attr(23, 1)
            for key in keys]))


class Ovpn:
    """ovpn.ko's family: one peer, AES-256-GCM."""

    PEER_NEW, KEY_NEW = 1, 6
    PEER_ID, AES_GCM = 1, 1

    def __init__(self):
        self.genl = Genl("ovpn")

    def peer(self, ifindex, sock, endpoint):
        """The other end, at (address, port)."""
        address, port = endpoint
        self.genl.call(self.PEER_NEW, attr(1, ifindex) + nest(
            2, attr(1, self.PEER_ID) + attr(2, socket.inet_aton(address)) + attr(5, struct.pack("!H", port)) +
            attr(6, sock.fileno())))

    def key(self, ifindex, sending, receiving):
        """Keys of 32 bytes and 8 of nonce for each direction."""
        def direction(kind, secret):
            return nest(kind, attr(1, secret[:32]) + attr(2, secret[32:]))
        self.genl.call(self.KEY_NEW, attr(1, ifindex) + nest(
            3, attr(1, self.PEER_ID) + attr(2, 0) + attr(3, 0) + attr(4, self.AES_GCM) +
            direction(5, sending) + direction(6, receiving)))
