"""What is not to be: each is refused with what to do, and touches nothing."""

import unittest

from harness import Region, until


class RefusesWell(unittest.TestCase):
    def test_a_bad_region_file_ends_serve_with_2_and_its_places(self):
        with Region(hosts=("podnet-a",), pair=False) as region:
            region.write_region(networks={"public_bridge": "a-name-that-is-too-long", "tenant": {"type": "vlam"}})
            code, said = region.refused()
            self.assertEqual(code, 2)
            self.assertIn("vlam", said)
            self.assertIn("a-name-that-is-too-long", said)
            self.assertRegex(said, r"region\.yaml:\d+:\d+: ")

    def test_a_host_whose_key_has_changed_is_not_spoken_to(self):
        with Region(hosts=("podnet-a", "podnet-b")) as region:
            config = region.write_region()
            config["hosts"][0]["host_key"], config["hosts"][1]["host_key"] = config["hosts"][1]["host_key"], config["hosts"][0]["host_key"]
            region.write_region(hosts=config["hosts"])
            region.start()
            until("the mismatch to be told", lambda: "host_key_mismatch" in str(region.get("/api/v1/hosts/podnet-a")), 30)
            self.assertEqual(region.namespaces("podnet-a"), set())
