"""A region's routers through their whole life, on real hosts."""

import json
import signal
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
        self.region.user("POST", "virtual_router/2/firewall_rules",
                         [{"protocol": "tcp", "source": "0.0.0.0/0", "destination": "10.2.1.99/32", "port": "4242"}])
        until("the rule on the host", lambda: "4242" in self.region.on("podnet-a", "ip", "netns", "exec", "r2", "nft", "list", "ruleset").stdout)
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
        status = self.region.get("/api/v1/status")
        self.assertTrue(status["ready"])
        for arguments in (["status"], ["resources"], ["jobs"], ["hosts"], ["locks"], ["why", "virtual_router/2"], ["actors"]):
            said = self.region.cli(*arguments)
            self.assertEqual(said.returncode, 0, said.stderr)
            self.assertTrue(said.stdout.strip())
        self.assertIn("running", self.region.cli("why", "virtual_router/2").stdout)
        job = self.region.get("/api/v1/jobs?resource=virtual_router/2")["rows"][0]["id"]
        self.assertIn("podnet-a", self.region.cli("job", str(job)).stdout)

    def test_8_a_bad_region_file_changes_nothing_and_says_why(self):
        with open(self.region.path("region.yaml")) as text:
            good = text.read()
        with open(self.region.path("region.yaml"), "w") as file:
            file.write(good.replace('"poll_interval": "250ms"', '"poll_interval": "soon"'))
        self.region.daemon.send_signal(signal.SIGHUP)
        until("the problem to be told", lambda: "soon" in str(self.region.get("/api/v1/status")["problems"]))
        self.assertEqual(len(self.region.get("/api/v1/hosts")["rows"]), 2)
        with open(self.region.path("region.yaml"), "w") as file:
            file.write(good)
        self.region.daemon.send_signal(signal.SIGHUP)
        until("the problem to be gone", lambda: "soon" not in str(self.region.get("/api/v1/status")["problems"]))
        self.region.user("PATCH", "virtual_router/2", {"state": 5})
        self.region.until_state("quiesced", 2)

    def test_9_a_second_daemon_on_the_same_journal_is_refused(self):
        first = self.region.daemon
        self.region.start(wait=False)
        self.assertEqual(self.region.daemon.wait(timeout=30), 1)
        self.region.daemon = first
        self.assertTrue(self.region.get("/api/v1/status")["ready"])
