#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may do what: an ordinary user, root of a user namespace, a device moved into one."""

import errno
import os
import socket

from harness import Child, device, enter_user_namespace, equal, ip, key, public_key, refused, run_tests
from ynl import Netlink

PRIVATE = os.urandom(32)


def configured(name="mm0", **more):
    nl = device(name, private_key=PRIVATE, **more)
    nl.do("peer-add", ifname=name, public_key=key(1), preshared_key=key(9), endpoint_addr4="192.0.2.1",
          endpoint_port=5, allowed_ips=[{"addr4": "10.0.0.0", "cidr": 8}])
    return nl


def state(nl, name):
    return nl.do("dev-get", ifname=name, secrets=True), nl.peers(ifname=name, secrets=True)


CHANGES = (("dev-set", {"fwmark": 1}), ("dev-set", {"private-key": key(3)}), ("peer-add", {"public-key": key(2)}),
           ("peer-set", {"public-key": key(1), "persistent-keepalive": 1}), ("peer-del", {"public-key": key(1)}))


def test_ordinary_user():
    nl = configured(listen_port=4001)
    before = state(nl, "mm0")

    def user(_meet):
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        mine = Netlink()
        for op, values in CHANGES:
            refused(errno.EPERM, mine.do, op, ifname="mm0", **values)
        dev = mine.do("dev-get", ifname="mm0")
        equal((dev["public-key"], "private-key" in dev), (public_key(PRIVATE), False))
        equal(mine.dump("dev-get"), [dev])
        (peer,) = mine.peers(ifname="mm0")
        equal(peer, mine.do("peer-get", ifname="mm0", public_key=key(1)))
        equal(peer["public-key"], key(1))
        assert peer["allowed-ips"] and not [n for n in peer if n.startswith(("endpoint", "preshared"))], peer
        for call, op, values in ((mine.do, "dev-get", {"ifname": "mm0"}), (mine.dump, "dev-get", {}),
                                 (mine.do, "peer-get", {"ifname": "mm0", "public-key": key(1)}),
                                 (mine.dump, "peer-get", {"ifname": "mm0"})):
            refused(errno.EPERM, call, op, secrets=True, text="secrets", **values)
        assert mine.do("stat-get", ifname="mm0")["counter"]
        try:
            mine.subscribe()
        except PermissionError:
            return
        raise AssertionError("may listen to events")

    Child(user).end()
    equal(state(nl, "mm0"), before)


def test_socket_of_root_used_by_a_user():
    """A socket that root opened and gave away gives no right to its new owner; nor one that a user opened to root."""
    nl = configured()
    before = state(nl, "mm0")

    def user(_meet):
        os.setresuid(65534, 65534, 65534)
        for op, values in CHANGES:
            refused(errno.EPERM, nl.do, op, ifname="mm0", **values)
        refused(errno.EPERM, nl.do, "dev-get", ifname="mm0", secrets=True)

    Child(user).end()
    equal(state(nl, "mm0"), before)


def test_device_moved_into_a_user_namespace():
    """Its new owner may change it, but not what happens where its sockets are."""
    nl = configured("mm0", listen_port=4001)

    def owner(meet):
        enter_user_namespace()
        meet()
        mine = Netlink()
        assert mine.do("dev-get", ifname="mm0", secrets=True)["private-key"]
        mine.do("peer-add", ifname="mm0", public_key=key(2))
        mine.do("dev-set", ifname="mm0", private_key=key(4))
        before = state(mine, "mm0")
        for values in ({"listen-port": 4002}, {"fwmark": 2}, {"listen-port": 4002, "private-key": key(5)},
                       {"fwmark": 2, "flags": ["replace-peers"]}):
            e = refused(errno.EPERM, mine.do, "dev-set", ifname="mm0", text="born", **values)
            assert e.offset, e
            equal(state(mine, "mm0"), before)
        mine.subscribe()
        mine.do("peer-del", ifname="mm0", public_key=key(2))
        equal(mine.event()[0], "peer-del-ntf")

    child = Child(owner)
    child.wait()
    ip("link", "set", "mm0", "netns", str(child.pid))
    refused(errno.ENODEV, nl.do, "dev-get", ifname="mm0")
    child.go()
    child.end()


def test_device_made_in_a_user_namespace():
    nl = configured("mm0")
    before = state(nl, "mm0")

    def owner(_meet):
        enter_user_namespace()
        mine = device("mm1", up=True, listen_port=4001, fwmark=3, private_key=key(4))
        mine.do("peer-add", ifname="mm1", public_key=key(2))
        equal((mine.do("dev-get", ifname="mm1")["listen-port"], len(mine.dump("dev-get"))), (4001, 1))
        # The others are out of reach.
        for op, values in CHANGES:
            refused(errno.ENODEV, mine.do, op, ifname="mm0", **values)

    Child(owner).end()
    equal(state(nl, "mm0"), before)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("", 4001))


run_tests("privilege", globals())
