"""CPU and memory are those of the tree: children count, also once they have ended, and skipped ones do not."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from gym_llm.bench.usage import PeakMemory, cpu, process_cpu, pss, tree

BUSY = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"


def busy():
    child = subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    child.stdout.readline()
    return child


def end(child):
    child.communicate("\n", timeout=30)


def test_own_cpu_is_what_the_clock_says():
    before = time.process_time()
    measured = process_cpu(os.getpid()) - sum(os.times()[2:4])
    assert before - 0.05 <= measured <= time.process_time() + 0.05


def test_children_count_living_and_ended():
    before = cpu()
    child = busy()
    assert child.pid in tree()
    assert cpu() - before >= 0.3
    end(child)
    assert child.pid not in tree()
    assert cpu() - before >= 0.28  # what has ended is known to clock ticks


def test_skipped_processes_do_not_count():
    child = busy()
    try:
        assert child.pid not in tree(skip=(child.pid,))
        assert pss() > pss(skip=(child.pid,)) > 0
    finally:
        end(child)


def test_a_process_that_is_gone_costs_nothing():
    child = busy()
    end(child)
    assert process_cpu(child.pid) == 0.0


def test_peak_memory_sees_what_is_let_go_again():
    before = pss()
    with PeakMemory() as peak:
        block = b"x" * (64 << 20)
        time.sleep(0.5)
        del block
    assert peak.megabytes >= before + 50
    assert peak.pid not in tree()
