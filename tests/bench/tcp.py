# SPDX-License-Identifier: Apache-2.0
"""TCP throughput: one flow, sixteen, sixteen peers, both families, interop."""

import json
import re
import subprocess
import time

import host
import net

FLOWS = 16
# A system call of user-mode Linux costs some ten times a native one, which
# iperf3's 128 KiB blocks would make the greater part of the fast cases' time.
BLOCK = "1M"


class Server:
    """An iperf3 server that serves one test after another."""

    def __init__(self, ns, port=5201):
        with net.inside(ns):
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                ["iperf3", "-s", "-p", str(port)], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.1)


def client(ns, address, seconds, *options):
    """Start an iperf3 client."""
    with net.inside(ns):
        return subprocess.Popen(
            ["iperf3", "-J", "-c", address, "-t", str(seconds), "-O", "1", "-l", BLOCK, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)


def result(process):
    """Gb/s that a client's server received."""
    out = json.loads(process.communicate()[0])
    if "error" in out:
        raise RuntimeError("iperf3: " + out["error"])
    return out["end"]["sum_received"]["bits_per_second"] / 1e9


def fair(measure):
    """Makes up for a machine that others use, when the command line asks for
    it: throughput for each second of processor time that the kernel got."""
    def wrapped(self, options):
        if not options.share:
            return measure(self, options)
        share = host.Share()
        return measure(self, options) / share.get()
    return wrapped


class Flow:
    """TCP between the ends of a pair."""

    def __init__(self, pair, address=net.Pair.B, options=()):
        self.pair, self.address, self.options = pair, address, options
        if not hasattr(pair, "server"):
            pair.server = Server(pair.ns_b)

    @fair
    def measure(self, options):
        """One run."""
        for _ in range(3):
            try:
                return result(client(self.pair.ns_a, self.address, options.seconds, *self.options))
            except RuntimeError as error:
                # The server says so while it cleans up after the last test.
                if "busy" not in str(error):
                    raise
                time.sleep(0.2)
        raise RuntimeError("iperf3: server stays busy")


def received(ns):
    """Bytes that the namespace's TCP sockets have received, at a moment."""
    with net.inside(ns):
        text = net.run("ss", "-tinH", "state", "established")
    return sum(map(int, re.findall(r"bytes_received:(\d+)", text))), time.monotonic()


class Spokes:
    """One flow with each of the hub's peers. They can't be started at once, so
    what counts is what all receive while all run."""

    def __init__(self, kind):
        self.hub = net.Hub(kind, FLOWS)
        for i in range(FLOWS):
            Server(self.hub.ns_b, 5201 + i)

    def measure(self, options):
        """One run."""
        clients = [client(self.hub.ns_a, f"10.1.{i}.2", options.seconds + 4, "-p", str(5201 + i))
                   for i in range(FLOWS)]
        time.sleep(2)
        share = host.Share() if options.share else None
        start = received(self.hub.ns_b)
        time.sleep(options.seconds)
        end = received(self.hub.ns_b)
        got = (end[0] - start[0]) * 8e-9 / (end[1] - start[1])
        if share:
            got /= share.get()
        for process in clients:
            result(process)
        return got


PAIRS = {}


def pair(kinds, **how):
    """The pair of that kind, made when first asked for."""
    key = (kinds, *sorted(how.items()))
    if key not in PAIRS:
        PAIRS[key] = net.Pair(kinds, **how)
    return PAIRS[key]


MANY = ("-P", str(FLOWS))
# What is measured in each round, by name.
VARIANTS = {}
for end in "wireguard", "mmesh-wg", "mmesh-aes":
    VARIANTS.update({
        end: lambda e=end: Flow(pair(e)),
        end + " nic": lambda e=end: Flow(pair(e, nic=True)),
        end + " 16 flows": lambda e=end: Flow(pair(e), options=MANY),
        end + " 16 peers": lambda e=end: Spokes(e),
        end + " v6": lambda e=end: Flow(pair(e, outer=6), net.Pair.B6),
        end + " reversed": lambda e=end: Flow(pair(e), options=("-R",)),
        end + " mtu 9000": lambda e=end: Flow(pair(e, mtu=9000)),
    })
VARIANTS.update({
    "wireguard 128k": lambda: Flow(pair("wireguard"), options=("-l", "128K")),
    "mmesh-aes 128k": lambda: Flow(pair("mmesh-aes"), options=("-l", "128K")),
    "plain": lambda: Flow(pair("plain")),
    "vxlan": lambda: Flow(pair("vxlan")),
    "esp": lambda: Flow(pair("esp")),
    "ovpn": lambda: Flow(pair("ovpn")),
    "mmesh to wireguard": lambda: Flow(pair(("mmesh-wg", "wireguard"))),
    "wireguard to mmesh": lambda: Flow(pair(("wireguard", "mmesh-wg"))),
})
