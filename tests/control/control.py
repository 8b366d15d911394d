#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The control plane, driven by a client that knows only the .proto files, against a real controller and its broker.

usage: tests/control/control.py [PROGRAM [NAME ...]]
"""

import atexit
import hashlib
import os
import queue
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from client import (P256, Controller, Node, Token, Tunnel, admin_pb2, admin_pb2_grpc, digest, enrol_pb2,
                    enrol_pb2_grpc, node_pb2, node_pb2_grpc, record_pb2, refused, sign, spki, verify)

TOP = Path(__file__).resolve().parents[2]
WEB, DB = "acme/prod/web", "acme/prod/db"


def prepare(c):
    """A tenant with two subnets, beside the one that is there."""
    c.put("acme", tenant=admin_pb2.Tenant())
    c.put("acme/eu", zone=admin_pb2.Zone())
    c.put("acme/prod", network=admin_pb2.Network(prefix="10.20.0.0/16", zone="eu"))
    c.put(WEB, subnet=admin_pb2.Subnet())
    c.put(DB, subnet=admin_pb2.Subnet())


def pull(node, subnet="", **more):
    with node.tunnel() as tls:
        return node_pb2_grpc.NodeStub(tls.channel).Pull(node_pb2.PullRequest(subnet=subnet, **more), timeout=20)


def report(node, **fields):
    with node.tunnel() as tls:
        return node_pb2_grpc.NodeStub(tls.channel).Report(node_pb2.ReportRequest(**fields), timeout=20)


class Listener:
    """What a node hears from the broker."""

    def __init__(self, c, node, client_id=None, clean=True):
        self.heard, self.connected, self.subscribed = queue.Queue(), queue.Queue(), queue.Queue()
        folder = tempfile.mkdtemp(prefix="mmesh-mqtt.")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        Path(folder, "ca").write_text(ssl.DER_cert_to_PEM_cert(node.reply.ca))
        context.load_verify_locations(folder + "/ca")
        Path(folder, "both").write_bytes(
            node.identity.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                        serialization.NoEncryption()) +
            node.cert.public_bytes(serialization.Encoding.PEM))
        context.load_cert_chain(folder + "/both")
        shutil.rmtree(folder)
        self.node = node
        self.client = mqtt.Client(client_id or node.reply.node, clean_session=clean)
        self.client.tls_set_context(context)
        self.client.on_connect = lambda _c, _u, _f, rc: self.connected.put(rc)
        self.client.on_subscribe = lambda _c, _u, _m, granted: self.subscribed.put(granted[0])
        self.client.on_message = lambda _c, _u, m: self.heard.put((m.topic, m.payload))
        presence = f"mmesh/1/{node.reply.tenant}/{node.reply.network}/{node.reply.subnet}/presence/{node.reply.node}"
        self.client.will_set(presence, "offline", 1)
        self.presence = presence
        self.client.connect("127.0.0.1", c.broker)
        self.client.loop_start()

    def topic(self, stream, what):
        return f"mmesh/1/{self.node.reply.tenant}/{self.node.reply.network}/{stream}/{what}"

    def subscribe(self, topic):
        """The granted quality of service; 128 is a refusal."""
        self.client.subscribe(topic, 1)
        return self.subscribed.get(timeout=10)

    def hear(self, what, timeout=10):
        """The next message of that kind."""
        end = time.monotonic() + timeout
        while True:
            topic, payload = self.heard.get(timeout=max(0.01, end - time.monotonic()))
            if topic.endswith(what):
                return payload

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


def until(condition, what, seconds=10):
    """Polls what no event tells."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"{what} within {seconds} s")


# -- first steps --------------------------------------------------------------------------------------------------------

def a_newcomer_needs_a_token_only(c):
    paths = {o.path for o in c.list()}
    assert {"default", "default/main", "default/main/main"} <= paths, paths
    token = Token(c.token())
    assert token.controllers == [c.address]


def a_node_joins(c):
    node = c.node("first", WEB, tag=["blue"])
    record = node.record(node.reply.record, "node", record_pb2.NodeRecord)
    assert record.name == "first" and record.mesh_key == node.mesh_key and record.suite == "aes256gcm"
    assert record.address[0].startswith("10.20.0.") and record.address[1].startswith("fd"), record.address
    assert record.identity_key == spki(node.identity) and record.tag == ["blue"]
    assert node.reply.broker == [f"127.0.0.1:{c.broker}"] and node.reply.controller == [c.address]
    shown = c.get("node", WEB + "/first").node
    assert shown.mesh_key == node.mesh_key and list(shown.address) == list(record.address)


def a_lost_reply_costs_no_use(c):
    node = Node(c.token(WEB, uses=1))
    first, again = node.join("twice"), node.join("twice")
    assert first.node == again.node


def certificates_are_renewed(c):
    node = c.node("renewing", WEB)
    with node.tunnel() as tls:
        stub = enrol_pb2_grpc.EnrolmentStub(tls.channel)
        reply = stub.Renew(enrol_pb2.RenewRequest(certificate_request=node.csr()), timeout=20)
        assert reply.certificate != node.reply.certificate and reply.ca == node.reply.ca
        other = node.csr(ec.generate_private_key(P256))
        refused("INVALID_ARGUMENT", "another key", stub.Renew, enrol_pb2.RenewRequest(certificate_request=other),
                timeout=20)
    with Tunnel(c.address) as tls:
        refused("UNAUTHENTICATED", "", enrol_pb2_grpc.EnrolmentStub(tls.channel).Renew,
                enrol_pb2.RenewRequest(certificate_request=node.csr()), timeout=20)


# -- records ------------------------------------------------------------------------------------------------------------

def records_chain_to_the_root(c):
    node = c.node("reader", WEB)
    own = pull(node)
    assert own.snapshot and not own.more
    head = node.record(own.head, "head", record_pb2.Head)
    assert head.network == node.reply.network and head.subnet == "" and head.digest == digest(own.entry)
    kinds = {e.kind for e in own.entry}
    assert {"network", "subnet"} <= kinds, kinds
    for entry in own.entry:
        kind = {"network": record_pb2.NetworkRecord, "subnet": record_pb2.SubnetRecord,
                "relay": record_pb2.RelayRecord}[entry.kind]
        node.record(entry.record, entry.kind, kind)
    assert list(own.subnet) == [node.reply.subnet], "an isolated node reads its own subnet"
    mine = pull(node, node.reply.subnet)
    assert node.record(mine.head, "head", record_pb2.Head).digest == digest(mine.entry)
    assert node.reply.node in {e.object for e in mine.entry}


def changes_are_pulled_alone(c):
    node = c.node("lagging", WEB)
    before = node.record(pull(node, node.reply.subnet).head, "head", record_pb2.Head)
    late = c.node("late", WEB)
    now = pull(node, node.reply.subnet, epoch=before.epoch, after=before.sequence)
    assert not now.snapshot and [e.object for e in now.entry] == [late.reply.node]
    c.delete("node", WEB + "/late")
    now = pull(node, node.reply.subnet, epoch=before.epoch, after=now.entry[0].sequence)
    tomb = node.record(now.entry[0].record, "tombstone", record_pb2.Tombstone)
    assert tomb.object == late.reply.node and now.entry[0].kind == "node"
    assert pull(node, node.reply.subnet, epoch=before.epoch + 1, after=1).snapshot
    refused("PERMISSION_DENIED", "deleted", pull, late)


def snapshots_come_in_pages(c):
    node = c.node("pager", WEB)
    whole = pull(node, node.reply.subnet)
    entries, more, start = [], True, ""
    while more:
        page = pull(node, node.reply.subnet, limit=2, **{"from": start})
        assert page.snapshot and len(page.entry) <= 2
        entries, more, start = entries + list(page.entry), page.more, page.next
    assert entries == list(whole.entry)


def endpoints_are_the_nodes_own(c):
    node, other = c.node("here", WEB), c.node("there", WEB)
    report(node, endpoints=node.endpoints(5, "192.0.2.1:51820", "[2001:db8::1]:51820"))
    entry = next(e for e in pull(other, other.reply.subnet).entry if e.object == node.reply.node)
    record = record_pb2.EndpointsRecord.FromString(entry.endpoints.payload)
    assert entry.endpoints == node.endpoints(5, *record.endpoint) or list(record.endpoint)[0] == "192.0.2.1:51820"
    assert list(c.get("node", WEB + "/here").node.endpoint) == ["192.0.2.1:51820", "[2001:db8::1]:51820"]
    refused("ABORTED", "generation 4 is older than 5", report, node, endpoints=node.endpoints(4, "192.0.2.9:1"))
    refused("INVALID_ARGUMENT", "endpoints", report, node, endpoints=other.endpoints(9, "192.0.2.9:1"))
    stolen = sign(other.identity, "endpoints", record_pb2.EndpointsRecord(
        node=node.reply.node, generation=9, time=int(time.time()), endpoint=["192.0.2.9:1"]))
    refused("INVALID_ARGUMENT", "endpoints", report, node, endpoints=stolen)
    refused("INVALID_ARGUMENT", "endpoint", report, node, endpoints=node.endpoints(9, "nonsense"))


def a_relay_is_told_of(c):
    node = c.node("plain", DB)
    refused("PERMISSION_DENIED", "doesn't let nodes relay", Node(c.token(DB)).join, "no-relay", relay=True)
    relay = Node(c.token(DB, relay=True))
    relay.join("relay", relay=True)
    report(relay, endpoints=relay.endpoints(1, "198.51.100.1:51820"))
    entry = next(e for e in pull(node).entry if e.kind == "relay")
    record = node.record(entry.record, "relay", record_pb2.RelayRecord)
    assert record.node == relay.reply.node and list(record.endpoint) == ["198.51.100.1:51820"]
    assert "acme/prod/db/relay" in c.get("zone", "acme/eu").zone.relay
    assert len(pull(relay).subnet) == 2, "a relay reads all subnets"
    pull(relay, c.get("subnet", WEB).id)
    c.delete("node", DB + "/relay")
    assert not [e for e in pull(node).entry if e.kind == "relay"]


def isolation_follows_its_flag(c):
    node = c.node("apart", WEB)
    db = c.get("subnet", DB).id
    refused("PERMISSION_DENIED", "not this node's to read", pull, node, db)
    network = admin_pb2.Network(routed_subnets=True)
    request = admin_pb2.PutRequest(object=admin_pb2.Object(path="acme/prod", network=network), field=["routed_subnets"])
    assert c.admin.Put(request).changed
    assert set(pull(node).subnet) == {node.reply.subnet, db}
    pull(node, db)
    network.routed_subnets = False
    request.object.network.CopyFrom(network)
    c.admin.Put(request)
    refused("PERMISSION_DENIED", "not this node's to read", pull, node, db)
    refused("PERMISSION_DENIED", "not this node's to read", pull, node, c.get("subnet", "default/main/main").id)


# -- the broker ---------------------------------------------------------------------------------------------------------

def the_broker_tells_changes(c):
    node = c.node("listening", WEB)
    ear = Listener(c, node)
    assert ear.connected.get(timeout=10) == 0
    assert ear.subscribe(ear.topic(node.reply.subnet, "head")) == 1
    retained = record_pb2.Signed.FromString(ear.hear("/head"))
    before = node.record(retained, "head", record_pb2.Head)
    assert ear.subscribe(ear.topic(node.reply.subnet, "delta")) == 1
    late = c.node("news", WEB)
    delta = record_pb2.Delta.FromString(ear.hear("/delta"))
    assert delta.predecessor == before.sequence and delta.epoch == before.epoch
    assert [e.object for e in delta.entry] == [late.reply.node]
    node.record(delta.entry[0].record, "node", record_pb2.NodeRecord)
    assert node.record(delta.head, "head", record_pb2.Head).sequence == delta.entry[0].sequence
    ear.close()


def the_broker_knows_who_is_there(c):
    node = c.node("present", WEB)
    ear = Listener(c, node)
    assert ear.connected.get(timeout=10) == 0
    ear.client.publish(ear.presence, "online", 1).wait_for_publish(10)
    until(lambda: c.get("node", WEB + "/present").node.online, "online")
    ear.client._sock_close()  # as a machine that is cut off: the broker speaks its last will
    ear.client.loop_stop()
    until(lambda: not c.get("node", WEB + "/present").node.online, "offline")


def a_node_hears_its_own_topics_only(c):
    node, other = c.node("curious", WEB), c.node("secret", DB)
    ear = Listener(c, node)
    assert ear.connected.get(timeout=10) == 0
    assert ear.subscribe(ear.topic(node.reply.network, "head")) == 1
    for topic in ("#", "mmesh/#", f"mmesh/1/{node.reply.tenant}/+/+/delta", ear.topic("+", "delta"),
                  ear.topic(other.reply.subnet, "delta"), ear.topic(other.reply.subnet, "head"), "$SYS/#",
                  ear.topic(node.reply.subnet, "presence/+")):
        assert ear.subscribe(topic) == 128, topic
    before = c.get("node", DB + "/secret").node.online
    for topic in (ear.topic(node.reply.subnet, "head"), ear.topic(node.reply.subnet, "delta"),
                  ear.topic(other.reply.subnet, f"presence/{other.reply.node}")):
        ear.client.publish(topic, "online", 1).wait_for_publish(10)
    ear.client.publish(ear.presence, "online", 1).wait_for_publish(10)
    until(lambda: c.get("node", WEB + "/curious").node.online, "own presence")
    assert c.get("node", DB + "/secret").node.online == before, "one node spoke for another"
    ear.close()
    thief = Listener(c, node, other.reply.node)
    assert thief.connected.get(timeout=10) != 0, "one node took another's name"
    thief.close()


def a_deleted_node_hears_nothing(c):
    node = c.node("leaving", WEB)
    ear = Listener(c, node)
    assert ear.connected.get(timeout=10) == 0
    assert ear.subscribe(ear.topic(node.reply.subnet, "delta")) == 1
    c.delete("node", WEB + "/leaving")
    c.node("after", WEB)
    assert ear.subscribe(ear.topic(node.reply.subnet, "head")) == 128
    assert not [t for t, _ in list(ear.heard.queue)], "it still heard"
    ear.close()
    again = Listener(c, node)
    assert again.connected.get(timeout=10) != 0
    again.close()


def the_broker_comes_back(c):
    node = c.node("patient", WEB)
    pid = int(subprocess.run(["pgrep", "-P", str(c.process.pid), "mosquitto"], capture_output=True, text=True,
                             check=True).stdout.split()[0])
    os.kill(pid, signal.SIGKILL)
    until(lambda: listens(c, node), "the broker was back", 20)


def listens(c, node):
    """Can a node hear the head, which a new broker has to be told anew?"""
    try:
        ear = Listener(c, node)
    except OSError:
        return False
    fine = ear.connected.get(timeout=10) == 0 and ear.subscribe(ear.topic(node.reply.subnet, "head")) == 1
    try:
        ear.hear("/head")
    except queue.Empty:
        fine = False
    ear.close()
    return fine


# -- watching -----------------------------------------------------------------------------------------------------------

def nodes_watch_without_a_broker(c):
    node = c.node("watcher", WEB)
    with node.tunnel() as tls:
        stream = node_pb2_grpc.NodeStub(tls.channel).Watch(node_pb2.WatchRequest())
        heard = queue.Queue()
        threading.Thread(target=lambda: drain(stream, heard), daemon=True).start()
        until(lambda: watched(c, heard, node), "a delta")
        stream.cancel()


def watched(c, heard, node):
    """Until the stream stands, nothing is told: so something happens more than once."""
    name = f"w{time.monotonic_ns()}"
    c.put(f"{WEB}/{name}", node=admin_pb2.NodeObject(kind=record_pb2.NODE_KIND_WIREGUARD,
                                                     mesh_key=hash_of(name)))
    try:
        delta = heard.get(timeout=0.5)
    except queue.Empty:
        return False
    node.record(delta.head, "head", record_pb2.Head)
    return delta.subnet in (node.reply.subnet, "")


def hash_of(name):
    return hashlib.sha256(name.encode()).digest()


def drain(stream, heard):
    try:
        for message in stream:
            heard.put(message)
    except grpc.RpcError:
        pass


def operators_watch(c):
    heard = queue.Queue()
    stream = c.admin.Watch(admin_pb2.ListRequest(kind="subnet", under="acme"))
    threading.Thread(target=lambda: drain(stream, heard), daemon=True).start()

    def event():
        c.put("acme/prod/watched", subnet=admin_pb2.Subnet())
        c.delete("subnet", "acme/prod/watched")
        try:
            return heard.get(timeout=0.5)
        except queue.Empty:
            return None
    first = None
    while not first:
        first = event()
    assert first.object.path == "acme/prod/watched" and first.object.WhichOneof("kind") == "subnet"
    stream.cancel()


# -- managing -----------------------------------------------------------------------------------------------------------

def crud(c):
    made = c.put("acme/lab", network=admin_pb2.Network(prefix="10.30.0.0/20")).object
    assert made.network.kernel_id and made.network.prefix6.endswith("::/48") and made.revision == 1
    refused("ALREADY_EXISTS", "network acme/lab exists", c.admin.Put,
            admin_pb2.PutRequest(create=True, object=admin_pb2.Object(path="acme/lab", network=admin_pb2.Network())))
    refused("NOT_FOUND", "no network acme/none", c.admin.Put,
            admin_pb2.PutRequest(update=True, object=admin_pb2.Object(path="acme/none", network=admin_pb2.Network())))
    refused("INVALID_ARGUMENT", "subnet.prefix: 10.30.0.0/25 is not a /24", c.put, "acme/lab/a",
            subnet=admin_pb2.Subnet(prefix="10.30.0.0/25"))
    refused("ABORTED", "has revision 1, not 9", c.admin.Put, admin_pb2.PutRequest(
        object=admin_pb2.Object(path="acme/lab", revision=9, network=admin_pb2.Network())))
    first = c.put("acme/lab/a", subnet=admin_pb2.Subnet()).object.subnet
    second = c.put("acme/lab/b", subnet=admin_pb2.Subnet()).object.subnet
    assert (first.prefix, second.prefix) == ("10.30.0.0/24", "10.30.1.0/24")
    assert first.prefix6 != second.prefix6
    refused("FAILED_PRECONDITION", "has 2 objects below it", c.delete, "network", "acme/lab")
    gone = c.delete("network", "acme/lab", True).path
    assert list(gone)[-1] == "acme/lab" and len(gone) == 3
    refused("NOT_FOUND", "no network acme/lab", c.get, "network", "acme/lab")


def wireguard_clients_get_their_file(c):
    node = c.node("server", WEB)
    report(node, endpoints=node.endpoints(1, "203.0.113.5:51820"),
           capabilities=enrol_pb2.Capabilities(version="v\x01\u00fc", module=True, suite=["aes256gcm"]))
    assert c.get("node", WEB + "/server").node.version == "v???"
    reply = c.put(WEB + "/phone", node=admin_pb2.NodeObject(kind=record_pb2.NODE_KIND_WIREGUARD,
                                                            mesh_key=hash_of("phone"), address=["10.20.0.200"]))
    text = reply.object.node.config
    assert "Address = 10.20.0.200/32" in text and "Endpoint = 203.0.113.5:51820" in text, text
    assert c.get("node", WEB + "/phone").node.config == text
    refused("INVALID_ARGUMENT", "join with a token", c.put, WEB + "/other",
            node=admin_pb2.NodeObject(kind=record_pb2.NODE_KIND_CONNECTED))


def apply_is_all_or_nothing(c):
    objects = [admin_pb2.Object(path="beta/n/s1", subnet=admin_pb2.Subnet()),
               admin_pb2.Object(path="beta/n", network=admin_pb2.Network(prefix="10.40.0.0/16", zone="z")),
               admin_pb2.Object(path="beta/z", zone=admin_pb2.Zone()),
               admin_pb2.Object(path="beta", tenant=admin_pb2.Tenant())]

    def apply(*more, dry=False):
        return c.admin.Apply(admin_pb2.ApplyRequest(object=objects + list(more), dry_run=dry), timeout=20).change
    assert [x.verb for x in apply(dry=True)] == ["create"] * 4
    refused("NOT_FOUND", "no tenant beta", c.get, "tenant", "beta")
    bad = admin_pb2.Object(path="beta/n/s2", subnet=admin_pb2.Subnet(prefix="10.99.0.0/24"))
    refused("INVALID_ARGUMENT", "subnet beta/n/s2: subnet.prefix: 10.99.0.0/24 is not within", apply, bad)
    refused("NOT_FOUND", "no tenant beta", c.get, "tenant", "beta")
    assert [x.path for x in apply()] == ["beta", "beta/z", "beta/n", "beta/n/s1"]
    assert {x.verb for x in apply()} == {"same"}
    objects[1].network.mtu = 1400
    change = [x for x in apply(dry=True) if x.verb == "change"]
    assert [list(x.field) for x in change] == [["mtu: 0 -> 1400"]]
    exported = c.admin.Export(admin_pb2.ExportRequest(under="beta")).object
    assert {x.verb for x in c.admin.Apply(admin_pb2.ApplyRequest(object=exported)).change} == {"same"}


def export_and_apply_agree(c):
    exported = c.admin.Export(admin_pb2.ExportRequest()).object
    changes = c.admin.Apply(admin_pb2.ApplyRequest(object=exported, dry_run=True), timeout=20).change
    other = [x for x in changes if x.verb != "same"]
    assert not other, other


def lists_come_in_pages(c):
    c.put("acme/many", network=admin_pb2.Network(prefix="10.50.0.0/16"))
    objects = [admin_pb2.Object(path=f"acme/many/s{i}", subnet=admin_pb2.Subnet()) for i in range(250)]
    c.admin.Apply(admin_pb2.ApplyRequest(object=objects), timeout=30)
    assert len(c.list("subnet", "acme/many")) == 250
    assert len({o.path for o in c.list("", "acme/many")}) == 251


# -- attacks ------------------------------------------------------------------------------------------------------------

def tokens_are_used_up(c):
    text = c.token(WEB, uses=1)
    Node(text).join("only")
    refused("RESOURCE_EXHAUSTED", "used up: 1 of 1", Node(text).join, "second")


def tokens_expire_and_go(c):
    soon = int(time.time()) + 1
    text = c.token(WEB, expires=soon)
    until(lambda: time.time() > soon + 1, "time passed")
    refused("PERMISSION_DENIED", "expired", Node(text).join)
    text = c.token(WEB)
    token = next(o for o in c.list("token", WEB) if o.id == Token(text).id)
    c.delete("token", token.path)
    refused("NOT_FOUND", "not known here", Node(text).join)
    assert not [o for o in c.list("token") if o.token.secret], "a secret was kept"


def proofs_are_bound(c):
    text = c.token(WEB)
    refused("PERMISSION_DENIED", "proof", Node(text).join, sign_with=ed25519.Ed25519PrivateKey.generate())
    refused("PERMISSION_DENIED", "proof", Node(text).join, proof={"exporter": bytes(32)})
    refused("PERMISSION_DENIED", "proof", Node(text).join, proof={"server_nonce": bytes(32)})
    refused("PERMISSION_DENIED", "proof", Node(text).join, proof={"server_key_id": bytes(16)})
    node = Node(text)
    refused("INVALID_ARGUMENT", "another key", node.join, csr=node.csr(ec.generate_private_key(P256)))
    refused("INVALID_ARGUMENT", "certificate_request", node.join, csr=b"nonsense")


def proofs_count_once(c):
    node = Node(c.token(WEB))
    with Tunnel(node.address) as tls:
        stub = enrol_pb2_grpc.EnrolmentStub(tls.channel)
        begun = stub.Begin(enrol_pb2.BeginRequest(token=node.token.id), timeout=20)
        request = enrol_pb2.JoinRequest(proof=sign(node.token.key, "join proof", node.proof(tls, begun.server_nonce)),
                                        certificate_request=node.csr(), name="replayed")
        stub.Join(request, timeout=20)
        refused("PERMISSION_DENIED", "no Begin before it", stub.Join, request, timeout=20)
    with Tunnel(node.address) as tls:
        refused("PERMISSION_DENIED", "no Begin before it", enrol_pb2_grpc.EnrolmentStub(tls.channel).Join, request,
                timeout=20)


def statements_are_checked(c):
    node = Node(c.token(WEB))
    with Tunnel(node.address) as tls:
        stub = enrol_pb2_grpc.EnrolmentStub(tls.channel)
        begun = stub.Begin(enrol_pb2.BeginRequest(token=node.token.id), timeout=20)
        begun.subnet = c.get("subnet", DB).id
        request = enrol_pb2.JoinRequest(proof=sign(node.token.key, "join proof", node.proof(tls, begun.server_nonce)),
                                        certificate_request=node.csr(),
                                        join=sign(node.token.key, "join", node.statement(begun)))
        refused("INVALID_ARGUMENT", "join: names another", stub.Join, request, timeout=20)


def names_and_addresses_are_taken_once(c):
    c.node("taken", WEB)
    refused("ALREADY_EXISTS", "taken is there already", Node(c.token(WEB)).join, "taken")
    refused("INVALID_ARGUMENT", "not a name", Node(c.token(WEB)).join, "a/b")
    address = c.get("node", WEB + "/taken").node.address[0]
    refused("ALREADY_EXISTS", f"node taken has {address}", Node(c.token(WEB)).join, "thief", address=address)
    mine = Node(c.token(WEB))
    mine.join("pinned", address="10.20.0.250")
    assert c.get("node", WEB + "/pinned").node.address[0] == "10.20.0.250"


def nodes_manage_nothing(c):
    node = c.node("ambitious", WEB)
    with node.tunnel() as tls:
        admin = admin_pb2_grpc.AdminStub(tls.channel)
        text = "not an operator's"
        refused("PERMISSION_DENIED", text, admin.List, admin_pb2.ListRequest(), timeout=20)
        refused("PERMISSION_DENIED", text, admin.Put, admin_pb2.PutRequest(
            object=admin_pb2.Object(path="evil", tenant=admin_pb2.Tenant())), timeout=20)
        refused("PERMISSION_DENIED", text, admin.Delete, admin_pb2.DeleteRequest(kind="tenant", path="acme"),
                timeout=20)
        refused("PERMISSION_DENIED", text, admin.Backup, admin_pb2.BackupRequest(file="/tmp/x"), timeout=20)
        refused("PERMISSION_DENIED", text, lambda: next(admin.Watch(admin_pb2.ListRequest(), timeout=20)))
    with Tunnel(c.address) as tls:
        refused("UNAUTHENTICATED", "", admin_pb2_grpc.AdminStub(tls.channel).List, admin_pb2.ListRequest(), timeout=20)
        refused("UNAUTHENTICATED", "", node_pb2_grpc.NodeStub(tls.channel).Pull, node_pb2.PullRequest(), timeout=20)


def strangers_send_little(c):
    with Tunnel(c.address) as tls:
        stub = enrol_pb2_grpc.EnrolmentStub(tls.channel)
        try:
            stub.Begin(enrol_pb2.BeginRequest(token="x" * 1000), timeout=20)
            raise AssertionError("it was read")
        except grpc.RpcError as e:
            assert e.code() != grpc.StatusCode.OK
    with Tunnel(c.address) as tls:
        try:
            enrol_pb2_grpc.EnrolmentStub(tls.channel).Join(enrol_pb2.JoinRequest(name="x" * 200000), timeout=20)
            raise AssertionError("it was read")
        except grpc.RpcError as e:
            assert e.code() != grpc.StatusCode.OK
    assert c.list("tenant"), "it still serves"


def garbage_changes_nothing(c):
    for port in (c.port, c.broker):
        for data in (b"GET / HTTP/1.0\r\n\r\n", os.urandom(4096), b"\x16\x03\x01\xff\xff" + bytes(2000), b""):
            with socket.create_connection(("127.0.0.1", port), 5) as s:
                try:
                    s.sendall(data)
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(4096):
                        pass
                except OSError:
                    pass
    refused("UNIMPLEMENTED", "", c.channel.unary_unary("/mmesh.v1.Admin/Nothing"), b"", timeout=20)
    bad = c.channel.unary_unary("/mmesh.v1.Admin/List")
    refused("INVALID_ARGUMENT", "", bad, b"\xff\xff\xff", timeout=20)
    assert c.list("tenant")


# -- many, and operators over TLS ---------------------------------------------------------------------------------------

def joins_at_once_fill_a_subnet(c):
    c.put("acme/prod/crowd", subnet=admin_pb2.Subnet())
    text = c.token("acme/prod/crowd")

    def one(_):
        for _ in range(200):  # handshakes of one source are limited in rate
            try:
                Node(text).join(statement=False)
                return "joined"
            except grpc.RpcError as e:
                if e.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and "is full" in e.details():
                    assert "254 of 254 addresses are in use" in e.details()
                    return "full"
                if e.code() != grpc.StatusCode.UNAVAILABLE:
                    return e.details()
            except Exception:  # refused before TLS stood
                pass
            time.sleep(0.1)
        return "never"
    with ThreadPoolExecutor(24) as pool:
        results = list(pool.map(one, range(300)))
    counts = {r: results.count(r) for r in set(results)}
    assert counts == {"joined": 254, "full": 46}, counts
    assert c.get("subnet", "acme/prod/crowd").subnet.nodes == 254


def operators_use_certificates(c):
    folder = tempfile.mkdtemp(prefix="mmesh-operator.")
    subprocess.run([c.program, "operator", "ann", folder, "directory", c.folder + "/state"], check=True,
                   stdout=subprocess.DEVNULL)
    read = {name: Path(folder, name).read_bytes() for name in ("ca.pem", "ann.key", "ann.pem")}
    shutil.rmtree(folder)
    credentials = grpc.ssl_channel_credentials(read["ca.pem"], read["ann.key"], read["ann.pem"])
    with grpc.secure_channel(c.address, credentials) as channel:  # a stock client, TLS and all
        admin = admin_pb2_grpc.AdminStub(channel)
        assert admin.List(admin_pb2.ListRequest(kind="tenant"), timeout=20).object
        refused("PERMISSION_DENIED", "on this machine only", admin.Backup, admin_pb2.BackupRequest(file="/tmp/x"),
                timeout=20)
        refused("PERMISSION_DENIED", "not that of a node", node_pb2_grpc.NodeStub(channel).Pull,
                node_pb2.PullRequest(), timeout=20)


def deletion_cuts_sessions(c):
    node = c.node("cut", WEB)
    with node.tunnel() as tls:
        stub = node_pb2_grpc.NodeStub(tls.channel)
        stub.Pull(node_pb2.PullRequest(), timeout=20)
        c.delete("node", WEB + "/cut")
        refused("UNAVAILABLE", "", stub.Pull, node_pb2.PullRequest(), timeout=20)


# -- locked networks, restarts ------------------------------------------------------------------------------------------

def a_locked_network_wants_statements(c):
    c.put("acme/vault", network=admin_pb2.Network(prefix="10.60.0.0/16", locked=True))
    c.put("acme/vault/v", subnet=admin_pb2.Subnet())
    text = c.token("acme/vault/v")
    refused("INVALID_ARGUMENT", "join: is missing", Node(text).join, statement=False)
    node = Node(text)
    node.join("inside")
    record = node.record(node.reply.record, "node", record_pb2.NodeRecord)
    delegated = [record_pb2.Delegation.FromString(s.payload) for s in node.reply.delegation]
    token_key = next(d for d in delegated if d.role == record_pb2.ROLE_TOKEN)
    assert token_key.public_key == spki(node.token.key) and list(token_key.network) == [node.reply.network]
    verify(token_key.public_key, "join", record.join)


def it_restarts_as_it_was(c):
    node = c.node("lasting", WEB)
    before = c.list("node", WEB)
    head = node.record(pull(node, node.reply.subnet).head, "head", record_pb2.Head)
    assert c.stop() == 0, "SIGTERM ends it well"
    c.start()
    assert [o.id for o in c.list("node", WEB)] == [o.id for o in before]
    now = pull(node, node.reply.subnet, epoch=head.epoch, after=head.sequence)
    assert not now.snapshot and not now.entry
    c.stop(signal.SIGKILL)
    c.start()
    assert [o.id for o in c.list("node", WEB)] == [o.id for o in before]
    until(lambda: listens(c, node), "the new broker served")


def backups_bring_back(c):
    node = c.node("kept", WEB)
    head = node.record(pull(node, node.reply.subnet).head, "head", record_pb2.Head)
    file = c.folder + "/backup.db"
    assert c.admin.Backup(admin_pb2.BackupRequest(file=file)).bytes > 0
    refused("ALREADY_EXISTS", "file", c.admin.Backup, admin_pb2.BackupRequest(file=file))
    c.node("lost", WEB)
    words = ["directory", c.folder + "/state"]
    busy = subprocess.run([c.program, "restore", file, *words], capture_output=True, text=True, check=False)
    assert busy.returncode == 2 and "a controller runs here" in busy.stderr, busy
    c.stop()
    store = Path(c.folder, "state/store.db")
    whole = store.read_bytes()
    store.write_bytes(whole[:len(whole) // 2])
    cut = subprocess.run([c.program, "standalone", c.folder + "/state", *c.words], capture_output=True, text=True,
                         check=False, timeout=30)
    assert cut.returncode == 2 and "mmesh-controller restore" in cut.stderr, cut
    subprocess.run([c.program, "restore", file, *words], check=True, stdout=subprocess.DEVNULL)
    c.start()
    now = pull(node, node.reply.subnet, epoch=head.epoch, after=head.sequence)
    assert now.snapshot, "a new epoch wants a snapshot"
    assert node.record(now.head, "head", record_pb2.Head).epoch > head.epoch
    names = {o.path for o in c.list("node", WEB)}
    assert WEB + "/kept" in names and WEB + "/lost" not in names


def configuration_files_are_checked(c):
    def check(path):
        return subprocess.run([c.program, "check-config", path], capture_output=True, text=True, check=False)
    assert check(TOP / "packaging/controller/controller.yaml").returncode == 0
    Path(c.folder, "bad.yaml").write_text("log: info\nbroker: nowhere\n")
    bad = check(c.folder + "/bad.yaml")
    assert bad.returncode == 2 and "line 2: broker: " in bad.stderr, bad


def root_keys_go_offline(c):
    words = ["directory", c.folder + "/state"]
    file = c.folder + "/root.key"
    subprocess.run([c.program, "export-root-key", "acme", file, "remove", *words], check=True)
    c.token(WEB)
    refused("FAILED_PRECONDITION", "offline", c.token, "acme/vault/v")
    subprocess.run([c.program, "import-root-key", "acme", file, *words], check=True)
    c.token("acme/vault/v")
    plain = subprocess.run(["grep", "-rl", "BEGIN PRIVATE KEY", c.folder + "/state"], capture_output=True, text=True,
                           check=False)
    assert not plain.stdout, f"keys in plain: {plain.stdout}"


TESTS = [a_newcomer_needs_a_token_only, a_node_joins, a_lost_reply_costs_no_use, certificates_are_renewed,
         records_chain_to_the_root, changes_are_pulled_alone, snapshots_come_in_pages, endpoints_are_the_nodes_own,
         a_relay_is_told_of, isolation_follows_its_flag, the_broker_tells_changes, the_broker_knows_who_is_there,
         a_node_hears_its_own_topics_only, a_deleted_node_hears_nothing, the_broker_comes_back,
         nodes_watch_without_a_broker, operators_watch, crud, wireguard_clients_get_their_file,
         apply_is_all_or_nothing, lists_come_in_pages, tokens_are_used_up, tokens_expire_and_go, proofs_are_bound,
         proofs_count_once, statements_are_checked, names_and_addresses_are_taken_once, nodes_manage_nothing,
         strangers_send_little, garbage_changes_nothing, joins_at_once_fill_a_subnet, operators_use_certificates,
         deletion_cuts_sessions, export_and_apply_agree, a_locked_network_wants_statements, it_restarts_as_it_was,
         configuration_files_are_checked, root_keys_go_offline, backups_bring_back]


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else str(TOP / "build/bin/mmesh-controller")
    wanted = sys.argv[2:]
    folder = tempfile.mkdtemp(prefix="mmesh-control.")
    failed = 0
    words = ["handshakes", "1000"]
    if Path(program).parent != TOP / "build/bin":
        words += ["plugin", str(TOP / "build/lib/mmesh-broker.so")]
    c = Controller(program, folder, *words)
    atexit.register(lambda: c.process and c.process.poll() is None and c.stop())
    c.start()
    prepare(c)
    for test in TESTS:
        name = test.__name__.replace("_", " ")
        if wanted and test.__name__ not in wanted:
            continue
        begin = time.monotonic()
        try:
            test(c)
            print(f"ok - {name}\n# {time.monotonic() - begin:.2f} s", flush=True)
        except Exception:
            failed += 1
            print("# " + traceback.format_exc().replace("\n", "\n# "))
            print(f"not ok - {name}", flush=True)
    status = c.stop()
    print(f"{'not ok' if status else 'ok'} - the controller ends with status 0")
    if failed or status:
        print("# " + Path(folder, "log").read_text(errors="replace")[-20000:].replace("\n", "\n# "))
    shutil.rmtree(folder)
    return 1 if failed or status else 0


if __name__ == "__main__":
    sys.exit(main())
