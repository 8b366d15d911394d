#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tool and the client that was written from the specification see the same device, whoever of them set it."""

import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile

from harness import Skip, device, equal, key, public_key, run_tests

PRIVATE = os.urandom(32)


def tool(*words, **more):
    if not shutil.which("mmesh"):
        raise Skip("the tool isn't in PATH")
    return subprocess.run(["mmesh", *words], check=True, capture_output=True, text=True, **more).stdout


def shown(*words):
    """What `mmesh -j` prints for one of the words dev, peer and stat."""
    out = json.loads(tool("-j", *words))
    return out[{"dev": "devices", "peer": "peers", "stat": "stats"}[words[0]]]


def text(raw):
    return base64.b64encode(raw).decode()


def endpoint(peer):
    """As the tool shows it."""
    address = peer.get("endpoint-addr4", peer.get("endpoint-addr6"))
    if address is None:
        return None
    scope = peer.get("endpoint-scope")
    return {"address": f"{address}%{socket.if_indextoname(scope)}" if scope else address,
            "port": peer["endpoint-port"]}


def compare(nl, name):
    """Every field of the one against that of the other."""
    dev = nl.do("dev-get", ifname=name)
    (there,) = [d for d in shown("dev", "show") if d["name"] == name]
    for ours, theirs in (("ifindex", "ifindex"), ("listen-port", "listen_port"), ("fwmark", "fwmark"),
                         ("num-peers", "peer_count")):
        equal(there[theirs], dev[ours], theirs)
    equal(there["public_key"], text(dev["public-key"]) if "public-key" in dev else None)

    peers = nl.peers(ifname=name, secrets=True)
    theirs = {p["public_key"]: p for p in shown("peer", "show", "dev", name)}
    equal(set(theirs), {text(p["public-key"]) for p in peers})
    for peer in peers:
        there = theirs[text(peer["public-key"])]
        equal(there["device"], name)
        equal(there["endpoint"], endpoint(peer), "endpoint")
        equal(there["preshared_key"], "(hidden)" if "preshared-key" in peer else None, "preshared_key")
        for field in ("rx-bytes", "tx-bytes", "persistent-keepalive", "suite"):
            equal(there[field.replace("-", "_")], peer[field], field)
        equal(sorted(there["allowed_ips"]), sorted(
            f"{p.get('addr4', p.get('addr6'))}/{p['cidr']}" for p in peer.get("allowed-ips", [])))
        equal(there["latest_handshake_epoch"], peer.get("last-handshake-sec"))

    (counters,) = [s["counters"] for s in shown("stat", "show", "dev", name)]
    equal(list(counters), [n.replace("-", "_") for n in nl.spec.enums["stat"][1]])


def test_tool_reads_what_the_client_set():
    nl = device("mm0")
    compare(nl, "mm0")
    nl.do("dev-set", ifname="mm0", private_key=PRIVATE, listen_port=4001, fwmark=0x1234)
    nl.do("peer-add", ifname="mm0", public_key=key(1), preshared_key=key(9), endpoint_addr4="192.0.2.1",
          endpoint_port=65535, persistent_keepalive=65535, suite="aes256gcm",
          allowed_ips=[{"addr4": "10.0.0.0", "cidr": 8}, {"addr6": "fd00::", "cidr": 8},
                       {"addr4": "0.0.0.0", "cidr": 0}])
    nl.do("peer-add", ifname="mm0", public_key=key(2), endpoint_addr6="2001:db8::1", endpoint_port=1)
    nl.do("peer-add", ifname="mm0", public_key=key(3), endpoint_addr6="fe80::1", endpoint_port=1, endpoint_scope=1)
    for n in range(4, 1000):
        nl.do("peer-add", ifname="mm0", public_key=key(n),
              allowed_ips=[{"addr4": f"10.{n >> 8}.{n & 255}.0", "cidr": 24}])
    compare(nl, "mm0")


def test_tool_reads_a_peer_of_many_messages():
    nl = device("mm0")
    nl.do("peer-add", ifname="mm0", public_key=key(1), allowed_ips=[
        {"addr4": f"10.{i >> 8}.{i & 255}.0", "cidr": 24} for i in range(3000)])
    compare(nl, "mm0")


def test_client_reads_what_the_tool_set():
    nl = device("mm0")
    with tempfile.NamedTemporaryFile("w", suffix=".key") as private:
        private.write(text(PRIVATE) + "\n")
        private.flush()
        tool("dev", "set", "mm0", "private-key", private.name, "listen-port", "4001", "fwmark", "7")
    tool("peer", "add", text(key(1)), "dev", "mm0", "endpoint", "[2001:db8::2]:5", "allowed-ips", "10.0.0.0/8,fd00::/16",
         "persistent-keepalive", "25", "suite", "aes256gcm")
    dev = nl.do("dev-get", ifname="mm0")
    equal((dev["public-key"], dev["listen-port"], dev["fwmark"]), (public_key(PRIVATE), 4001, 7))
    (peer,) = nl.peers(ifname="mm0")
    equal((peer["endpoint-addr6"], peer["endpoint-port"], peer["persistent-keepalive"], peer["suite"]),
          ("2001:db8::2", 5, 25, "aes256gcm"))
    equal(peer["allowed-ips"], [{"addr4": "10.0.0.0", "cidr": 8}, {"addr6": "fd00::", "cidr": 16}])
    compare(nl, "mm0")
    tool("peer", "del", text(key(1)), "dev", "mm0")
    compare(nl, "mm0")


run_tests("client", globals())
