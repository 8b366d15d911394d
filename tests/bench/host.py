# SPDX-License-Identifier: Apache-2.0
"""Processor time of the kernel that runs this.

User-mode Linux does not know how much of it it used, so the host is asked:
scripts/bench runs hostcpu.py beside the kernel, which answers each file
`ask.N` in the directory $MMESH_BENCH_DIR with `answer.N`.
"""

import itertools
import os
import time

questions = itertools.count()


def seconds():
    """Processor seconds of this kernel's host processes until now."""
    base, number = os.environ["MMESH_BENCH_DIR"], next(questions)
    answer = f"{base}/answer.{number}"
    with open(f"{base}/ask.{number}", "w", encoding="ascii"):
        pass
    deadline = time.monotonic() + 10
    while not os.path.exists(answer):
        if time.monotonic() > deadline:
            raise RuntimeError("the host does not tell the processor time")
        time.sleep(0.005)
    with open(answer, encoding="ascii") as file:
        return float(file.read())


class Share:
    """Which share of a processor the kernel had since this was made."""

    def __init__(self):
        self.start, self.used = time.monotonic(), seconds()

    def get(self):
        """From 0 to 1."""
        return (seconds() - self.used) / (time.monotonic() - self.start)
