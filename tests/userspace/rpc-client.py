#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Drives the echo server with stock gRPC, from the .proto files alone.

usage: rpc-client.py STUBS KEYS ADDRESS SOCKET

STUBS has what protoc made of the .proto files, KEYS the server's PEM files. Prints "ok - NAME" or "not ok - NAME".
"""

import socket
import ssl
import sys
import traceback

STUBS, KEYS, ADDRESS, SOCKET = sys.argv[1:]
sys.path.insert(0, STUBS)

import grpc  # noqa: E402
from mmesh.v1 import admin_pb2, admin_pb2_grpc, enrol_pb2, enrol_pb2_grpc, local_pb2, local_pb2_grpc  # noqa: E402

PATIENCE = 30


def pem(name):
    with open(f"{KEYS}/{name}", "rb") as file:
        return file.read()


def channel(cert=None):
    key = pem("node.key") if cert else None
    credentials = grpc.ssl_channel_credentials(pem("ca.pem"), key, pem(cert) if cert else None)
    return grpc.secure_channel(ADDRESS, credentials)


def code_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""


def unary():
    with channel() as c:
        stub = enrol_pb2_grpc.EnrolmentStub(c)
        reply = stub.Begin(enrol_pb2.BeginRequest(token="grüß"), timeout=PATIENCE)
        assert reply.tenant == "grüß" and reply.network.startswith("127.0.0.1:"), reply
        assert len(reply.server_nonce) == 32 and reply.subnet == "", reply
        again = stub.Begin(enrol_pb2.BeginRequest(token="x"), timeout=PATIENCE)
        # One session, one exporter.
        assert again.time == reply.time and again.server_nonce == reply.server_nonce
        got = code_of(lambda: stub.Begin(enrol_pb2.BeginRequest(token="fail"), timeout=PATIENCE))
        assert got == (grpc.StatusCode.INVALID_ARGUMENT, 'token: "fail" is what it says'), got


def certificates():
    with channel("node.pem") as c:
        stub = enrol_pb2_grpc.EnrolmentStub(c)
        reply = stub.Join(enrol_pb2.JoinRequest(name="n1"), timeout=PATIENCE)
        assert reply.node == "n1" and reply.subnet == "0123456789abcdef" * 2, reply
    with channel("expired.pem") as c:
        stub = enrol_pb2_grpc.EnrolmentStub(c)
        got = code_of(lambda: stub.Join(enrol_pb2.JoinRequest(), timeout=PATIENCE))
        assert got[0] == grpc.StatusCode.PERMISSION_DENIED and "expired" in got[1], got
        stub.Renew(enrol_pb2.RenewRequest(), timeout=PATIENCE)
    with channel() as c:
        stub = enrol_pb2_grpc.EnrolmentStub(c)
        got = code_of(lambda: stub.Join(enrol_pb2.JoinRequest(), timeout=PATIENCE))
        assert got[0] == grpc.StatusCode.UNAUTHENTICATED, got


def streams():
    with channel("node.pem") as c:
        stub = admin_pb2_grpc.AdminStub(c)
        verbs = [e.verb for e in stub.Watch(admin_pb2.ListRequest(under="300"), timeout=PATIENCE)]
        assert verbs == [str(n) for n in range(300)], verbs
        got = code_of(lambda: list(stub.Watch(admin_pb2.ListRequest(under="fail"), timeout=PATIENCE)))
        assert got == (grpc.StatusCode.NOT_FOUND, 'under: there is no "fail"'), got
        kept = stub.Watch(admin_pb2.ListRequest(under="keep"), timeout=PATIENCE)
        kept.cancel()
        # Another call on the connection still works.
        enrol_pb2_grpc.EnrolmentStub(c).Begin(enrol_pb2.BeginRequest(), timeout=PATIENCE)


def unix_socket():
    with grpc.insecure_channel(f"unix:{SOCKET}") as c:
        stub = local_pb2_grpc.LocalStub(c)
        status = stub.Status(local_pb2.LocalStatusRequest(), timeout=PATIENCE)
        assert status.version.startswith("pid "), status
        stub.Leave(local_pb2.LocalLeaveRequest(), timeout=PATIENCE)
        got = code_of(lambda: stub.Up(local_pb2.LocalUpRequest(), timeout=PATIENCE))
        assert got[0] == grpc.StatusCode.UNIMPLEMENTED, got


def compressed():
    """What is small on the wire must not be large afterwards: it is not taken at all."""
    with channel("node.pem") as c:
        stub = enrol_pb2_grpc.EnrolmentStub(c)
        got = code_of(lambda: stub.Join(enrol_pb2.JoinRequest(name="x" * 100000), timeout=PATIENCE,
                                        compression=grpc.Compression.Gzip))
        assert got[0] == grpc.StatusCode.UNIMPLEMENTED, got


def raw(alpn, maximum=ssl.TLSVersion.TLSv1_3):
    context = ssl.create_default_context(cafile=f"{KEYS}/ca.pem")
    context.maximum_version = maximum
    if alpn:
        context.set_alpn_protocols(alpn)
    host, port = ADDRESS.split(":")
    with socket.create_connection((host, int(port)), PATIENCE) as plain:
        with context.wrap_socket(plain, server_hostname=host) as tls:
            tls.settimeout(PATIENCE)
            return tls.recv(1)


def refuses_tls_1_2():
    try:
        raw(["h2"], ssl.TLSVersion.TLSv1_2)
    except ssl.SSLError:
        return
    raise AssertionError("TLS 1.2 was taken")


def refuses_other_protocols():
    try:
        raw(["http/1.1"])
    except ssl.SSLError:
        pass
    else:
        raise AssertionError("HTTP/1.1 was taken")
    try:
        got = raw(None)
    except (ssl.SSLError, ConnectionResetError):
        return
    # libgrpc would have sent its settings.
    assert got == b"", got


TESTS = (unary, certificates, streams, unix_socket, compressed, refuses_tls_1_2, refuses_other_protocols)


def main():
    failed = False
    for test in TESTS:
        try:
            test()
        except Exception:  # each of them is a failed test
            traceback.print_exc(file=sys.stdout)
            print(f"not ok - rpc from Python: {test.__name__}")
            failed = True
        else:
            print(f"ok - rpc from Python: {test.__name__}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
