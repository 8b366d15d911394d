# SPDX-License-Identifier: Apache-2.0
"""A device with 64,770 peers."""
CASES = ("peers65k-add", "peers65k-last-first", "peers65k-mem-idle",
         "peers65k-mem-active", "peers65k-tcp")


def measure(names, options, table, progress):
    pass
