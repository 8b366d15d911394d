# SPDX-License-Identifier: Apache-2.0
"""Runs inside the lab's kernel: measures the cases, prints the table.

Variants (a tunnel and what is done with it) are measured in rounds, each once
a round, so that figures that are compared were taken side by side; a case is
the ratio of two variants' medians. Called by scripts/bench.
"""

import argparse
import dataclasses
import statistics
import sys

import cpu
import fwd
import handshakes
import relays
import rtt
import scale
import tcp


@dataclasses.dataclass
class Case:
    """A row that compares two variants. bar: of the ratio; at_most: whether
    lower is better."""

    unit: str
    mmesh: str
    peer: str
    bar: float | None = None
    at_most: bool = False


CASES = {
    "tcp1-aes": Case("Gb/s", "mmesh-aes", "wireguard", 3.0),
    "tcp1-aes-128k": Case("Gb/s", "mmesh-aes 128k", "wireguard 128k"),
    "tcp1-aes-limit": Case("Gb/s", "mmesh-aes", "aes limit"),
    "tcp1-aes-esp": Case("Gb/s", "mmesh-aes", "esp", 2.0),
    "tcp1-aes-ovpn": Case("Gb/s", "mmesh-aes", "ovpn"),
    "tcp1-wg": Case("Gb/s", "mmesh-wg", "wireguard", 1.6),
    "tcp1-wg-limit": Case("Gb/s", "mmesh-wg", "chacha limit", 0.85),
    "tcp1-aes-nic": Case("Gb/s", "mmesh-aes nic", "wireguard nic", 2.0),
    "tcp1-wg-nic": Case("Gb/s", "mmesh-wg nic", "wireguard nic", 1.4),
    "interop-tx": Case("Gb/s", "mmesh to wireguard", "wireguard", 1.0),
    "interop-rx": Case("Gb/s", "wireguard to mmesh", "wireguard", 1.0),
    "tcp16-aes": Case("Gb/s", "mmesh-aes 16 flows", "wireguard 16 flows", 2.5),
    "peers16-aes": Case("Gb/s", "mmesh-aes 16 peers", "wireguard 16 peers", 2.5),
    "tcp1-aes-v6": Case("Gb/s", "mmesh-aes v6", "wireguard v6", 2.7),
    "tcp1-aes-rev": Case("Gb/s", "mmesh-aes reversed", "wireguard reversed", 2.7),
    "tcp1-aes-mtu9000": Case("Gb/s", "mmesh-aes mtu 9000", "wireguard mtu 9000", 2.0),
    "fwd64-aes": Case("kpps", "mmesh-aes forwarding", "wireguard forwarding", 2.0),
    "fwd64-wg": Case("kpps", "mmesh-wg forwarding", "wireguard forwarding", 1.3),
    "cpu-1g-aes": Case("s", "mmesh-aes cpu", "wireguard cpu", 0.5, True),
}
# Cases that are no ratio of two variants' medians, by the part that makes their rows.
SPECIAL = {"rtt-p50": rtt, "rtt-p99": rtt, "handshakes": handshakes,
           **dict.fromkeys(relays.CASES, relays), **dict.fromkeys(scale.CASES, scale)}
# Not variants that can be measured: the VXLAN path plus the cipher's time.
LIMITS = {"chacha limit": "chacha_ns", "aes limit": "gcm_ns"}

VARIANTS = {**tcp.VARIANTS, **fwd.VARIANTS, **cpu.VARIANTS}


class Table:
    """Standard output, and the bars."""

    def __init__(self):
        self.missed, self.failed = [], []
        print("case\tunit\tmmesh\tpeer\tpeer_value\tratio", flush=True)

    def row(self, case, unit, mmesh, peer, peer_value, bar=None, at_most=False):
        """One row; a missed bar is noted."""
        ratio = mmesh / peer_value if peer_value else float("nan")
        print(f"{case}\t{unit}\t{mmesh:.4g}\t{peer}\t{peer_value:.4g}\t{ratio:.3f}", flush=True)
        if bar is not None and not (ratio <= bar if at_most else ratio >= bar):
            self.miss(case, f"{ratio:.3f}, the bar is {'at most' if at_most else 'at least'} {bar}")

    def miss(self, case, text):
        """Note a missed bar."""
        self.missed.append(f"{case}: {text}")


def progress(text):
    """To whoever waits."""
    print("bench: " + text, file=sys.stderr, flush=True)


def limit(vxlan_gbps, cipher):
    """Gb/s of one flow if a tunnel cost what VXLAN costs, and the cipher: the
    times for one packet's payload are added."""
    payload_bits = (1500 - 80 - 52) * 8
    both = payload_bits / vxlan_gbps + handshakes.kernel_speed()[cipher]
    return payload_bits / both


def measure_ratios(names, options, table):
    """The cases of CASES."""
    wanted = []
    for name in names:
        case = CASES[name]
        parts = ("vxlan" if case.peer in LIMITS else case.peer, case.mmesh)
        wanted += [part for part in parts if part not in wanted]
    if not wanted:
        return
    progress("making " + ", ".join(wanted))
    variants = {name: VARIANTS[name]() for name in wanted}
    figures = {name: [] for name in wanted}
    for i in range(options.runs):
        for name in list(figures):
            try:
                value = variants[name].measure(options)
            except RuntimeError as error:
                # The others are worth having all the same.
                table.failed.append(f"{name}: {error}")
                progress("could not measure " + table.failed[-1])
                del figures[name]
                continue
            figures[name].append(value)
            progress(f"round {i + 1} of {options.runs}: {name}: {value:.4g}")
    medians = {name: statistics.median(values) for name, values in figures.items()}
    for name, values in figures.items():
        progress(f"{name}: median {medians[name]:.4g}, {min(values):.4g} to {max(values):.4g}")
    for name, cipher in LIMITS.items():
        if "vxlan" in medians:
            medians[name] = limit(medians["vxlan"], cipher)
    for name in names:
        case = CASES[name]
        if case.mmesh not in medians or case.peer not in medians:
            continue
        scale_by = 1e-3 if case.unit == "kpps" else 1
        table.row(name, case.unit, medians[case.mmesh] * scale_by, case.peer,
                  medians[case.peer] * scale_by, case.bar, case.at_most)


def measure_rtt(names, options, table):
    """Round trips."""
    p50, p99 = rtt.measure(options, progress)
    if "rtt-p50" in names:
        table.row("rtt-p50", "us", p50["mmesh-aes"] - p50["plain"],
                  "wireguard", p50["wireguard"] - p50["plain"], 0.5, True)
        table.row("rtt-p50-total", "us", p50["mmesh-aes"], "plain", p50["plain"])
    if "rtt-p99" in names:
        table.row("rtt-p99", "us", p99["mmesh-aes"], "wireguard", p99["wireguard"], 1.0, True)


def options_of(argv):
    """Command line; see scripts/bench."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", dest="runs", type=int, default=5)
    parser.add_argument("-q", dest="quick", action="store_true")
    parser.add_argument("-c", dest="share", action="store_true")
    parser.add_argument("-l", dest="list", action="store_true")
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args(argv)
    known = [*CASES, *SPECIAL]
    if options.list:
        print("\n".join(known))
        sys.exit(0)
    for case in options.cases:
        if case not in known:
            parser.error(f"no case '{case}': there are {' '.join(known)}")
    options.cases = options.cases or known
    options.seconds = 2 if options.quick else 3
    options.trial = 0.5 if options.quick else 1.0
    options.samples = 600 if options.quick else 10_000
    return options


def main():
    """Everything that was asked for."""
    options = options_of(sys.argv[1:])
    table = Table()
    ratios = [name for name in options.cases if name in CASES]
    measure_ratios(ratios, options, table)
    if {"rtt-p50", "rtt-p99"} & set(options.cases):
        measure_rtt(options.cases, options, table)
    for part in handshakes, relays, scale:
        names = [name for name in options.cases if SPECIAL.get(name) is part]
        if names:
            part.measure(names, options, table, progress)
    for text in table.missed:
        progress("bar missed: " + text)
    for text in table.failed:
        progress("not measured: " + text)
    return 3 if table.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, RuntimeError, KeyError) as error:
        progress(f"could not measure: {error}")
        sys.exit(3)
