# SPDX-License-Identifier: Apache-2.0
"""Completed handshakes a second, the responder's work only, and what the
kernel's X25519 allows."""

import os
import statistics
import subprocess

import net

PEERS = 1024
# X25519 operations of a responder whose static-static product is known.
OPERATIONS = 4
SHARE = 0.8

speed = {}


def kernel_speed():
    """Nanoseconds of the kernel's ciphers and of X25519, measured once."""
    if not speed:
        net.run("insmod", os.environ["MMESH_BENCH_KO"])
        for name in "chacha_ns", "gcm_ns", "x25519_ns":
            with open(f"/sys/module/kbench/parameters/{name}", encoding="ascii") as file:
                speed[name] = int(file.read())
    return speed


def peer_keys(first, count):
    """Public keys of the initiator's peers."""
    out = subprocess.check_output([os.environ["MMESH_BENCH_BIN"] + "/handshake", "keys",
                                   str(first), str(count)])
    return [out[i:i + 32] for i in range(0, len(out), 32)]


def prefix(i):
    """Inner address of peer i: one of 255 times 254."""
    return f"100.{i // 254}.{i % 254 + 1}.1/32"


class Responder:
    """A device that all the initiator's peers know, and are known to."""

    def __init__(self, kind, first=0, count=PEERS):
        self.kind, self.first, self.count = kind, first, count
        self.ns, self.other = net.namespace("r"), net.namespace("i")
        net.cable(self.ns, "u", self.other, "u")
        net.address(self.ns, "u", "10.0.0.1/24")
        net.address(self.other, "u", "10.0.0.2/24")
        self.end = net.End(self.ns, "t", kind)
        self.end.up(1420, "10.1.0.1/24")

    def add(self):
        """Give the device its peers."""
        keys = peer_keys(self.first, self.count)
        with net.inside(self.ns):
            control = net.control(self.end.link)
            control.genl.send_batches(control.many(
                "t", [(key, prefix(i)) for i, key in enumerate(keys)], self.end.suite))

    def handshakes(self):
        """One with each peer; returns the responder's seconds for one."""
        with net.inside(self.other):
            out = net.run(os.environ["MMESH_BENCH_BIN"] + "/handshake", "run", str(self.first),
                          str(self.count), self.end.suite, "10.0.0.1", str(net.PORT),
                          self.end.public.hex())
        return float(out.split()[1])


def measure(names, options, table, progress):
    """Rows handshakes and, for how near the limit is, handshakes-limit."""
    del names
    limit = SHARE * 1e9 / (OPERATIONS * kernel_speed()["x25519_ns"])
    kinds = "wireguard", "mmesh-wg", "mmesh-aes"
    responders = {kind: Responder(kind) for kind in kinds}
    for responder in responders.values():
        responder.add()
        # The first finds static-static products that are not known yet.
        responder.handshakes()
    rates = {kind: [] for kind in kinds}
    for i in range(options.runs):
        for kind in kinds:
            rates[kind].append(1 / responders[kind].handshakes())
        progress(f"round {i + 1} of {options.runs}: handshakes: " +
                 ", ".join(f"{kind} {rates[kind][-1]:.0f}" for kind in kinds))
    median = {kind: statistics.median(rates[kind]) for kind in kinds}
    table.row("handshakes", "1/s", median["mmesh-wg"], "wireguard", median["wireguard"])
    table.row("handshakes-limit", "1/s", median["mmesh-wg"], f"{SHARE} of X25519", limit, 1.0)
    table.row("handshakes-limit-aes", "1/s", median["mmesh-aes"], f"{SHARE} of X25519", limit, 1.0)


