# SPDX-License-Identifier: Apache-2.0
"""A client of the control plane that knows the .proto files and TLS, and shares no code with mmesh.

gRPC is Python's; TLS is OpenSSL's, in front of it, because a join is bound to the session's exporter value.
"""

import base64
import hashlib
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto

TOP = Path(__file__).resolve().parents[2]
PROTOS = tempfile.mkdtemp(prefix="mmesh-protos.")
EXPORTER = b"EXPORTER-mmesh-v1"
P256 = ec.SECP256R1()


def compile_protos():
    files = sorted(str(p) for p in (TOP / "proto/mmesh/v1").glob("*.proto"))
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I", TOP / "proto", f"--python_out={PROTOS}",
                    f"--grpc_python_out={PROTOS}", *files], check=True)
    sys.path.insert(0, PROTOS)


compile_protos()
from mmesh.v1 import (admin_pb2, admin_pb2_grpc, enrol_pb2, enrol_pb2_grpc, node_pb2, node_pb2_grpc,  # noqa: E402
                      record_pb2)
shutil.rmtree(PROTOS)


# -- keys and signatures ------------------------------------------------------------------------------------------------

def spki(key):
    public = key if hasattr(key, "verify") and not hasattr(key, "sign") else key.public_key()
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_id(der):
    return hashlib.sha256(der).digest()[:16]


def signed_bytes(context, kid, payload):
    return b"mmesh v1 " + context.encode() + b"\0" + kid + payload


def sign(key, context, message):
    payload = message if isinstance(message, bytes) else message.SerializeToString()
    kid = key_id(spki(key))
    data = signed_bytes(context, kid, payload)
    signature = key.sign(data, ec.ECDSA(hashes.SHA256())) if isinstance(key, ec.EllipticCurvePrivateKey) \
        else key.sign(data)
    return record_pb2.Signed(context=context, payload=payload, key_id=kid, signature=signature)


def verify(public_der, context, signed):
    """Raises unless the key signed it, as what it says it is."""
    assert signed.context == context, f"a {signed.context}, not a {context}"
    assert signed.key_id == key_id(public_der), "another key"
    data = signed_bytes(context, signed.key_id, signed.payload)
    key = serialization.load_der_public_key(public_der)
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signed.signature, data, ec.ECDSA(hashes.SHA256()))
    else:
        key.verify(signed.signature, data)
    return signed.payload


class Token:
    """What a token's text says."""

    def __init__(self, text):
        assert text.startswith("mmesh1."), "not a token"
        body = text[len("mmesh1."):]
        raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        assert hashlib.sha256(b"mmesh1." + raw[:-4]).digest()[:4] == raw[-4:], "checksum"
        self.id = raw[:16].hex()
        self.key = ed25519.Ed25519PrivateKey.from_private_bytes(raw[16:48])
        self.ca, self.root = raw[48:80], raw[80:112]
        self.controllers, at = [], 113
        for _ in range(raw[112]):
            self.controllers.append(raw[at + 1:at + 1 + raw[at]].decode())
            at += 1 + raw[at]


# -- connections --------------------------------------------------------------------------------------------------------

class Tunnel:
    """TLS 1.3 to the server; a unix socket for gRPC's plain side, taken once."""

    def __init__(self, address, key=None, cert=None):
        host, port = address.rsplit(":", 1)
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(SSL.TLS1_3_VERSION)
        context.set_alpn_protos([b"h2"])
        context.set_verify(SSL.VERIFY_NONE)
        if key:
            context.use_privatekey(crypto.PKey.from_cryptography_key(key))
            context.use_certificate(crypto.X509.from_cryptography(cert))
        self.tcp = socket.create_connection((host, int(port)), 10)
        self.tls = SSL.Connection(context, self.tcp)
        self.tls.set_connect_state()
        self.tcp.settimeout(None)
        self.tls.do_handshake()
        self.exporter = self.tls.export_keying_material(EXPORTER, 32)
        self.chain = [c.to_cryptography() for c in self.tls.get_peer_cert_chain()]
        self.server_key_id = key_id(spki(self.chain[0].public_key()))
        self.tcp.setblocking(False)
        self.folder = tempfile.mkdtemp(prefix="mmesh-tunnel.")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.folder + "/s")
        self.listener.listen(1)
        threading.Thread(target=self.pump, daemon=True).start()
        self.channel = grpc.insecure_channel("unix:" + self.folder + "/s",
                                             options=[("grpc.use_local_subchannel_pool", 1)])

    def pump(self):
        plain, _ = self.listener.accept()
        self.listener.close()  # another connection would be another session
        try:
            while True:
                self.read_tls(plain)
                ready, _, _ = select.select([plain, self.tcp], [], [])
                if plain in ready:
                    data = plain.recv(65536)
                    if not data:
                        break
                    self.write_tls(data)
        except (SSL.Error, OSError, ValueError):
            pass
        finally:
            plain.close()
            self.tcp.close()

    def read_tls(self, plain):
        while True:
            try:
                plain.sendall(self.tls.recv(65536))
            except SSL.WantReadError:
                return

    def write_tls(self, data):
        while data:
            try:
                data = data[self.tls.send(data):]
            except SSL.WantWriteError:
                select.select([], [self.tcp], [])

    def close(self):
        self.channel.close()
        self.listener.close()
        try:
            self.tcp.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Node:
    """A machine that joins, with keys that never leave it."""

    def __init__(self, token, address=None):
        self.token = Token(token) if isinstance(token, str) else token
        self.address = address or self.token.controllers[0]
        self.identity = ec.generate_private_key(P256)
        self.mesh = x25519.X25519PrivateKey.generate()
        self.mesh_key = self.mesh.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.cert = None
        self.reply = None

    def csr(self, key=None):
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "anything")])
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key or self.identity, hashes.SHA256())
        return request.public_bytes(serialization.Encoding.DER)

    def proof(self, tunnel, nonce, **other):
        fields = {"token": self.token.id, "server_nonce": nonce, "client_nonce": os.urandom(32),
                  "identity_key": spki(self.identity), "mesh_key": self.mesh_key,
                  "server_key_id": tunnel.server_key_id, "exporter": tunnel.exporter}
        fields.update(other)
        return enrol_pb2.JoinProof(**fields)

    def statement(self, begun):
        return record_pb2.JoinStatement(token=self.token.id, tenant=begun.tenant, network=begun.network,
                                        subnet=begun.subnet, identity_key=spki(self.identity),
                                        mesh_key=self.mesh_key, time=int(time.time()))

    def join(self, name="", tunnel=None, sign_with=None, csr=None, statement=True, proof=None, **more):
        with tunnel or Tunnel(self.address) as tls:
            stub = enrol_pb2_grpc.EnrolmentStub(tls.channel)
            begun = stub.Begin(enrol_pb2.BeginRequest(token=self.token.id), timeout=20)
            key = sign_with or self.token.key
            request = enrol_pb2.JoinRequest(
                proof=sign(key, "join proof", self.proof(tls, begun.server_nonce, **(proof or {}))),
                certificate_request=csr or self.csr(), name=name,
                capabilities=enrol_pb2.Capabilities(version="test", module=True, suite=["aes256gcm"]), **more)
            if statement:
                request.join.CopyFrom(sign(key, "join", self.statement(begun)))
            reply = stub.Join(request, timeout=20)
            assert hashlib.sha256(reply.tenant_root).digest() == self.token.root, "another root"
            assert hashlib.sha256(spki(x509.load_der_x509_certificate(reply.ca).public_key())).digest() \
                == self.token.ca, "another CA"
        self.reply = reply
        self.cert = x509.load_der_x509_certificate(reply.certificate)
        return reply

    def tunnel(self):
        return Tunnel(self.address, self.identity, self.cert)

    def controller_key(self):
        """The key that the root lets sign records, verified."""
        for signed in self.reply.delegation:
            verify(self.reply.tenant_root, "delegation", signed)
            delegation = record_pb2.Delegation.FromString(signed.payload)
            if delegation.role == record_pb2.ROLE_CONTROLLER:
                assert delegation.tenant == self.reply.tenant
                return delegation.public_key
        raise AssertionError("no delegation of a controller")

    def record(self, signed, context, kind):
        return kind.FromString(verify(self.controller_key(), context, signed))

    def endpoints(self, generation, *endpoint):
        return sign(self.identity, "endpoints", record_pb2.EndpointsRecord(
            node=self.reply.node, generation=generation, time=int(time.time()), endpoint=endpoint))


# -- a controller of our own --------------------------------------------------------------------------------------------

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Controller:
    def __init__(self, program, folder, *words):
        self.program, self.folder = program, folder
        self.port, self.broker = free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.socket = f"{folder}/admin.sock"
        self.words = ["listen", self.address, "broker", f"127.0.0.1:{self.broker}", "socket", self.socket, *words]
        self.log = open(f"{folder}/log", "ab")
        self.process = None
        self.channel = None

    def start(self):
        """Waits until it says that it is ready, as to a service manager."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            path = self.folder + "/notify"
            Path(path).unlink(missing_ok=True)
            ready.bind(path)
            ready.settimeout(30)
            self.process = subprocess.Popen([self.program, "standalone", self.folder + "/state", *self.words],
                                            stdout=self.log, stderr=self.log, env=dict(os.environ, NOTIFY_SOCKET=path))
            threading.Thread(target=self.say_ended, args=(path,), daemon=True).start()
            try:
                said = ready.recv(64)
            except socket.timeout:
                said = b"nothing for 30 s"
            assert said == b"READY=1", f"the controller is not ready: {said}\n{Path(self.folder, 'log').read_text()}"
        self.channel = grpc.insecure_channel("unix:" + self.socket, options=[("grpc.use_local_subchannel_pool", 1)])
        return self

    def say_ended(self, path):
        """Whoever waits for readiness need not when it ended."""
        self.process.wait()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            try:
                s.sendto(b"ended", path)
            except OSError:
                pass  # nobody waits

    def stop(self, sig=None):
        """The exit status."""
        if self.channel:
            self.channel.close()
        if sig:
            self.process.send_signal(sig)
        else:
            self.process.terminate()
        return self.process.wait(30)

    @property
    def admin(self):
        return admin_pb2_grpc.AdminStub(self.channel)

    def put(self, path, **kind):
        return self.admin.Put(admin_pb2.PutRequest(object=admin_pb2.Object(path=path, **kind)), timeout=20)

    def get(self, kind, path):
        return self.admin.Get(admin_pb2.GetRequest(kind=kind, path=path), timeout=20)

    def list(self, kind="", under=""):
        found, page = [], ""
        while True:
            reply = self.admin.List(admin_pb2.ListRequest(kind=kind, under=under, page=page), timeout=20)
            found += reply.object
            page = reply.next
            if not page:
                return found

    def delete(self, kind, path, recursive=False):
        return self.admin.Delete(admin_pb2.DeleteRequest(kind=kind, path=path, recursive=recursive), timeout=20)

    def token(self, subnet="default/main/main", **fields):
        return self.put(subnet, token=admin_pb2.Token(**fields)).object.token.secret

    def node(self, name="", subnet="default/main/main", **fields):
        node = Node(self.token(subnet, uses=1, **fields))
        node.join(name)
        return node


def refused(code, text, call, *args, **kwargs):
    """The call fails with this code, and its message has this text."""
    try:
        call(*args, **kwargs)
    except grpc.RpcError as e:
        assert e.code() == getattr(grpc.StatusCode, code), f"{e.code()}, not {code}: {e.details()}"
        assert text in e.details(), f"'{e.details()}' does not have '{text}'"
        return
    raise AssertionError(f"{code} was wanted, but it worked")


def digest(entries):
    text = "".join(f"{e.object} {e.sequence}\n" for e in sorted(entries, key=lambda e: e.object))
    return hashlib.sha256(text.encode()).digest()
