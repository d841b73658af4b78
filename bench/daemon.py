#!/usr/bin/env python3
"""bench/daemon.py: what is measured on the whole daemon, on HOSTS real hosts (default 40). One line of JSON a measure.

  memory_mb        resident memory of the daemon with all hosts connected and three routers built
  start_ready_ms   from exec to the ready line, and as the daemon counts it, with ROUTERS (1000) routers in the journal
  poll_to_run_ms   change seen in the poll to first run sent, over CHANGES (60) edits of a firewall rule: p50, p99, worst
"""

import json
import os
import sqlite3
import sys
import time

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TREE, "test/integration"))
os.environ.setdefault("REGENT", os.path.join(TREE, "build/release/regent"))
os.environ.setdefault("TEST_HOSTS_SSHD", "-o MaxStartups=200")
from harness import Region, until  # noqa: E402

HOSTS = int(os.environ.get("HOSTS", 40))
ROUTERS = int(os.environ.get("ROUTERS", 1000))
CHANGES = int(os.environ.get("CHANGES", 60))


def told(**measure):
    print(json.dumps(measure), flush=True)


def memory_mb(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS:"))


def measure_memory(region):
    until("all hosts up", lambda: all(host["state"] == "up" for host in region.get("/api/v1/hosts?limit=1000")["rows"]), 120)
    region.until_state("running", 1, 2, 3, seconds=180)
    region.until_quiet()
    told(measure="memory_mb", hosts=HOSTS, value=round(memory_mb(region.daemon.pid), 1))


def measure_changes(region):
    spans = []
    for change in range(CHANGES):
        region.user("PUT", "virtual_router/2/firewall_rules",
                    [{"protocol": "tcp", "source": "0.0.0.0/0", "destination": "10.2.1.99/32", "port": str(1000 + change)}])
        jobs = change + 1

        def over():
            return region.query("SELECT count(*) FROM job WHERE what = 'update' AND state = 'succeeded'")[0][0] >= jobs

        until("the update", over, 60)
        spans.append(region.get("/api/v1/status")["poll_to_run_us"] / 1000)
    spans.sort()
    told(measure="poll_to_run_ms", changes=CHANGES, p50=spans[len(spans) // 2], p99=spans[min(len(spans) - 1, len(spans) * 99 // 100)], worst=spans[-1])


def measure_start(region):
    region.stop()
    database = sqlite3.connect(region.path("state/regent.db"))
    columns = [row[1] for row in database.execute("PRAGMA table_info(resource)")]
    body = database.execute("SELECT body FROM document LIMIT 1").fetchone()[0]
    model = dict(zip(columns, database.execute("SELECT * FROM resource WHERE id = '1'").fetchone()))
    for number in range(1000, 1000 + ROUTERS):
        row = {**model, "id": str(number)}
        database.execute(f"INSERT INTO resource ({','.join(columns)}) VALUES ({','.join('?' * len(columns))})", [row[name] for name in columns])
        database.execute("INSERT INTO document (kind, id, body) VALUES (?, ?, ?)", (row["kind"], row["id"], body))
    database.commit()
    database.close()
    begun = time.monotonic()
    region.start()
    outside = (time.monotonic() - begun) * 1000
    status = region.get("/api/v1/status")
    told(measure="start_ready_ms", routers=ROUTERS, from_exec=round(outside), by_itself=status["start_to_ready_ms"])


with Region(hosts=[f"host-{number}" for number in range(1, HOSTS + 1)]) as made:
    made.start()
    measure_memory(made)
    measure_changes(made)
    measure_start(made)
