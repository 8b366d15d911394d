#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Known answers for kunit/: both Noise suites, the MACs, cookies and records.

An implementation of its own, from the WireGuard paper and the Noise and
XChaCha20 specifications; primitives are those of OpenSSL (python3-cryptography)
and hashlib. Nothing here comes from kmod/. Before anything else it goes through the public vectors in cacophony.json,
which it also passes on to kunit/, and ends with status 1 when it doesn't agree with them.

    gen_noise.py > kunit/vectors-noise.h     write the header
    gen_noise.py --check FILE                exit 1 if FILE is not that header
"""
import hashlib
import hmac
import json
import socket
import struct
import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305


def blake2s(*parts, key=b"", size=32):
    return hashlib.blake2s(b"".join(parts), key=key, digest_size=size).digest()


def hkdf(salt, secret, outputs):
    """RFC 5869 with HMAC-BLAKE2s, as Noise's HKDF()."""
    prk = hmac.new(salt, secret, hashlib.blake2s).digest()
    result, last = [], b""
    for number in range(1, outputs + 1):
        last = hmac.new(prk, last + bytes([number]), hashlib.blake2s).digest()
        result.append(last)
    return result


def public_of(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def dh(private, public):
    return X25519PrivateKey.from_private_bytes(private).exchange(
        X25519PublicKey.from_public_bytes(public))


def secret(label):
    """A repeatable private key, clamped as RFC 7748 says."""
    key = bytearray(hashlib.sha256(b"mmesh test vector: " + label.encode()).digest())
    key[0] &= 248
    key[31] = key[31] & 127 | 64
    return bytes(key)


def some_bytes(label, count):
    return hashlib.shake_256(b"mmesh test vector: " + label.encode()).digest(count)


class ChaChaPoly:
    """Noise's ChaChaPoly: 32 zero bits and a little-endian counter."""

    def __init__(self, key):
        self.cipher = ChaCha20Poly1305(key)

    def encrypt(self, counter, plain, ad):
        return self.cipher.encrypt(struct.pack("<4xQ", counter), plain, ad)

    def decrypt(self, counter, sealed, ad):
        return self.cipher.decrypt(struct.pack("<4xQ", counter), sealed, ad)


class AesGcm:
    """Noise's AESGCM: 32 zero bits and a big-endian counter."""

    def __init__(self, key):
        self.cipher = AESGCM(key)

    def encrypt(self, counter, plain, ad):
        return self.cipher.encrypt(struct.pack(">4xQ", counter), plain, ad)

    def decrypt(self, counter, sealed, ad):
        return self.cipher.decrypt(struct.pack(">4xQ", counter), sealed, ad)


def rotate(value, by):
    return (value << by | value >> (32 - by)) & 0xffffffff


def hchacha20(key, nonce):
    """draft-irtf-cfrg-xchacha, section 2.2."""
    s = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def quarter(a, b, c, d):
        for x, y, z, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xffffffff
            s[z] = rotate(s[z] ^ s[x], by)

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<8I", *s[:4], *s[12:])


def xchacha20poly1305(key, nonce, plain, ad):
    return ChaCha20Poly1305(hchacha20(key, nonce[:16])).encrypt(b"\0" * 4 + nonce[16:], plain, ad)


def self_test():
    """The draft's own example, so that this file is not its only witness."""
    key = bytes(range(32))
    nonce = bytes.fromhex("000000090000004a0000000031415927")
    expected = "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"
    assert hchacha20(key, nonce).hex() == expected
    # RFC 7693, appendix B.
    assert blake2s(b"abc").hex() == (
        "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982")
    for suite, vector in zip(SUITES, public_vectors()):
        check_public(suite, vector)


class Suite:
    def __init__(self, name, number, construction, identifier, mac1_label, cipher, types):
        self.name, self.number, self.cipher, self.mac1_label = name, number, cipher, mac1_label
        self.construction, self.identifier, self.types = construction, identifier, types


SUITES = [
    Suite("wireguard", "MMESH_SUITE_WIREGUARD", b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s",
          b"WireGuard v1 zx2c4 Jason@zx2c4.com", b"mac1----", ChaChaPoly, (1, 2)),
    Suite("aes256gcm", "MMESH_SUITE_AES256GCM", b"Noise_IKpsk2_25519_AESGCM_BLAKE2s",
          b"mmesh v1 aes256gcm", b"mac1-aes", AesGcm, (5, 6)),
]


class Handshake:
    """One side's symmetric state, and the pattern's two messages without what is around them."""

    def __init__(self, suite, prologue, responder_public):
        self.suite = suite
        self.ck = blake2s(suite.construction)
        self.h = blake2s(blake2s(self.ck, prologue), responder_public)
        self.k = None

    def mix_hash(self, data):
        self.h = blake2s(self.h, data)

    def mix_ephemeral(self, public):
        self.mix_hash(public)
        self.ck, = hkdf(self.ck, public, 1)

    def mix_dh(self, shared):
        self.ck, self.k = hkdf(self.ck, shared, 2)

    def mix_psk(self, psk):
        self.ck, tau, self.k = hkdf(self.ck, psk, 3)
        self.mix_hash(tau)

    def seal(self, plain):
        sealed = self.suite.cipher(self.k).encrypt(0, plain, self.h)
        self.mix_hash(sealed)
        return sealed

    def first(self, ephemeral, static, responder_public, payload):
        """Of the initiator: e, es, s, ss."""
        public = public_of(ephemeral)
        self.mix_ephemeral(public)
        self.mix_dh(dh(ephemeral, responder_public))
        sealed = self.seal(public_of(static))
        self.mix_dh(dh(static, responder_public))
        return public + sealed + self.seal(payload)

    def second(self, ephemeral, initiator_ephemeral, initiator_static, psk, payload):
        """Of the responder: e, ee, se, psk."""
        public = public_of(ephemeral)
        self.mix_ephemeral(public)
        self.mix_dh(dh(ephemeral, initiator_ephemeral))
        self.mix_dh(dh(ephemeral, initiator_static))
        self.mix_psk(psk)
        return public + self.seal(payload)

    def split(self):
        return hkdf(self.ck, b"", 2)


def public_vectors():
    """cacophony.json as rows of the table for kunit/, one for each suite."""
    with open(Path(__file__).parent / "cacophony.json", encoding="ascii") as file:
        entries = {entry["protocol_name"]: entry for entry in json.load(file)["vectors"]}
    rows = []
    for suite in SUITES:
        entry = entries[suite.construction.decode()]
        raw = {name: bytes.fromhex(value) for name, value in entry.items() if isinstance(value, str)
               and name != "protocol_name"}
        rows.append({
            "name": '"' + entry["protocol_name"] + '"', "suite": suite.number,
            "prologue_len": len(raw["init_prologue"]), "prologue": raw["init_prologue"],
            "psk": bytes.fromhex(entry["init_psks"][0]), "initiator_private": raw["init_static"],
            "initiator_ephemeral": raw["init_ephemeral"], "responder_private": raw["resp_static"],
            "responder_public": raw["init_remote_static"], "responder_ephemeral": raw["resp_ephemeral"],
            "handshake_hash": raw["handshake_hash"],
            "messages": [{
                "payload_len": len(message["payload"]) // 2, "payload": bytes.fromhex(message["payload"]),
                "sealed_len": len(message["ciphertext"]) // 2, "sealed": bytes.fromhex(message["ciphertext"]),
            } for message in entry["messages"]],
        })
    return rows


def check_public(suite, v):
    """Ends the program when this file says something else than a public vector."""
    def same(what, ours, theirs):
        if ours != theirs:
            sys.exit(f"{sys.argv[0]}: {suite.construction.decode()}: {what} is {ours.hex()} here "
                     f"and {theirs.hex()} in cacophony.json")

    payloads = [message["payload"] for message in v["messages"]]
    same("responder's public key", public_of(v["responder_private"]), v["responder_public"])
    hs = Handshake(suite, v["prologue"], v["responder_public"])
    sealed = [hs.first(v["initiator_ephemeral"], v["initiator_private"], v["responder_public"], payloads[0]),
              hs.second(v["responder_ephemeral"], public_of(v["initiator_ephemeral"]),
                        public_of(v["initiator_private"]), v["psk"], payloads[1])]
    # Then they talk in turns, each from counter 0 with its own key.
    keys = hs.split()
    sealed += [suite.cipher(keys[number % 2]).encrypt(number // 2, payload, b"")
               for number, payload in enumerate(payloads[2:])]
    for number, message in enumerate(v["messages"]):
        same(f"message {number}", sealed[number], message["sealed"])
    same("handshake hash", hs.h, v["handshake_hash"])


def tai64n(seconds, nanoseconds):
    """Nanoseconds in steps of 2^24, the power of two below 1/50 s."""
    return struct.pack(">QI", 0x400000000000000a + seconds, nanoseconds >> 24 << 24)


def with_mac1(suite, message, receiver_public):
    key = blake2s(suite.mac1_label, receiver_public)
    return message + blake2s(message, key=key, size=16) + b"\0" * 16


def run(suite, psk, name):
    """One handshake of which every secret is known."""
    si, sr = secret(name + " static i"), secret(name + " static r")
    ei, er = secret(name + " ephemeral i"), secret(name + " ephemeral r")
    v = {
        "suite": suite.number, "initiator_private": si, "initiator_public": public_of(si),
        "responder_private": sr, "responder_public": public_of(sr), "psk": psk,
        "initiator_ephemeral": ei, "responder_ephemeral": er,
        "seconds": 1700000000, "nanoseconds": 987654321,
    }
    index_i, index_r = 0x11223344, 0xa1b2c3d4

    hs = Handshake(suite, suite.identifier, v["responder_public"])
    v["initial_chaining_key"] = hs.ck
    v["initial_hash"] = blake2s(hs.ck, suite.identifier)
    first = hs.first(ei, si, v["responder_public"], tai64n(v["seconds"], v["nanoseconds"]))
    v["initiation"] = with_mac1(suite, struct.pack("<II", suite.types[0], index_i) + first, v["responder_public"])
    second = hs.second(er, public_of(ei), v["initiator_public"], psk, b"")
    v["response"] = with_mac1(suite, struct.pack("<III", suite.types[1], index_r, index_i) + second,
                              v["initiator_public"])
    v["initiator_sends"], v["responder_sends"] = hs.split()
    return v


def record(suite, key, counter, plain):
    return {"suite": suite.number, "key": key, "counter": counter, "plain_len": len(plain),
            "plain": plain, "sealed": suite.cipher(key).encrypt(counter, plain, b"")}


def cookie_vector(suite, source, port):
    """A message, the reply to it under load, and its mac2 afterwards."""
    initiator = run(suite, bytes(32), "cookie " + suite.name)
    address = socket.inet_pton(socket.AF_INET6 if ":" in source else socket.AF_INET, source)
    message = initiator["initiation"][:-16]
    mac1 = message[-16:]
    checker_secret = some_bytes("cookie secret", 32)
    nonce = some_bytes("cookie nonce " + source, 24)
    cookie = blake2s(address, struct.pack(">H", port), key=checker_secret, size=16)
    key = blake2s(b"cookie--", initiator["responder_public"])
    return {
        "suite": suite.number, "family": "AF_INET6" if ":" in source else "AF_INET",
        "address": address.ljust(16, b"\0"), "port": port,
        "responder_private": initiator["responder_private"],
        "responder_public": initiator["responder_public"],
        "secret": checker_secret, "nonce": nonce, "cookie": cookie,
        "message": message + blake2s(message, key=cookie, size=16),
        "reply": struct.pack("<II", 3, 0x11223344) + nonce +
        xchacha20poly1305(key, nonce, cookie, mac1),
    }


def as_c(value, indent):
    if isinstance(value, bytes):
        if not value:
            return "{ 0 }"
        rows = [", ".join(f"0x{b:02x}" for b in value[i:i + 8]) for i in range(0, len(value), 8)]
        pad = "\t" * (indent + 1)
        return "{\n" + "".join(f"{pad}{row},\n" for row in rows) + "\t" * indent + "}"
    if isinstance(value, int):
        return f"0x{value:x}ULL" if value > 0x7fffffff else str(value)
    if isinstance(value, list):
        return "{\n" + "".join(as_c(item, indent + 1) for item in value) + "\t" * indent + "}"
    if isinstance(value, dict):
        pad = "\t" * indent
        rows = [f"{pad}\t.{field} = {as_c(item, indent + 1)},\n" for field, item in value.items()]
        return pad + "{\n" + "".join(rows) + pad + "},\n"
    return value


def table(kind, name, vectors):
    return f"static const struct {kind} {name}[] = {{\n" + "".join(as_c(v, 1) for v in vectors) + "};\n"


HEAD = """\
/* SPDX-License-Identifier: GPL-2.0 */
/* Made by tests/vectors/gen_noise.py; do not edit. */
#ifndef MMESH_KUNIT_VECTORS_NOISE_H
#define MMESH_KUNIT_VECTORS_NOISE_H

#include <linux/mmesh.h>
#include <linux/socket.h>
#include <linux/types.h>
"""

NOISE = """
struct noise_vector {
	u8 suite;
	u8 initiator_private[32];
	u8 initiator_public[32];
	u8 responder_private[32];
	u8 responder_public[32];
	u8 psk[32];
	u8 initiator_ephemeral[32];
	u8 responder_ephemeral[32];
	s64 seconds;
	u32 nanoseconds;
	u8 initial_chaining_key[32];
	u8 initial_hash[32];
	u8 initiation[148];	/* sender index 0x11223344; mac2 zero */
	u8 response[92];	/* sender index 0xa1b2c3d4; mac2 zero */
	u8 initiator_sends[32];
	u8 responder_sends[32];
};
"""

PUBLIC = """
/* Not ours: public test vectors of Noise, from the file vectors/cacophony.txt
 * of https://github.com/haskell-cryptography/cacophony, in the public domain.
 * The first two messages are the handshake's, the others are transport
 * messages of the initiator and the responder in turn.
 */
struct public_message {
	u8 payload_len;
	u8 payload[32];
	u8 sealed_len;
	u8 sealed[112];
};

struct public_vector {
	const char *name;
	u8 suite;
	u8 prologue_len;
	u8 prologue[16];
	u8 psk[32];
	u8 initiator_private[32];
	u8 initiator_ephemeral[32];
	u8 responder_private[32];
	u8 responder_public[32];
	u8 responder_ephemeral[32];
	u8 handshake_hash[32];
	struct public_message messages[6];
};
"""

COOKIE = """
struct cookie_vector {
	u8 suite;
	u16 family;
	u8 address[16];
	u16 port;
	u8 responder_private[32];
	u8 responder_public[32];
	u8 secret[32];
	u8 nonce[24];
	u8 cookie[16];
	u8 message[148];	/* both macs valid */
	u8 reply[64];		/* the answer to it */
};
"""

RECORD = """
struct record_vector {
	u8 suite;
	u8 key[32];
	u64 counter;
	u32 plain_len;
	u8 plain[256];
	u8 sealed[272];
};
"""


def part(guard, body):
    """A suite takes only the tables it uses."""
    return f"\n#ifdef {guard}{body}#endif\n"


def header():
    psk = some_bytes("psk", 32)
    noise = [run(suite, key, suite.name + label)
             for suite in SUITES for label, key in ((" psk", psk), (" no psk", bytes(32)))]
    cookies = [cookie_vector(suite, source, port) for suite in SUITES
               for source, port in (("192.0.2.1", 51820), ("2001:db8::1", 1))]
    records = [record(suite, some_bytes("record key", 32), counter, some_bytes("text", length))
               for suite in SUITES for counter, length in
               ((0, 0), (1, 16), (0x0102030405060708, 256), (2 ** 64 - 2 ** 13 - 2, 240))]
    return (HEAD +
            part("MMESH_WANT_NOISE_VECTORS", NOISE + "\n" + table("noise_vector", "noise_vectors", noise)) +
            part("MMESH_WANT_PUBLIC_VECTORS",
                 PUBLIC + "\n" + table("public_vector", "public_vectors", public_vectors())) +
            part("MMESH_WANT_COOKIE_VECTORS", COOKIE + "\n" + table("cookie_vector", "cookie_vectors", cookies)) +
            part("MMESH_WANT_RECORD_VECTORS", RECORD + "\n" + table("record_vector", "record_vectors", records)) +
            "\n#endif\n")


def main():
    self_test()
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        with open(sys.argv[2], encoding="ascii") as file:
            if file.read() == header():
                return 0
        print(f"{sys.argv[2]} is not what {sys.argv[0]} makes", file=sys.stderr)
        return 1
    if len(sys.argv) != 1:
        print(__doc__, file=sys.stderr)
        return 1
    sys.stdout.write(header())
    return 0


if __name__ == "__main__":
    sys.exit(main())
