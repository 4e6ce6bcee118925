"""Runs a case in a new process and writes its CPU time and memory as JSON.

Arguments: a file descriptor for the output, the number of batches of warm calls, and of calls in
each. CPU time is user and system time of all threads since the start of the process.
"""

import sys
import time

started = time.perf_counter()

import case

ready = time.process_time()
status, body = case.call()
cold = time.process_time()
wall = time.perf_counter() - started

import json
from pathlib import Path

report_to, batches, calls = map(int, sys.argv[1:])
warm, warm_wall = [], []
for _ in range(batches):
    cpu, begun = time.process_time(), time.perf_counter()
    for _ in range(calls):
        case.call()
    warm.append((time.process_time() - cpu) / calls)
    warm_wall.append((time.perf_counter() - begun) / calls)
(peak,) = [
    line.split()[1]
    for line in Path("/proc/self/status").read_text("ascii").splitlines()
    if line.startswith("VmHWM:")
]
with open(report_to, "w", encoding="ascii") as report:
    json.dump(
        {
            "answer": [status, body],
            "cold_cpu_ms": cold * 1e3,
            "cold_wall_ms": wall * 1e3,
            "first_request_cpu_ms": (cold - ready) * 1e3,
            "warm_cpu_us": [value * 1e6 for value in warm],
            "warm_wall_us": [value * 1e6 for value in warm_wall],
            "peak_rss_mb": int(peak) / 1024,
        },
        report,
    )
