"""Everything is killed at random while users work: the daemon, sshd, hosts; the API stops answering. The hosts' own run logs are
the judge. KILLS=500 SEED=… makes it a soak; the same seed asks for the same things, though not at the same moments."""

import os
import random
import time
import unittest

from harness import Region, Timeout, until

KILLS = int(os.environ.get("KILLS", "30"))
ROUTERS_MOST = 5
PAUSES = (0.05, 1.2)  # seconds between two kills


class Chaos:
    def __init__(self, region, dice):
        self.region, self.dice = region, dice
        self.routers, self.ports, self.met = [], {}, {}

    # -- users

    def somebody_works(self):
        what = self.dice.choice((self.create, self.edit, self.edit, self.quiesce, self.restart, self.scrub))
        what()

    def alive(self):
        return [router for router in self.routers if self.region.cloud_state(router) != "closed"]

    def in_state(self, *states):
        return [router for router in self.routers if self.region.cloud_state(router) in states]

    def create(self):
        if len(self.alive()) < ROUTERS_MOST:
            router = self.region.new_router()
            self.routers.append(router)
            self.ports[router] = set()

    def edit(self):
        """At rest only: what is under way is not a user's to change in this cloud."""
        found = self.in_state("running")
        if found:
            router, port = self.dice.choice(found), self.dice.randrange(2000, 60000)
            self.region.add_rule(router, port)
            self.ports[router].add(port)

    def ask(self, states, wish):
        found = self.in_state(*states)
        if found:
            self.region.user("PATCH", f"virtual_router/{self.dice.choice(found)}", {"state": wish})

    def quiesce(self):
        self.ask(("running",), 5)

    def restart(self):
        self.ask(("quiesced",), 7)

    def scrub(self):
        if len(self.alive()) == ROUTERS_MOST:
            self.ask(("running", "quiesced"), 8)

    # -- bad luck

    def something_dies(self):
        what = self.dice.choice((self.daemon, self.daemon, self.daemon, self.sshd, self.host, self.cable, self.api))
        what()
        self.met[what.__name__] = self.met.get(what.__name__, 0) + 1

    def daemon(self):
        self.region.kill()
        time.sleep(self.dice.uniform(0, 0.3))
        self.region.start(wait=self.dice.random() < 0.7)

    def sshd(self):
        self.region.on(self.any_host(), "sh", "-c", 'for pid in $(pgrep -x sshd); do [ "$(ps -o ppid= -p "$pid")" -eq 1 ] || kill -KILL "$pid"; done', check=False)

    def host(self):
        self.region.machine("reboot", self.any_host())

    def cable(self):
        host = self.any_host()
        self.region.machine("cut", host)
        time.sleep(self.dice.uniform(0, 2))
        self.region.machine("mend", host)

    def api(self):
        """It answers nobody for a while. (Killed, the simulator would forget what users have declared.)"""
        self.region.cloud_fails({"kind": "status", "status": 500, "times": 0})
        time.sleep(self.dice.uniform(0, 2))
        self.region.cloud_is_well()

    def any_host(self):
        return self.dice.choice(self.region.names)

    # -- afterwards

    def settled(self):
        """Nothing is left to look after, and nothing begins by itself any more, such as what a reboot has undone."""
        for _ in range(4):
            if self.something_left():
                return False
            time.sleep(0.5)
        return True

    def something_left(self):
        """An operator looks after what has failed in bad times."""
        left = 0
        for row in self.region.get("/api/v1/resources?limit=1000")["rows"]:
            if row["state"] == "unresourced" or row["degraded"]:
                self.region.cli("retry", row["resource"], "--reason", "a test")
                left += 1
            left += row["state"] not in ("running", "quiesced", "closed")
        return left or self.region.open_jobs() or self.region.query("SELECT count(*) FROM report") != [(0,)]


class Kills(unittest.TestCase):
    def test_whatever_dies_in_the_end_hosts_cloud_and_journal_agree_and_nothing_was_done_twice(self):
        seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
        print(f"SEED={seed} KILLS={KILLS}", flush=True)
        dice = random.Random(seed)
        with Region(records=None, policies={"wait_for_standby": "2s"}) as region:
            region.start()
            chaos = Chaos(region, dice)
            for _ in range(KILLS):
                chaos.somebody_works()
                time.sleep(dice.uniform(*PAUSES))
                chaos.something_dies()
            until("the daemon to be ready", region.ready_line)
            region.port = int(region.ready_line().strip().rsplit(":", 1)[1].rstrip("/"))
            region.until_host("up", *region.names, seconds=90)
            try:
                until("everything at rest", chaos.settled, 240)
            except Timeout:
                print(region.cli("resources").stdout, region.cli("jobs", "--state", "open").stdout)
                raise
            print(f"met: {chaos.met}; {len(chaos.routers)} routers, {sum(len(region.runs_of(host)) for host in region.names)} runs", flush=True)
            self.assertEqual(region.what_is_broken(may_fail=True), [], region.query("SELECT * FROM lease"))
            for router in chaos.routers:
                gone = region.cloud_state(router) == "closed"
                for host in region.names:
                    self.assertEqual(f"r{router}" in region.namespaces(host), not gone, (router, host))
                    missing = set() if gone else {port for port in chaos.ports[router] if str(port) not in region.rules(host, router)}
                    self.assertEqual(missing, set(), (router, host))
            self.assertEqual(region.stop(), 0)
