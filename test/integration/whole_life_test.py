"""A region's routers through their whole life, on real hosts."""

import json
import unittest

from harness import ROUTERS, Region, until


def addresses(region, host, router):
    """(interface index, name, MAC, addresses): what an edit must leave alone. Link-local addresses are the kernel's, and
    tentative for a second after their link comes up."""
    interfaces = json.loads(region.on(host, "ip", "-n", f"r{router}", "-j", "addr").stdout)
    return [(interface["ifindex"], interface["ifname"], interface["address"],
             [(address["local"], address["prefixlen"]) for address in interface["addr_info"] if address["scope"] != "link"])
            for interface in interfaces]


def links(region, host, router):
    return region.on(host, "ip", "-n", f"r{router}", "-br", "link", check=False).stdout


class BuildsAndChanges(unittest.TestCase):
    """One region through a router's whole life."""

    @classmethod
    def setUpClass(cls):
        cls.region = Region()
        cls.region.__enter__()
        try:
            cls.region.start()
            cls.region.until_state("running", *ROUTERS)
        except BaseException:
            cls.region.tell()
            cls.region.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.region.close()

    def test_1_every_declared_router_stands_on_both_nodes(self):
        for host in self.region.names:
            self.assertGreaterEqual(self.region.namespaces(host), {f"r{router}" for router in ROUTERS})
        self.region.until_quiet()
        self.assertEqual(self.region.query("SELECT count(*) FROM lease"), [(0,)])

    def test_2_the_outside_world_reaches_the_public_address_of_the_enabled_node(self):
        until("a ping of 203.0.113.12", lambda: self.region.outside("ping", "-n", "-c1", "-W1", "203.0.113.12", check=False).returncode == 0, 20)

    def test_3_a_rule_that_is_edited_is_in_force_and_nothing_else_moves(self):
        before = addresses(self.region, "podnet-a", 2)
        self.region.add_rule(2, 4242)
        until("the rule on the host", lambda: "4242" in self.region.rules("podnet-a", 2))
        self.region.until_state("running", 2)
        self.assertEqual(before, addresses(self.region, "podnet-a", 2))
        self.region.until_quiet()

    def test_4_quiesce_update_while_quiesced_and_restart(self):
        self.region.user("PATCH", "virtual_router/1", {"state": 5})
        self.region.until_state("quiesced", 1)
        self.region.user("PATCH", "virtual_router/1", {"state": 7})
        self.region.until_state("running", 1)

    def test_5_a_scrub_can_be_undone_from_the_queue(self):
        self.region.user("PATCH", "virtual_router/1", {"state": 8})
        self.region.until_state("scrub_queue", 1)
        self.assertIsNotNone(self.region.resource(1)["due"])
        self.region.user("PATCH", "virtual_router/1", {"state": 7})
        self.region.until_state("running", 1)
        self.assertIn("r1", self.region.namespaces("podnet-a"))

    def test_6_a_scrub_without_grace_removes_everything_from_both_nodes(self):
        self.region.user("PATCH", "virtual_router/3", {"state": 8})
        self.region.until_state("closed", 3)
        for host in self.region.names:
            self.assertNotIn("r3", self.region.namespaces(host))

    def test_7_what_it_shows_agrees_with_what_it_did(self):
        self.assertTrue(self.region.get("/api/v1/status")["ready"])
        job = str(self.region.get("/api/v1/jobs?resource=virtual_router/2")["rows"][0]["id"])
        commands = {"status": "ready", "resources": "virtual_router/2", "resources virtual_router/2": "running", "jobs": job, f"job {job}": "podnet-a",
                    "hosts": "podnet-b", "hosts podnet-a": "up", "locks": "", "why virtual_router/2": "running", "actors": "journal"}
        for command, shown in commands.items():
            with self.subTest(command):
                for_people, for_programs = self.region.cli(*command.split()), self.region.cli(*command.split(), "--json")
                self.assertEqual((for_people.returncode, for_programs.returncode), (0, 0), for_people.stderr + for_programs.stderr)
                self.assertTrue(for_people.stdout.strip())
                self.assertIn(shown, for_people.stdout)
                self.assertIsInstance(json.loads(for_programs.stdout), dict)
                self.assertIn(shown, for_programs.stdout)

    def test_8_a_bad_region_file_changes_nothing_and_says_why(self):
        self.region.reload(cloud={"poll_interval": "soon"})
        self.assertIn("soon", self.region.problems()["config"])
        self.assertEqual(len(self.region.get("/api/v1/hosts")["rows"]), 2)
        self.region.reload()
        self.assertNotIn("config", self.region.problems())
        self.region.user("PATCH", "virtual_router/2", {"state": 5})
        self.region.until_state("quiesced", 2)

    def test_9_a_second_daemon_on_the_same_journal_is_refused(self):
        code, said = self.region.refused()
        self.assertEqual(code, 1)
        for word in ("journal_locked", f"process {self.region.daemon.pid}", self.region.path("state/regent.db"), "stop it first"):
            self.assertIn(word, said)
        self.assertTrue(self.region.get("/api/v1/status")["ready"])
