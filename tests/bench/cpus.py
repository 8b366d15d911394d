# SPDX-License-Identifier: Apache-2.0
"""Runs inside an emulated kernel with two processors: the `wireguard` suite
against wireguard.ko, which encrypts on both. Called by scripts/bench-cpus."""

import argparse
import statistics
import sys

import rtt
import tcp

# Megabytes that wait in sixteen sockets would outlive an emulated test.
CASES = {"": ("-l", "64K"), " 16 flows": ("-l", "64K", "-P", str(tcp.FLOWS))}
KINDS = ("mmesh-wg", "wireguard")


def row(case, unit, mmesh, wireguard, at_most=False):
    """Print one; returns whether mmesh is no worse."""
    ratio = mmesh / wireguard
    print(f"{case}\t{unit}\t{mmesh:.4g}\twireguard\t{wireguard:.4g}\t{ratio:.3f}", flush=True)
    return ratio <= 1 if at_most else ratio >= 1


def progress(text):
    """To whoever waits."""
    print("bench: " + text, file=sys.stderr, flush=True)


def throughput(options):
    """Megabits a second by variant: medians of rounds that take turns."""
    variants = {kind + case: tcp.Flow(tcp.pair(kind), options=words)
                for case, words in CASES.items() for kind in KINDS}
    names = list(variants)
    figures = {name: [] for name in names}
    for i in range(options.runs):
        for name in names if i % 2 else reversed(names):
            figures[name].append(variants[name].measure(options) * 1000)
            progress(f"round {i + 1} of {options.runs}: {name}: {figures[name][-1]:.4g}")
    return {name: statistics.median(values) for name, values in figures.items()}


def main():
    """All three."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", dest="runs", type=int, default=5)
    parser.add_argument("-s", dest="samples", type=int, default=1000)
    options = parser.parse_args()
    options.seconds, options.share = 5, False
    rtt.KINDS = ("plain", *KINDS)
    good = True
    print("case\tunit\tmmesh\tpeer\tpeer_value\tratio", flush=True)
    medians = throughput(options)
    for case, name in zip(CASES, ("cpus2-tcp1", "cpus2-tcp16")):
        good &= row(name, "Mb/s", medians["mmesh-wg" + case], medians["wireguard" + case])
    p50, p99 = rtt.measure(options, progress)
    good &= row("cpus2-rtt-p50", "us", p50["mmesh-wg"], p50["wireguard"], True)
    good &= row("cpus2-rtt-p99", "us", p99["mmesh-wg"], p99["wireguard"], True)
    if not good:
        progress("bar missed: somewhere mmesh is worse")


main()
