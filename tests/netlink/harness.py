# SPDX-License-Identifier: Apache-2.0
"""What the tests of this directory share: results, namespaces, links, processes with fewer rights."""

import ctypes
import os
import subprocess
import sys
import traceback

from ynl import Netlink, Refused

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """This kernel can't run the test; the argument says why."""


def key(n):
    """The n-th of many different keys."""
    return n.to_bytes(8, "big") + bytes(23) + b"\7"


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def run_tests(suite, namespace):
    """Run each test_NAME() of a module in a netns of its own; exits 1 when one failed."""
    failed = 0
    for name, test in list(namespace.items()):
        if not name.startswith("test_") or (len(sys.argv) > 1 and name[5:] not in sys.argv[1:]):
            continue
        title = f"netlink/{suite}: {name[5:].replace('_', ' ')}"
        pid = os.fork()
        if not pid:
            os._exit(run_one(test, title))
        _, status = os.waitpid(pid, 0)
        failed += status != 0
        if os.WIFSIGNALED(status):
            print(f"not ok - {title}\n# killed by signal {os.WTERMSIG(status)}", flush=True)
    sys.exit(failed > 0)


def run_one(test, title):
    try:
        unshare(CLONE_NEWNET)
        ip("link", "set", "lo", "up")
        test()
    except Skip as e:
        print(f"skip - {title} # {e}", flush=True)
        return 0
    except BaseException:
        print(f"not ok - {title}", flush=True)
        print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="", flush=True)
        return 1
    print(f"ok - {title}", flush=True)
    return 0


def device(name, up=False, **values):
    """Make a device in this netns and set it; returns a client."""
    ip("link", "add", name, "type", "mmesh")
    if up:
        ip("link", "set", name, "up")
    nl = Netlink()
    if values:
        nl.do("dev-set", ifname=name, **values)
    return nl


def refused(number, call, *args, text=None, **values):
    """The call must be refused with this errno, and a text that has `text` in it."""
    try:
        result = call(*args, **values)
    except Refused as e:
        assert e.errno == number, f"{e} instead of {os.strerror(number)}"
        assert text is None or text in e.text, f"{e}: doesn't say '{text}'"
        return e
    raise AssertionError(f"not refused: {args} {values}: {result}")


def equal(got, expected, what=""):
    assert got == expected, f"{what}: got {repr(got)[:500]}, expected {repr(expected)[:500]}"


def unshare(flags):
    if LIBC.unshare(flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def setns(fd, kind=0):
    if LIBC.setns(fd, kind):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Child:
    """A process that runs `body(ready, go)`: it calls ready() when it is where it wants to be, and goes on when the
    parent has called go()."""

    def __init__(self, body):
        out_r, out_w = os.pipe()
        in_r, in_w = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(out_r)
            os.close(in_w)
            os._exit(self.inside(body, out_w, in_r))
        os.close(out_w)
        os.close(in_r)
        self.out, self.into = out_r, in_w

    @staticmethod
    def inside(body, out_w, in_r):
        def meet():
            os.write(out_w, b".")
            os.read(in_r, 1)

        try:
            body(meet)
        except Skip as e:
            os.write(out_w, f"S{e}".encode())
        except BaseException:
            os.write(out_w, traceback.format_exc().encode())
            return 1
        return 0

    def wait(self):
        """Until the child is ready."""
        self.check(os.read(self.out, 1 << 16))

    @staticmethod
    def check(said):
        if said.startswith(b"S"):
            raise Skip(said[1:].decode())
        assert said in (b".", b""), f"in the child:\n{said.decode()}"

    def go(self):
        os.write(self.into, b".")

    def end(self):
        said = b""
        while chunk := os.read(self.out, 1 << 16):
            said += chunk
        os.waitpid(self.pid, 0)
        os.close(self.out)
        os.close(self.into)
        self.check(said)


def enter_user_namespace():
    """Be root of a new user namespace, mapped to nobody outside, in a network namespace of its own."""
    uid, gid = 65534, 65534
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    # Changing the user made our files in /proc root's.
    LIBC.prctl(4, 1, 0, 0, 0)
    try:
        unshare(CLONE_NEWUSER | CLONE_NEWNET)
    except OSError as e:
        raise Skip(f"no user namespaces here: {e}") from e
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        fd = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(fd, text.encode())
        os.close(fd)


def public_key(private):
    """RFC 7748, section 5: X25519(private, 9), by the Montgomery ladder."""
    p = 2**255 - 19
    k = bytearray(private)
    k[0] &= 248
    k[31] = k[31] & 127 | 64
    k = int.from_bytes(k, "little")
    x2, z2, x3, z3, swap = 1, 0, 9, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb = d * a, c * b
        x3, z3 = (da + cb) ** 2 % p, 9 * (da - cb) ** 2 % p
        aa, bb = a * a % p, b * b % p
        e = aa - bb
        x2, z2 = aa * bb % p, e * (aa + 121665 * e) % p
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")
