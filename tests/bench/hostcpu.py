# SPDX-License-Identifier: Apache-2.0
"""Tells processor times to the kernel under test, which cannot know them.

usage: hostcpu.py DIRECTORY PID

Each file DIRECTORY/ask.N is answered by DIRECTORY/answer.N: the seconds that
all descendants of PID, the ended ones included, have used. Ends with PID.
"""

import os
import sys
import time

TICK = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat, counted after the name in parentheses.
PPID, TIMES = 1, slice(11, 15)


def processes():
    """pid -> (parent, seconds)."""
    out = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        out[int(name)] = int(fields[PPID]), sum(map(int, fields[TIMES])) / TICK
    return out


def used_below(root):
    """Seconds of the root's descendants."""
    table = processes()
    children = {}
    for pid, (parent, _) in table.items():
        children.setdefault(parent, []).append(pid)
    total, todo = 0, list(children.get(root, []))
    while todo:
        pid = todo.pop()
        total += table[pid][1]
        todo += children.get(pid, [])
    return total


def main():
    """Answer until the root process is gone."""
    base, root = sys.argv[1], int(sys.argv[2])
    while os.path.exists(f"/proc/{root}"):
        for name in os.listdir(base):
            if not name.startswith("ask."):
                continue
            new = f"{base}/new"
            with open(new, "w", encoding="ascii") as file:
                file.write(f"{used_below(root):.2f}\n")
            os.unlink(f"{base}/{name}")
            os.rename(new, f"{base}/answer.{name[4:]}")
        time.sleep(0.005)


main()
