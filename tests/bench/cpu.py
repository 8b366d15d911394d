# SPDX-License-Identifier: Apache-2.0
"""Processor time for the same traffic, by the host's accounting."""

import host
import tcp

OFFERED = "1G"


class Load:
    """One TCP flow of a given rate."""

    def __init__(self, kind):
        self.flow = tcp.Flow(tcp.pair(kind))

    def measure(self, options):
        """Processor seconds for each second of traffic."""
        seconds = options.seconds
        start = host.seconds()
        got = tcp.result(tcp.client(self.flow.pair.ns_a, self.flow.address, seconds,
                                    "-b", OFFERED))
        used = host.seconds() - start
        if got < 0.95:
            raise RuntimeError(f"{got:.2f} Gb/s of {OFFERED} got through")
        # One second more, which iperf3 omits.
        return used / (seconds + 1)


VARIANTS = {kind + " cpu": lambda k=kind: Load(k)
            for kind in ("plain", "wireguard", "mmesh-wg", "mmesh-aes")}
