# SPDX-License-Identifier: Apache-2.0
"""Runs on the machine itself: TCP through tunnels whose data plane is a process.

User-mode Linux makes each of their system calls cost several native ones, so
inside the lab they would be measured at their worst. Here they have the
machine's own kernel and one processor for both ends and the streams, as the
tunnels in the lab have. Prints rows for scripts/bench, beside what mmesh had in
its table; needs root, /dev/net/tun and network namespaces.
"""

import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import net
import tcp

# Peer, and the case of the lab whose figure of mmesh is put beside it: the one with the same cipher.
BESIDE = {"wireguard-go": "tcp1-wg", "nebula": "tcp1-aes"}

CONFIG = """\
pki: {{ca: {dir}/ca.crt, cert: {dir}/{name}.crt, key: {dir}/{name}.key}}
static_host_map: {{"{other}": ["{remote}:{port}"]}}
lighthouse: {{am_lighthouse: false}}
listen: {{host: "{local}", port: {port}}}
tun: {{dev: t{name}, mtu: {mtu}}}
firewall:
  outbound: [{{port: any, proto: any, host: any}}]
  inbound: [{{port: any, proto: any, host: any}}]
logging: {{level: error}}
"""


class Pair(net.Pair):
    """A net.Pair of processes."""

    def __init__(self, kind, directory):
        self.directory, self.processes = Path(directory), []
        super().__init__(kind)

    def _tunnel(self, kinds, outer, behind):
        {"wireguard-go": self._wireguard_go, "nebula": self._nebula}[kinds[0]]()

    def start(self, ns, *command):
        """A process that lives as long as we."""
        with net.inside(ns):
            self.processes.append(subprocess.Popen(  # pylint: disable=consider-using-with
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def _wait_for_link(self, ns, dev):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with net.inside(ns):
                if os.path.exists(f"/proc/sys/net/ipv4/conf/{dev}"):
                    return
            time.sleep(0.05)
        raise RuntimeError(f"{self.name}: {dev} does not appear")

    def _wireguard_go(self):
        ends = []
        for ns, _, _, n in self._sides():
            dev = f"mmbench{os.getpid() % 10000}{n}"[:15]
            self.start(ns, "wireguard-go", "-f", dev)
            self._wait_for_link(ns, dev)
            private = self.directory / dev
            private.write_text(net.run("wg", "genkey"), encoding="ascii")
            private.chmod(0o600)
            with open(private, encoding="ascii") as file:
                public = subprocess.run(["wg", "pubkey"], stdin=file, capture_output=True, text=True,
                                        check=True).stdout.strip()
            ends.append((ns, dev, private, public))
        for i, (ns, dev, private, _) in enumerate(ends):
            with net.inside(ns):
                net.run("wg", "set", dev, "private-key", str(private), "listen-port", str(net.PORT), "peer",
                        ends[1 - i][3], "endpoint", f"10.0.0.{2 - i}:{net.PORT}", "allowed-ips", f"10.1.0.{2 - i}/32")
            net.address(ns, dev, f"10.1.0.{i + 1}/24")
            net.ip(ns, "link", "set", "dev", dev, "mtu", str(self.mtu), "up")

    def _nebula(self):
        cert = ("nebula-cert", "-out-crt", "-out-key")
        net.run(cert[0], "ca", "-name", "bench", cert[1], f"{self.directory}/ca.crt", cert[2], f"{self.directory}/ca.key")
        for ns, local, remote, n in self._sides():
            net.run(cert[0], "sign", "-ca-crt", f"{self.directory}/ca.crt", "-ca-key", f"{self.directory}/ca.key",
                    "-name", str(n), "-ip", f"10.1.0.{n}/24", cert[1], f"{self.directory}/{n}.crt",
                    cert[2], f"{self.directory}/{n}.key")
            config = self.directory / f"{n}.yaml"
            config.write_text(CONFIG.format(dir=self.directory, name=n, other=f"10.1.0.{3 - n}", local=local,
                                            remote=remote, port=4242, mtu=self.mtu), encoding="ascii")
            self.start(ns, "nebula", "-config", str(config))

    def end(self):
        """Leave nothing on the machine."""
        for process in (*self.processes, self.server.process):
            process.kill()
            process.wait()
        for ns in self.ns_a, self.ns_b:
            net.run("ip", "netns", "del", ns)


class Options:
    """What tcp.Flow wants to know."""

    share = False

    def __init__(self, seconds):
        self.seconds = seconds


def measure(names, runs, seconds, directory):
    """Each of the peers in turn, `runs` times; their medians."""
    flows, figures = {}, {}
    try:
        for name in names:
            where = Path(directory) / name
            where.mkdir()
            flows[name] = tcp.Flow(Pair(name, where))
        for _ in range(runs):
            for name, flow in flows.items():
                figures.setdefault(name, []).append(flow.measure(Options(seconds)))
                print(f"bench: {name}: {figures[name][-1]:.4g}", file=sys.stderr)
    finally:
        for flow in flows.values():
            flow.pair.end()
    return {name: statistics.median(values) for name, values in figures.items()}


def main():
    """`userspace.py TABLE RUNS SECONDS CASE ...`; without a CASE, all."""
    rows = [line.split("\t") for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    ours = {row[0]: float(row[2]) for row in rows[1:]}
    names = []
    for name, case in BESIDE.items():
        if sys.argv[4:] and "user-" + name not in sys.argv[4:]:
            continue
        if not shutil.which(name):
            print(f"bench: not measured: {name} is not installed", file=sys.stderr)
        elif case not in ours:
            print(f"bench: not measured: user-{name} needs {case} in the same run", file=sys.stderr)
        else:
            names.append(name)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    # Namespaces of the machine's own may have the short names that do inside the lab.
    net.counter = itertools.count(os.getpid() * 100)
    with tempfile.TemporaryDirectory() as directory:
        medians = measure(names, int(sys.argv[2]), int(sys.argv[3]), directory)
    for name, value in medians.items():
        mmesh = ours[BESIDE[name]]
        print(f"user-{name}\tGb/s\t{mmesh:.4g}\t{name}\t{value:.4g}\t{mmesh / value:.3f}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, RuntimeError) as error:
        print(f"bench: not measured: {error}", file=sys.stderr)
        sys.exit(3)
