"""What fails around the daemon, and the daemon itself: nothing is lost, nothing is done twice, the others go on."""

import os
import random
import threading
import time
import unittest

from harness import ROUTERS, Region, until


class AsksWhy(threading.Thread):
    """Asks `regent why` about routers, all the time; what is no sentence, where a daemon answered, stands in `wrong`."""

    def __init__(self, region):
        super().__init__(daemon=True)
        self.region, self.routers, self.known = region, ROUTERS, set()
        self.sentences, self.wrong = 0, []
        self.ended = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    def run(self):
        while not self.ended.wait(0.2):
            for router in self.routers:
                self.ask(router)

    def ask(self, router):
        answer = self.region.cli("why", f"virtual_router/{router}")
        if answer.returncode == 3:
            return  # no daemon
        if answer.returncode == 0:
            self.known.add(router)
            self.sentences += 1
        # One that is not in the journal yet is not well, by the exit code, and why not is still said.
        expected = answer.returncode == 0 or (answer.returncode == 1 and router not in self.known)
        said = answer.stdout if answer.returncode == 0 else answer.stderr
        if not expected or f"virtual_router/{router}" not in said or len(said.split()) < 4:
            self.wrong.append((answer.returncode, answer.stdout, answer.stderr))


class ComesBack(unittest.TestCase):
    def test_killed_at_50_random_moments_of_builds_and_scrubs_it_finishes_each(self):
        seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
        print(f"SEED={seed}", flush=True)
        moments = random.Random(seed)
        met_a_job, came_before_ready = [], []

        def killed_five_times_on_the_way_to(state, routers, hosts_have):
            def at_work_or_done():
                return region.open_jobs() or all(region.cloud_state(router) == state for router in routers)

            ready = True
            for again in (True, False, True, False, True):
                if ready:
                    until("something to be killed in", at_work_or_done)
                time.sleep(moments.uniform(0, 0.6) if ready else moments.uniform(0, 0.03))
                came_before_ready.append(not ready and not region.ready_line())
                region.kill()
                met_a_job.append(region.query_what_is_left("SELECT count(*) FROM job WHERE ended IS NULL") > [(0,)])
                ready = again
                region.start(wait=ready)
            region.until_state(state, *routers)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])
            names = {f"r{router}" for router in routers}
            for host in region.names:
                self.assertEqual(region.namespaces(host) & names, hosts_have)

        with Region() as region:
            region.start()
            with AsksWhy(region) as asker:
                for _ in range(5):
                    asker.routers = routers = [region.new_router() for _ in range(3)]
                    killed_five_times_on_the_way_to("running", routers, {f"r{router}" for router in routers})
                    for router in routers:
                        region.user("PATCH", f"virtual_router/{router}", {"state": 8})
                    killed_five_times_on_the_way_to("closed", routers, set())
            self.assertEqual(region.stop(), 0)
        print(f"{sum(met_a_job)} kills met an open job, {sum(came_before_ready)} a start; {asker.sentences} sentences", flush=True)
        self.assertEqual(len(met_a_job), 50)
        self.assertGreater(sum(met_a_job), 25)
        self.assertGreater(sum(came_before_ready), 0)
        self.assertEqual(asker.wrong, [])
        self.assertGreater(asker.sentences, 50)

    def test_told_to_stop_in_the_middle_it_stops_within_5_seconds_and_goes_on_later(self):
        def cloud_does_not_answer():
            region.cloud_fails({"kind": "slow", "delay_ms": 19000, "times": 0})
            region.until_met("slow")

        troubles = {
            "none, at once": lambda: None,
            "none, a little later": lambda: time.sleep(0.3),
            "a cloud that does not answer": cloud_does_not_answer,
            "neither does a host": lambda: (region.machine("cut", "podnet-a"), cloud_does_not_answer()),
        }
        with Region(records=None) as region:
            routers = []
            for trouble, bring in troubles.items():
                with self.subTest(trouble):
                    region.start()
                    routers.append(region.new_router())
                    region.until_at_work(routers[-1])
                    bring()
                    begun = time.monotonic()
                    self.assertEqual(region.stop(), 0)
                    self.assertLess(time.monotonic() - begun, 5)  # what SIGTERM promises, with TimeoutStopSec behind it
                region.cloud_is_well()
            region.machine("mend", "podnet-a")
            region.start()
            region.until_state("running", *routers)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])

    def test_sshd_that_dies_in_the_middle_of_runs_loses_nothing(self):
        with Region(records=None) as region:
            region.start()
            routers = []
            for _ in range(4):
                routers.append(region.new_router())
                region.until_at_work(routers[-1])
                # The host's processes are the test's own, in a namespace of their own: sessions are all sshd but the listener.
                region.on("podnet-a", "sh", "-c", 'for pid in $(pgrep -x sshd); do [ "$(ps -o ppid= -p "$pid")" -eq 1 ] || kill -KILL "$pid"; done', check=False)
            region.until_state("running", *routers)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])

    def test_a_standby_that_was_away_is_repaired_when_it_returns(self):
        with Region(policies={"wait_for_standby": "1s"}) as region:
            region.start()
            region.until_state("running", *ROUTERS)
            region.until_quiet()  # podnet-b may have been slow to come
            self.assertFalse(region.resource(2)["degraded"])
            region.machine("kill", "podnet-b")
            region.until_host("down", "podnet-b", seconds=20)
            region.add_rule(2, 4242)
            until("router 2 degraded", lambda: region.resource(2)["degraded"])
            self.assertEqual(region.cloud_state(2), "running")
            self.assertIn("podnet-b", region.why(2))
            region.machine("boot", "podnet-b")
            until("router 2 repaired", lambda: not region.resource(2)["degraded"], 60)
            self.assertIn("4242", region.rules("podnet-b", 2))
            until("the others rebuilt after the reboot", lambda: region.namespaces("podnet-b") >= {"r1", "r2", "r3"}, 60)
            region.until_quiet()

    def test_the_enabled_node_reboots_in_the_middle_of_a_build(self):
        with Region() as region:
            region.start()
            region.until_at_work()
            region.machine("reboot", "podnet-a")
            region.until_state("running", *ROUTERS, seconds=120)
            self.assertGreaterEqual(region.namespaces("podnet-b"), {"r1", "r2", "r3"})

    def test_a_host_that_reboots_while_the_cloud_is_away_is_built_again_when_that_is_back(self):
        with Region(records=None) as region:
            region.start()
            router = region.new_router()
            region.until_state("running", router)
            region.until_quiet()
            region.cloud_fails({"kind": "status", "status": 500, "path": "virtual_router", "times": 0})
            region.machine("reboot", "podnet-b")
            until("the record to be asked for in vain", lambda: f"record virtual_router/{router}" in region.problems())
            region.cloud_is_well()
            until("the router on the host again", lambda: f"r{router}" in region.namespaces("podnet-b"), 30)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])

    def test_a_router_that_its_user_quiesces_while_its_host_reboots_stands_on_both_hosts(self):
        with Region(records=None) as region:
            region.start()
            seen, unseen = region.new_router(), region.new_router()
            region.until_state("running", seen, unseen)
            region.until_quiet()
            region.machine("reboot", "podnet-b")
            region.user("PATCH", f"virtual_router/{seen}", {"state": 5})
            region.until_state("quiesced", seen)
            region.until_quiet()
            region.kill()
            region.machine("reboot", "podnet-b")
            region.user("PATCH", f"virtual_router/{unseen}", {"state": 5})
            region.start()
            region.until_state("quiesced", unseen)
            until("both routers on the host again", lambda: region.namespaces("podnet-b") >= {f"r{seen}", f"r{unseen}"}, 30)
            region.until_quiet()
            self.assertEqual(region.namespaces("podnet-a"), region.namespaces("podnet-b"))
            for router in (seen, unseen):
                self.assertNotEqual(region.rules("podnet-b", router), "")
            self.assertEqual(region.what_is_broken(), [])

    def test_a_cable_pulled_in_the_middle_of_runs_is_noticed_within_15_seconds_and_loses_nothing(self):
        with Region() as region:
            region.start()
            in_flight = "SELECT count(*) FROM step WHERE host = 'podnet-a' AND state = 'sent'"
            until("a step to be sent", lambda: region.query(in_flight) > [(0,)])
            region.machine("cut", "podnet-a")
            region.until_host("down", "podnet-a", seconds=15)
            self.assertGreater(region.query(in_flight), [(0,)])
            self.assertEqual(region.host("podnet-b")["state"], "up")
            self.assertTrue(any("podnet-a" in region.why(router) for router in ROUTERS))
            region.machine("mend", "podnet-a")
            region.until_state("running", *ROUTERS)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])
