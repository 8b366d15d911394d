# SPDX-License-Identifier: Apache-2.0
"""Round trips of an idle tunnel. All tunnels take turns within each interval,
so that each sees the same moments."""

import os
import subprocess

import tcp

INTERVAL_MS = 20
KINDS = ("plain", "wireguard", "mmesh-aes")


def quantile(values, q):
    """The sorted list's q-quantile."""
    return values[min(int(len(values) * q), len(values) - 1)]


def block(pairs, samples):
    """One block: a sorted list of microseconds for each pair."""
    words = [os.path.join(os.environ["MMESH_BENCH_BIN"], "ping"), str(INTERVAL_MS), str(samples)]
    for pair in pairs:
        words += [f"/run/netns/{pair.ns_a}", pair.B]
    rows = [list(map(int, line.split()))
            for line in subprocess.check_output(words, text=True).splitlines()]
    if any(value < 0 for row in rows for value in row):
        raise RuntimeError("an echo reply did not come")
    return [[row[i] / 1000 for row in rows] for i in range(len(pairs))]


def measure(options, progress):
    """p50 and p99 in microseconds by kind, over all samples."""
    pairs = [tcp.pair(kind) for kind in KINDS]
    block(pairs, 50)
    all_samples = [[] for _ in pairs]
    for i in range(options.runs):
        samples = block(pairs, -(-options.samples // options.runs))
        for have, new in zip(all_samples, samples):
            have += new
        progress(f"rtt block {i + 1}: p50 " +
                 " ".join(f"{kind} {quantile(sorted(new), .5):.1f}"
                          for kind, new in zip(KINDS, samples)))
    for samples in all_samples:
        samples.sort()
    return ({kind: quantile(s, .5) for kind, s in zip(KINDS, all_samples)},
            {kind: quantile(s, .99) for kind, s in zip(KINDS, all_samples)})
