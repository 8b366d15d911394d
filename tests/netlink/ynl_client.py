#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what the kernel says about mmesh devices as JSON, by way of the specification alone.

usage: ynl_client.py dev [DEV] | peer DEV [KEY] | stat [DEV]
Keys are in base64. With --secrets private and preshared keys are asked for as well.
"""

import base64
import json
import sys

from ynl import Netlink, Refused


def plain(value):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    return value


def run(nl, words, extra):
    what, rest = words[0], words[1:]
    if what == "dev":
        return [nl.do("dev-get", ifname=rest[0], **extra)] if rest else nl.dump("dev-get", **extra)
    if what == "stat":
        return [nl.do("stat-get", ifname=rest[0])] if rest else nl.dump("stat-get")
    if what == "peer" and rest:
        key = {"public_key": base64.b64decode(rest[1])} if len(rest) > 1 else {}
        return nl.peers(ifname=rest[0], **key, **extra)
    raise SystemExit(__doc__)


def main():
    words = [w for w in sys.argv[1:] if w != "--secrets"]
    if not words:
        raise SystemExit(__doc__)
    try:
        print(json.dumps(plain(run(Netlink(), words, {"secrets": True} if len(words) < len(sys.argv) - 1 else {}))))
    except Refused as e:
        sys.exit(f"ynl_client: {e}")


main()
