#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Known answers for kunit/ext_test.c: the keys of the extensions, a control message, a leg header.

An implementation of its own, from docs/protocol.md and the SipHash paper; BLAKE2s and ChaCha20-Poly1305 are those of
hashlib and OpenSSL. Nothing here comes from kmod/.

    gen_ext.py > kunit/vectors-ext.h     write the header
    gen_ext.py --check FILE              exit 1 if FILE is not that header
"""
import hashlib
import struct
import sys

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

MASK = (1 << 64) - 1


def some_bytes(label, count):
    return hashlib.shake_256(b"mmesh test vector: " + label.encode()).digest(count)


def rotate(value, by):
    return (value << by | value >> 64 - by) & MASK


def siphash24(key, data):
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573]

    def rounds(count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & MASK
            v[1] = rotate(v[1], 13) ^ v[0]
            v[0] = rotate(v[0], 32)
            v[2] = (v[2] + v[3]) & MASK
            v[3] = rotate(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & MASK
            v[3] = rotate(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & MASK
            v[1] = rotate(v[1], 17) ^ v[2]
            v[2] = rotate(v[2], 32)

    tail = len(data) % 8
    whole = data[:len(data) - tail]
    last = data[len(data) - tail:].ljust(7, b"\0") + bytes([len(data) & 0xff])
    for word in struct.unpack(f"<{(len(whole) + 8) // 8}Q", whole + last):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xff
    rounds(4)
    return struct.pack("<Q", v[0] ^ v[1] ^ v[2] ^ v[3])


def self_test():
    # The SipHash paper, appendix A.
    assert siphash24(bytes(range(16)), bytes(range(15))) == bytes.fromhex("e545be4961ca29a1")


def derive(secret, label):
    return hashlib.blake2s(label.encode(), key=secret, digest_size=32).digest()


def control(key, index, counter, kind, body, padding):
    plain = struct.pack("<BBH", kind, 0, len(body)) + body + bytes(padding)
    nonce = bytes(4) + struct.pack("<Q", counter)
    return struct.pack("<LLQ", 7, index, counter) + ChaCha20Poly1305(key).encrypt(nonce, plain, None)


def leg(key, index, counter, channel, length, inner):
    header = struct.pack("<LLQLHH", 8, index, counter, channel, length, 0)
    return header + siphash24(key[:16], header[8:] + inner[:16])


def vectors():
    secret = some_bytes("extension secret", 32)
    keys = {
        "control_i_to_r": derive(secret, "mmesh v1 control i->r"),
        "control_r_to_i": derive(secret, "mmesh v1 control r->i"),
        "leg_i_to_r": derive(secret, "mmesh v1 leg i->r")[:16],
        "leg_r_to_i": derive(secret, "mmesh v1 leg r->i")[:16],
    }
    body = some_bytes("control body", 21)
    inner = some_bytes("inner message", 148)
    return {
        "secret": secret, **keys,
        "control_body": body,
        "control_message": control(keys["control_i_to_r"], 0xa1b2c3d4, 0, 4, body, 11),
        "leg_inner": inner,
        "leg_header": leg(keys["leg_r_to_i"], 0x11223344, 0, 0x01000007, len(inner), inner),
    }


def header():
    lines = ["/* SPDX-License-Identifier: GPL-2.0 */",
             "/* Made by tests/vectors/gen_ext.py; docs/protocol.md, section 21. */",
             "#ifndef MMESH_KUNIT_VECTORS_EXT_H", "#define MMESH_KUNIT_VECTORS_EXT_H", "",
             "static const struct {"]
    values = vectors()
    lines += [f"\tu8 {name}[{len(value)}];" for name, value in values.items()]
    lines += ["} ext_vector = {"]
    for name, value in values.items():
        lines.append(f"\t.{name} = {{")
        for at in range(0, len(value), 8):
            lines.append("\t\t" + " ".join(f"0x{byte:02x}," for byte in value[at:at + 8]))
        lines.append("\t},")
    return "\n".join(lines + ["};", "", "#endif"]) + "\n"


def main():
    self_test()
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        with open(sys.argv[2], encoding="utf-8") as file:
            return 0 if file.read() == header() else 1
    sys.stdout.write(header())
    return 0


if __name__ == "__main__":
    sys.exit(main())
