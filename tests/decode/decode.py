#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads a capture of tunnels as docs/protocol.md describes them, with keys but without any of the module's code.

usage: decode.py CAPTURE.pcap SECRETS

SECRETS has lines `static HEX` (private keys of the ends), `ephemeral HEX` (of their handshakes) and `psk HEX`. Every
handshake in the capture is followed, every data record is decrypted, and each inner packet's checksums are computed
anew. Prints counts as JSON; the status is 1 when there was anything that could not be read or was wrong.
"""

import json
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "vectors"))
from gen_noise import SUITES, Handshake, dh, public_of  # pylint: disable=wrong-import-position
from cryptography.exceptions import InvalidTag  # pylint: disable=wrong-import-position

ETHERNET_IPV4, ETHERNET_IPV6, TCP, UDP, ICMP, ICMPV6 = 0x0800, 0x86dd, 6, 17, 1, 58
PROTOCOLS = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMPV6: "icmpv6"}
INITIATIONS = {suite.types[0]: suite for suite in SUITES}
RESPONSES = {suite.types[1]: suite for suite in SUITES}
COOKIE, DATA = 3, 4


def frames(path):
    """Of a classic pcap file, Ethernet."""
    data = Path(path).read_bytes()
    magic, = struct.unpack_from("<I", data)
    assert magic in (0xa1b2c3d4, 0xa1b23c4d), "not a pcap file of this machine's byte order"
    at = 24
    while at + 16 <= len(data):
        kept, length = struct.unpack_from("<II", data, at + 8)
        assert kept == length, "the capture is cut"
        yield data[at + 16:at + 16 + kept]
        at += 16 + kept


def datagram(frame):
    """UDP payload of a frame, or None."""
    kind, = struct.unpack_from(">H", frame, 12)
    if kind == ETHERNET_IPV4 and frame[23] == UDP:
        assert not struct.unpack_from(">H", frame, 20)[0] & 0x3fff, "an outer fragment"
        at = 14 + (frame[14] & 15) * 4
    elif kind == ETHERNET_IPV6 and frame[20] == UDP:
        at = 14 + 40
    else:
        return None
    length, = struct.unpack_from(">H", frame, at + 4)
    return frame[at + 8:at + length]


def ones_sum(data, start=0):
    """RFC 1071, without the final complement."""
    if len(data) % 2:
        data += b"\0"
    total = start + sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def inner_packet(text):
    """(protocol, length, None or what is wrong with it)."""
    if text[0] >> 4 == 4:
        header, length, protocol = (text[0] & 15) * 4, struct.unpack_from(">H", text, 2)[0], text[9]
        if ones_sum(text[:header]) != 0xffff:
            return protocol, length, "IPv4 header checksum"
        fragment = struct.unpack_from(">H", text, 6)[0] & 0x3fff
        addresses = text[12:20]
    elif text[0] >> 4 == 6:
        header, length, protocol = 40, 40 + struct.unpack_from(">H", text, 4)[0], text[6]
        fragment, addresses = 0, text[8:40]
    else:
        return None, len(text), "version"
    if length > len(text) or any(text[length:]):
        return protocol, length, "length or padding"
    if fragment or protocol not in PROTOCOLS:
        return protocol, length, None
    body = text[header:length]
    if protocol == UDP and body[6:8] == b"\0\0" and text[0] >> 4 == 4:
        return protocol, length, None
    pseudo = 0 if protocol == ICMP else ones_sum(addresses + struct.pack(">II", len(body), protocol))
    wrong = ones_sum(body, pseudo) != 0xffff
    return protocol, length, PROTOCOLS[protocol] + " checksum" if wrong else None


class Session(Handshake):
    """A handshake seen from outside by somebody who knows every private key."""

    def open(self, sealed):
        text = self.suite.cipher(self.k).decrypt(0, sealed, self.h)
        self.mix_hash(sealed)
        return text


class Decoder:
    def __init__(self, secrets):
        self.static, self.ephemeral, self.psks = {}, {}, [bytes(32)]
        for line in secrets:
            kind, key = line.split()
            key = bytes.fromhex(key)
            if kind == "psk":
                self.psks.append(key)
            else:
                {"static": self.static, "ephemeral": self.ephemeral}[kind][public_of(key)] = key
        self.begun = {}         # sender index of an initiation: Session after it
        self.receiving = {}     # receiver index: (cipher, suite's name)
        self.count = {}
        self.wrong = []

    def add(self, name, by=1):
        self.count[name] = self.count.get(name, 0) + by

    def initiation(self, suite, msg):
        sender, = struct.unpack_from("<I", msg, 4)
        for responder, private in self.static.items():
            hs = Session(suite, suite.identifier, responder)
            hs.mix_ephemeral(msg[8:40])
            hs.mix_dh(dh(private, msg[8:40]))
            try:
                hs.initiator = hs.open(msg[40:88])
            except InvalidTag:
                continue
            hs.mix_dh(dh(private, hs.initiator))
            hs.open(msg[88:116])
            hs.ephemeral = msg[8:40]
            self.begun[sender] = hs
            self.add("initiations")
            return
        self.wrong.append("an initiation to nobody")

    def response(self, suite, msg):
        sender, receiver = struct.unpack_from("<II", msg, 4)
        begun = self.begun.get(receiver)
        private = self.ephemeral.get(msg[12:44])
        if not begun or not private:
            self.wrong.append("a response to nothing, or of an unknown ephemeral key")
            return
        for psk in self.psks:
            hs = Session(suite, b"", b"")
            hs.ck, hs.h = begun.ck, begun.h
            hs.mix_ephemeral(msg[12:44])
            hs.mix_dh(dh(private, begun.ephemeral))
            hs.mix_dh(dh(private, begun.initiator))
            hs.mix_psk(psk)
            try:
                hs.open(msg[44:60])
            except InvalidTag:
                continue
            initiator_sends, responder_sends = hs.split()
            self.receiving[sender] = suite.cipher(initiator_sends), suite.name
            self.receiving[receiver] = suite.cipher(responder_sends), suite.name
            self.add("responses")
            return
        self.wrong.append("a response that does not decrypt")

    def record(self, msg):
        receiver, counter = struct.unpack_from("<IQ", msg, 4)
        if receiver not in self.receiving:
            self.wrong.append(f"a record of unknown session {receiver:08x}")
            return
        cipher, name = self.receiving[receiver]
        try:
            text = cipher.decrypt(counter, msg[16:], b"")
        except InvalidTag:
            self.wrong.append(f"record {counter} of {receiver:08x} does not decrypt")
            return
        self.add(f"records {name}")
        if not text:
            self.add("keepalives")
            return
        protocol, length, fault = inner_packet(text)
        self.add(PROTOCOLS.get(protocol, "other"))
        self.add("inner bytes", length)
        if fault:
            self.wrong.append(f"record {counter} of {receiver:08x}: {fault}")

    def message(self, msg):
        kind, = struct.unpack_from("<I", msg)
        if kind in INITIATIONS:
            self.initiation(INITIATIONS[kind], msg)
        elif kind in RESPONSES:
            self.response(RESPONSES[kind], msg)
        elif kind == DATA:
            self.record(msg)
        elif kind != COOKIE:
            self.wrong.append(f"type {kind}")


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    decoder = Decoder(Path(sys.argv[2]).read_text(encoding="ascii").splitlines())
    longest = 0
    for frame in frames(sys.argv[1]):
        msg = datagram(frame)
        if msg is not None:
            longest = max(longest, len(msg))
            decoder.message(msg)
    print(json.dumps({**decoder.count, "longest datagram": longest, "wrong": len(decoder.wrong),
                      "first wrong": decoder.wrong[:5]}))
    return 1 if decoder.wrong or not decoder.count else 0


if __name__ == "__main__":
    sys.exit(main())
