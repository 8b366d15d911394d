# SPDX-License-Identifier: Apache-2.0
"""Forwarded small packets: pktgen, router with a tunnel, router, sink.

Only what arrives counts. The rate is the highest offered one that loses less
than LOSS_MAX on its way.
"""

import os
import subprocess

import net

PACKET = 64
LOSS_MAX = 0.005
# Rates are searched to this precision.
STEP = 1.02
START = 100_000


def link_address(ns, dev):
    """MAC address of a device."""
    return net.ip(ns, "-br", "link", "show", "dev", dev).split()[2]


def counters(ns, dev):
    """Received packets and bytes."""
    with net.inside(ns), open("/proc/self/net/dev", encoding="ascii") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name.strip() == dev:
                return int(rest.split()[1])
    raise RuntimeError(f"no device {dev}")


class Chain:
    """source -> router -> tunnel -> router -> sink."""

    def __init__(self, kind):
        net.run("modprobe", "pktgen")
        self.source, self.sink = net.namespace("s"), net.namespace("d")
        self.pair = net.Pair(kind, behind=(["10.2.0.0/24"], ["10.3.0.0/24"]))
        ns_a, ns_b = self.pair.ns_a, self.pair.ns_b
        for ns in ns_a, ns_b:
            net.offload(ns, "u", "gro", "on")
            net.sysctl(ns, "ipv4/ip_forward", 1)
        net.cable(self.source, "out", ns_a, "in", napi=True)
        net.cable(ns_b, "out", self.sink, "in", napi=True)
        net.address(self.source, "out", "10.2.0.1/24")
        net.address(ns_a, "in", "10.2.0.2/24")
        net.address(ns_b, "out", "10.3.0.1/24")
        if kind == "plain":
            net.ip(ns_a, "route", "add", "10.3.0.0/24", "via", net.Pair.B)
        # Not the sink's address, so that it counts the packet and drops it at once.
        net.ip(ns_b, "neigh", "add", "10.3.0.2", "lladdr", "02:00:00:00:00:01", "dev", "out")
        self.setup_pktgen(link_address(ns_a, "in"))
        self.guess = START

    def control(self, file, *commands):
        """Write commands to one of pktgen's files; a process must do it inside."""
        with net.inside(self.source):
            for command in commands:
                fd = os.open("/proc/self/net/pktgen/" + file, os.O_WRONLY)
                try:
                    os.write(fd, command.encode() + b"\n")
                finally:
                    os.close(fd)

    def setup_pktgen(self, mac):
        """A stream of one flow."""
        self.control("kpktgend_0", "rem_device_all", "add_device out")
        self.control("out", "clone_skb 0", f"pkt_size {PACKET}", "delay 0",
                     "dst 10.3.0.2", "src_min 10.2.0.1", "src_max 10.2.0.1", f"dst_mac {mac}",
                     "udp_src_min 4000", "udp_src_max 4000",
                     "udp_dst_min 9", "udp_dst_max 9")

    def offer(self, rate, seconds):
        """Packets offered, packets arrived and the rate at which pktgen sent."""
        before = counters(self.sink, "in")
        self.control("out", f"ratep {rate}", f"count {int(rate * seconds)}")
        self.control("pgctrl", "start")
        with net.inside(self.source), open("/proc/self/net/pktgen/out", encoding="ascii") as file:
            text = file.read()
        sent = int(text.split("pkts-sofar:")[1].split()[0])
        micros = int(text.split("Result: OK: ")[1].split("(")[0])
        # The workers of a tunnel may have some left.
        subprocess.run(["sleep", "0.05"], check=True)
        return sent, counters(self.sink, "in") - before, sent / micros * 1e6

    def passes(self, rate, seconds):
        """The rate at which packets arrived, or 0 when too many were lost."""
        sent, arrived, real = self.offer(rate, seconds)
        if arrived < sent * (1 - LOSS_MAX):
            return 0
        return min(rate, real)

    def measure(self, options):
        """Highest rate without loss, packets per second."""
        seconds = options.trial
        low, high, best = 0, 0, 0
        rate = self.guess
        while not high or (low and high / low > STEP) or not low:
            got = self.passes(int(rate), seconds)
            if got and got > rate * 0.97:
                low, best = rate, max(best, got)
            elif got:
                # More can't be offered.
                best = max(best, got)
                break
            else:
                high = rate
            if low and high:
                rate = (low + high) / 2
            else:
                rate = rate * 1.3 if low else rate / 1.3
            if rate < 1000:
                raise RuntimeError("packets are lost at any rate")
        self.guess = best
        return best


VARIANTS = {kind + " forwarding": lambda k=kind: Chain(k)
            for kind in ("plain", "wireguard", "mmesh-wg", "mmesh-aes")}
