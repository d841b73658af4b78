"""A cloud that fails, lies, forgets, and changes its mind: it delays, it stops nobody, and no nonsense is ever acted on."""

import unittest

from harness import ROUTERS, Region, until

SUBNET = {"id": 9001, "name": "lan", "address_range": "10.66.1.1/24", "vlan": 3001, "vxlan": 200, "address_id": 1, "modified_by": 2}
RULE = {"id": 9101, "order": 0, "allow": True, "debug_logging": False, "pci_logging": False, "description": "", "protocol": "tcp",
        "source": "0.0.0.0/0", "destination": "10.66.1.0/24", "port": "443"}

# What the cloud answers instead, and the field that is to be named.
NONSENSE = {
    "a rule's id twice": ({"firewall_rules": [RULE, {**RULE, "order": 1, "port": "444"}]}, "firewall_rules.1.id"),
    "a subnet's id twice": ({"subnets": [SUBNET, {**SUBNET, "address_range": "10.66.2.1/24", "vlan": 3002}]}, "subnets.1.id"),
    "ranges that overlap": ({"subnets": [SUBNET, {**SUBNET, "id": 9002, "address_range": "10.66.0.1/16", "vlan": 3002}]}, "subnets.1.address_range"),
    "a range over the public one": ({"subnets": [{**SUBNET, "address_range": "203.0.0.1/16"}]}, "subnets.0.address_range"),
    "a range that is none": ({"subnets": [{**SUBNET, "address_range": "10.66.1.1/33"}]}, "subnets.0.address_range"),
    "a network for an address": ({"subnets": [{**SUBNET, "address_range": "10.66.1.0/24"}]}, "subnets.0.address_range"),
    "ports that are backwards": ({"firewall_rules": [{**RULE, "port": "90-80"}]}, "firewall_rules.0.port"),
    "a text for a list": ({"subnets": "x"}, "subnets"),
    "a number for a text": ({"firewall_rules": [{**RULE, "port": 443}]}, "firewall_rules.0.port"),
    "a list for an object": ({"project": []}, "project"),
    "a text for the state": ({"state": "1"}, "state"),
    "a state that is none": ({"state": 77}, "state"),
    "10 MB": ({"subnets": [{**SUBNET, "name": "x" * 10_000_000}]}, "subnets.0.name"),
}

LOGIN, POLL, NAT = ({"path": path} for path in ("auth/login", "run_robot", "ip_address"))
RECORD, REPORT = ({"path": "virtual_router", "method": method} for method in ("GET", "PATCH"))
FAULTS = [
    {**LOGIN, "kind": "status", "status": 500},
    {**LOGIN, "kind": "garbage"},
    {**POLL, "kind": "status", "status": 401},
    {**POLL, "kind": "status", "status": 429},
    {**POLL, "kind": "garbage"},
    {**POLL, "kind": "drop"},
    {**RECORD, "kind": "status", "status": 401},
    {**RECORD, "kind": "truncated", "times": 2},
    {**RECORD, "kind": "garbage", "times": 2},
    {**RECORD, "kind": "drop"},
    {**NAT, "kind": "truncated"},
    {**NAT, "kind": "slow", "delay_ms": 2000, "times": 2},
    {**REPORT, "kind": "status", "status": 401},
    {**REPORT, "kind": "status", "status": 429},
    {**REPORT, "kind": "status", "status": 500},
    {**REPORT, "kind": "lost_reply", "times": 2},
    {**REPORT, "kind": "lost_update", "times": 2},
    {**REPORT, "kind": "drop"},
    {"kind": "expire_tokens"},
]


class CloudFails(unittest.TestCase):
    def test_a_cloud_that_fails_in_every_way_delays_and_loses_nothing(self):
        with Region() as region:
            region.cloud_fails(*FAULTS)
            region.start()
            until("the cloud's problem to be told", lambda: "cloud" in region.problems())
            region.until_state("running", *ROUTERS)
            until("every fault to be met", lambda: region.faults_left() == [])
            region.until_quiet()
            until("no problem to be left", lambda: region.problems() == {})
            self.assertEqual(region.what_is_broken(), [])

    def test_a_cloud_that_is_gone_in_the_middle_and_comes_back_with_old_states_is_caught_up_with(self):
        with Region() as region:
            region.start()
            until("the cloud to hear of a build", lambda: region.cloud_state(2) == "building")
            region.simulator.kill()
            region.simulator.wait()
            until("the cloud's problem to be told", lambda: "connect" in region.problems().get("cloud", ""))
            self.assertTrue(region.why(2).strip())
            region.start_simulator()
            region.until_state("running", *ROUTERS)
            region.until_quiet()
            until("no problem to be left", lambda: region.problems() == {})
            self.assertEqual(region.what_is_broken(), [])
            self.assertEqual(region.faults_left(), [])


class CloudSpeaksOddly(unittest.TestCase):
    def test_records_that_make_no_sense_are_named_and_stop_nobody_and_one_that_changes_meanwhile_is_built_as_it_is_then(self):
        with Region() as region:
            bent = {}
            for what, (fields, named) in NONSENSE.items():
                router = region.new_router()
                region.bend(router, **fields)
                bent[router] = what, named
            region.start()
            region.until_at_work(2)
            region.add_rule(2, 4242)
            self.assertNotEqual(region.cloud_state(2), "running")
            region.until_state("running", *ROUTERS)
            for host in region.names:
                until(f"the new rule on {host}", lambda h=host: "4242" in region.rules(h, 2))

            def told(router):
                return [text for about, text in region.problems().items() if about.endswith(f"virtual_router/{router}")]

            for router, (what, named) in bent.items():
                with self.subTest(what):
                    until(f"virtual_router/{router} to be named", lambda: told(router), 10)
                    self.assertIn(f" {named} ", " ".join(told(router)).replace(":", " "))
                    self.assertNotIn(f"r{router}", region.namespaces("podnet-a"))
            mended = list(bent)[-2:]
            for router in mended:
                region.bend(router)
            region.until_state("running", *mended)
            until("these problems to be gone", lambda: not any(told(router) for router in mended))
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])
