# SPDX-License-Identifier: Apache-2.0
"""What a relay's hop costs, against a plain IPv4 router's.

The program `relay` is both clients; it prepares all packets before it sends
them. Each figure is the time of a packet from one end to the other less that
of a cable without anything between, so what is left is the node in the middle
with its second cable.
"""

import os
import statistics
import subprocess

import net
import scale
import tcp

# UDP payload of what is forwarded; the smallest is a record of a 64-byte packet.
SIZES = {"relay-hop-64": (64 + 32 + 32, 1), "relay-hop-1400": (1400 + 32 + 32, 1),
         "relay-hop-gso": (1400 + 32 + 32, 44)}
BARS = {"relay-hop-64": 1.5, "relay-hop-1400": 1.5, "relay-hop-gso": 1.0}
CROWD = 10_000
MEMORY_MAX, CROWD_MAX = 4096, 1.1
CASES = (*SIZES, "relay-tcp", "relay-10k")
NETWORK = 7
A, A_HOP, B_HOP, B = "10.2.0.1", "10.2.0.2", "10.3.0.2", "10.3.0.1"


class Hop:
    """Two ends and what is between them: "direct" (only a cable), "router" or "relay"."""

    def __init__(self, kind, clients=2):
        self.kind, self.clients = kind, clients
        self.a, self.b = net.namespace("a"), net.namespace("b")
        if kind == "direct":
            net.cable(self.a, "u", self.b, "u", napi=True)
            net.address(self.a, "u", A + "/8")
        else:
            self.hop = net.namespace("h")
            net.cable(self.a, "u", self.hop, "left", napi=True)
            net.cable(self.hop, "right", self.b, "u", napi=True)
            net.address(self.a, "u", A + "/24")
            net.address(self.hop, "left", A_HOP + "/24")
            net.address(self.hop, "right", B_HOP + "/24")
        net.address(self.b, "u", B + ("/8" if kind == "direct" else "/24"))
        words = [os.environ["MMESH_BENCH_BIN"] + "/relay"]
        if kind == "relay":
            words += ["hop", self.a, self.b, A_HOP, B_HOP, self._relay().hex(), str(clients)]
        else:
            words += ["plain", self.a, self.b, B]
        if kind == "router":
            net.sysctl(self.hop, "ipv4/ip_forward", 1)
            net.ip(self.a, "route", "add", "default", "via", A_HOP)
            net.ip(self.b, "route", "add", "default", "via", B_HOP)
        self.program = subprocess.Popen(  # pylint: disable=consider-using-with
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.program.stdout.readline() != "ready\n":
            raise RuntimeError(f"{kind}: the ends do not meet")

    def _relay(self):
        """A relay that admits the program's clients; its public key."""
        end = net.End(self.hop, "t", "mmesh-wg")
        keys = subprocess.check_output([os.environ["MMESH_BENCH_BIN"] + "/relay", "keys",
                                        str(self.clients)])
        with net.inside(self.hop):
            control = net.control(end.link)
            control.relay("t")
            self.before = scale.memory_free()
            control.clients("t", [keys[i:i + 32] for i in range(0, len(keys), 32)], NETWORK)
        net.ip(self.hop, "link", "set", "dev", "t", "up")
        return end.public

    def memory(self):
        """Bytes for each client, which has a session."""
        return (self.before - scale.memory_free()) / self.clients

    def arrived(self):
        """Packets that the other end's cable has brought."""
        return int(net.ip(self.b, "-s", "-o", "link", "show", "dev", "u").split("RX:")[1].split()[8])

    def measure(self, length, segments, count):
        """Nanoseconds for each packet."""
        before = self.arrived()
        self.program.stdin.write(f"{length} {segments} {count}\n")
        self.program.stdin.flush()
        seconds = float(self.program.stdout.readline())
        if self.arrived() - before < count * 0.999:
            raise RuntimeError(f"{self.kind}: {self.arrived() - before} of {count} packets arrived")
        return seconds * 1e9 / count


class Relayed:
    """Two devices that reach each other by a relay; what tcp.Flow needs of a net.Pair."""

    def __init__(self):
        self.ns_a, self.hop, self.ns_b = (net.namespace(hint) for hint in "ahb")
        net.cable(self.ns_a, "u", self.hop, "left")
        net.cable(self.hop, "right", self.ns_b, "u")
        for ns, dev, text in ((self.ns_a, "u", A), (self.hop, "left", A_HOP),
                              (self.hop, "right", B_HOP), (self.ns_b, "u", B)):
            net.address(ns, dev, text + "/24")
        relay = net.End(self.hop, "t", "mmesh-aes")
        ends = [net.End(ns, "t", "mmesh-aes") for ns in (self.ns_a, self.ns_b)]
        with net.inside(self.hop):
            control = net.control(relay.link)
            control.relay("t")
            control.clients("t", [end.public for end in ends], NETWORK)
        net.ip(self.hop, "link", "set", "dev", "t", "up")
        for i, end in enumerate(ends):
            with net.inside(end.ns):
                control = net.control(end.link)
                control.extended("t", relay.public, ((A_HOP, B_HOP)[i], net.PORT))
                control.extended("t", ends[1 - i].public, via=relay.public,
                                 prefixes=[f"10.1.0.{2 - i}/32"])
            end.up(1500 - net.OVERHEAD - 40, f"10.1.0.{i + 1}/24")
        # The channel exists when both have a session with the relay.
        with net.inside(self.ns_a):
            net.run("ping", "-q", "-c3", "-i0.2", "-w30", net.Pair.B)


def tcp_row(options, table, progress):
    """One flow by way of a relay against one without."""
    flows = {"direct": tcp.Flow(tcp.pair("mmesh-aes")), "relayed": tcp.Flow(Relayed())}
    figures = {name: [] for name in flows}
    for i in range(options.runs):
        for name, flow in flows.items():
            figures[name].append(flow.measure(options))
            progress(f"round {i + 1} of {options.runs}: {name}: {figures[name][-1]:.4g}")
    table.row("relay-tcp", "Gb/s", statistics.median(figures["relayed"]), "direct",
              statistics.median(figures["direct"]), 0.6)


def crowd_rows(options, table, progress):
    """Ten thousand clients: memory, and what a packet between two of them costs."""
    hops = {"direct": Hop("direct"), "two": Hop("relay"), "crowd": Hop("relay", CROWD)}
    used = hops["crowd"].memory()
    least = rounds(hops, SIZES["relay-hop-64"], options)
    progress("relay-10k: " + ", ".join(f"{name} {value:.0f} ns" for name, value in least.items()))
    table.row("relay-10k", "ns", least["crowd"] - least["direct"], "two clients",
              least["two"] - least["direct"], CROWD_MAX, True)
    table.row("relay-10k-memory", "B", used, "bar", MEMORY_MAX, 1, True)


def rounds(hops, shape, options):
    """The quickest turn of each, by name: differences of a few hundred nanoseconds are to be seen, and what else the
    machine does only adds."""
    length, segments = shape
    count = (4000 if segments == 1 else 400) * (1 if options.quick else 4)
    figures = {name: [] for name in hops}
    for hop in hops.values():
        hop.measure(length, segments, count // 4)
    for _ in range(options.runs * 16):
        for name, hop in hops.items():
            figures[name].append(hop.measure(length, segments, count // 4))
    return {name: min(values) for name, values in figures.items()}


def hop_rows(names, options, table, progress):
    """The rows relay-hop-..."""
    hops = {kind: Hop(kind) for kind in ("direct", "router", "relay")}
    for name in names:
        least = rounds(hops, SIZES[name], options)
        progress(f"{name}: " + ", ".join(f"{kind} {value:.0f} ns" for kind, value in least.items()))
        table.row(name, "ns", least["relay"] - least["direct"], "router",
                  least["router"] - least["direct"], BARS[name], True)


def measure(names, options, table, progress):
    """The rows asked for."""
    sizes = [name for name in names if name in SIZES]
    if sizes:
        hop_rows(sizes, options, table, progress)
    if "relay-tcp" in names:
        tcp_row(options, table, progress)
    if "relay-10k" in names:
        crowd_rows(options, table, progress)
