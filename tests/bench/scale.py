# SPDX-License-Identifier: Apache-2.0
"""A device with 64,770 peers: 255 subnets of 254 addresses."""

import statistics
import time

import genl
import handshakes
import net
import tcp

PEERS = 255 * 254
CHUNK = 1000
CASES = ("peers65k-add", "peers65k-last-first", "peers65k-mem-idle",
         "peers65k-mem-active", "peers65k-tcp")
KINDS = ("wireguard", "mmesh-aes")
# Bars that are no ratios: seconds, microseconds a peer, bytes a peer.
ADD_MAX, LATE_MAX, IDLE_MAX, ACTIVE_MAX = 5, 20, 2048, 4096


def memory_free():
    """Bytes, after what waits for RCU and what is only cached has gone."""
    for _ in range(3):
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
            file.write("3")
        time.sleep(0.2)
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemFree:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("no MemFree")


def allow_threads():
    """wireguard.ko has a kernel thread for each peer, which take process ids."""
    for key, value in ("pid_max", 4 << 20), ("threads-max", 200_000):
        with open("/proc/sys/kernel/" + key, "w", encoding="ascii") as file:
            file.write(str(value))


def add_timed(end, keys):
    """Add the peers in chunks; the seconds of each chunk."""
    with net.inside(end.ns):
        control = net.control(end.link)
        peers = [(key, handshakes.prefix(i)) for i, key in enumerate(keys)]
        batches = [control.many(end.dev, peers[i:i + CHUNK], end.suite)
                   for i in range(0, len(peers), CHUNK)]
        times = []
        for chunk in batches:
            start = time.monotonic()
            control.genl.send_batches(chunk)
            times.append(time.monotonic() - start)
    return times


class Crowd:
    """One run: a fresh device, all the peers, with and without memory."""

    def __init__(self, kind, keys, options):
        self.pair = net.Pair(kind)
        flow = tcp.Flow(self.pair)
        self.alone = flow.measure(options)
        before = memory_free()
        times = add_timed(self.pair.end_a, keys)
        self.idle = (before - memory_free()) / len(keys)
        self.add, self.first = sum(times), times[0] / CHUNK
        self.last = times[len(keys) // CHUNK - 1] / CHUNK
        self.crowded = flow.measure(options)
        flow.pair.server.process.kill()
        for ns in self.pair.ns_a, self.pair.ns_b:
            net.ip(ns, "link", "del", "dev", "t")


def active_bytes(kind, count):
    """Bytes a peer with current and previous keys."""
    responder = handshakes.Responder(kind, 1 << 24, count)
    before = memory_free()
    responder.add()
    responder.handshakes()
    # The next one comes too early for WireGuard's limit a peer otherwise.
    time.sleep(0.1)
    responder.handshakes()
    used = (before - memory_free()) / count
    net.ip(responder.ns, "link", "del", "dev", "t")
    return used


def measure(names, options, table, progress):
    """The rows asked for."""
    allow_threads()
    crowds = {kind: [] for kind in KINDS}
    if set(names) - {"peers65k-mem-active"}:
        # Most peers never speak here, so any number is a key.
        keys = [genl.private_key() for _ in range(PEERS)]
        for i in range(options.runs):
            for kind in KINDS:
                crowd = Crowd(kind, keys, options)
                crowds[kind].append(crowd)
                progress(f"round {i + 1} of {options.runs}: {kind}: {PEERS} peers in "
                         f"{crowd.add:.2f} s, first {crowd.first * 1e6:.1f} us, last "
                         f"{crowd.last * 1e6:.1f} us, {crowd.idle:.0f} bytes each, "
                         f"{crowd.alone:.2f} and {crowd.crowded:.2f} Gb/s")

    def median(kind, value):
        return statistics.median(value(crowd) for crowd in crowds[kind])

    def row(case, unit, value):
        ours = median("mmesh-aes", value)
        table.row(case, unit, ours, "wireguard", median("wireguard", value))
        return ours

    if "peers65k-add" in names and row("peers65k-add", "s", lambda c: c.add) > ADD_MAX:
        table.miss("peers65k-add", f"the bar is at most {ADD_MAX} s")
    if "peers65k-last-first" in names:
        ratio = row("peers65k-last-first", "x", lambda c: c.last / c.first)
        late = row("peers65k-last", "us", lambda c: c.last * 1e6)
        if ratio > 1.1 and late > LATE_MAX:
            table.miss("peers65k-last-first", f"the bar is 1.1 or {LATE_MAX} us a peer")
    if "peers65k-mem-idle" in names and row("peers65k-mem-idle", "B",
                                            lambda c: c.idle) > IDLE_MAX:
        table.miss("peers65k-mem-idle", f"the bar is at most {IDLE_MAX} bytes")
    if "peers65k-mem-active" in names:
        count = 4096 if options.quick else PEERS
        used = {kind: active_bytes(kind, count) for kind in KINDS}
        table.row("peers65k-mem-active", "B", used["mmesh-aes"], "wireguard", used["wireguard"])
        if used["mmesh-aes"] > ACTIVE_MAX:
            table.miss("peers65k-mem-active", f"the bar is at most {ACTIVE_MAX} bytes")
    if "peers65k-tcp" in names:
        table.row("peers65k-tcp", "Gb/s", median("mmesh-aes", lambda c: c.crowded),
                  "mmesh with one peer", median("mmesh-aes", lambda c: c.alone), 0.95)
