"""A kind of an operator's own, for the cloud's volumes, on a real host: its whole life, and what is undone when it fails."""

import os
import unittest

from harness import TREE, Region, until

HOST = "kvm-1"
# rm in the place of the host's own, which the undoing of a volume's file calls: it waits until it is let go.
SLOW_RM = """#!/bin/sh
case "$*" in */volume)
  echo "$*" >>/run/removals
  while [ ! -e /run/go-on ]; do sleep 0.05; done ;;
esac
exec /run/rm "$@"
"""


class VolumeRegion(Region):
    def __init__(self):
        super().__init__(hosts=("podnet-a", HOST), records=None, pair=False)

    def __enter__(self):
        super().__enter__()
        self.write_region(kinds=[os.path.join(TREE, "test/data/volumes")])
        self.project = self.user("POST", "projects", {"name": "shop", "router": {"subnets": [{"name": "lan", "address": "10.1.1.1/24"}]}})["content"]["id"]
        return self

    def new_volume(self, gigabytes):
        made = self.user("POST", "ceph", {"project_id": self.project, "name": "data",
                                          "specs": [{"sku": "CEPH_001", "quantity": gigabytes}]})
        return f"ceph/{made['content']['id']}"

    def until_volume(self, state, volume):
        def states():
            cloud = {row["id"]: row["state"] for row in self.user("GET", "state")["resources"]}[volume]
            return cloud == state and self.get(f"/api/v1/resources/{volume}").get("state") == state
        until(f"{volume} {state}", states)

    def size(self, volume):
        said = self.on(HOST, "stat", "-c", "%s", f"/var/lib/volumes/{volume[5:]}/volume", check=False).stdout
        return int(said) if said else None

    def exported(self, volume):
        return self.on(HOST, "cat", f"/var/lib/exports/{volume[5:]}", check=False).stdout.strip()

    def is_there(self, volume):
        return self.on(HOST, "test", "-e", f"/var/lib/volumes/{volume[5:]}", check=False).returncode == 0

    def last_job(self, volume):
        return self.get(f"/api/v1/jobs?resource={volume}")["rows"][0]


class OperatorsKind(unittest.TestCase):
    def test_a_volume_of_the_cloud_is_built_grown_and_scrubbed_by_a_kind_of_the_operators(self):
        with VolumeRegion() as region:
            region.on(HOST, "mkdir", "/var/lib/exports")
            region.start()
            volume = region.new_volume(2)
            region.until_volume("running", volume)
            self.assertEqual(region.size(volume), 2 << 30)
            self.assertEqual(region.exported(volume), f"/var/lib/volumes/{volume[5:]}/volume")
            self.assertEqual(region.get(f"/api/v1/resources/{volume}")["project"], str(region.project))

            region.user("PATCH", volume, {"CEPH_001": 5})
            region.until_volume("running", volume)
            until("the volume to have grown", lambda: region.size(volume) == 5 << 30)
            region.until_volume("running", volume)

            region.user("PATCH", volume, {"state": 5})
            region.until_volume("quiesced", volume)
            self.assertEqual((region.size(volume), region.exported(volume)), (5 << 30, ""))
            region.user("PATCH", volume, {"state": 7})
            region.until_volume("running", volume)
            self.assertNotEqual(region.exported(volume), "")

            region.user("DELETE", volume)
            region.until_volume("closed", volume)
            self.assertFalse(region.is_there(volume))
            self.assertEqual(region.exported(volume), "")
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])
            self.assertEqual(region.problems(), {})

    def test_a_volume_that_fails_for_good_is_undone_on_its_host_and_built_whole_by_a_retry(self):
        with VolumeRegion() as region:
            region.start()
            volume = region.new_volume(2)
            region.until_volume("unresourced", volume)
            region.until_quiet()
            job = region.last_job(volume)
            self.assertEqual(job["state"], "failed")
            steps = region.get(f"/api/v1/jobs/{job['id']}")["steps"]
            self.assertEqual([(one["primitive"], one["verb"], one["state"]) for one in steps],
                             [("directory_main", "build", "done"), ("volume_file", "build", "done"), ("volume_export", "build", "failed"),
                              ("volume_export", "scrub", "done"), ("volume_file", "scrub", "done"), ("directory_main", "scrub", "done")])
            why = region.cli("why", volume).stdout
            self.assertIn("there is no /var/lib/exports on this host", why)
            self.assertIn("undone: 3 of 3 steps", why)
            self.assertFalse(region.is_there(volume))

            region.on(HOST, "mkdir", "/var/lib/exports")
            refused = region.cli("retry", volume, "--from", "3")
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("has undone its steps", refused.stdout + refused.stderr)
            done = region.cli("retry", volume)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            region.until_volume("running", volume)
            self.assertEqual(region.size(volume), 2 << 30)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(may_fail=True), [])

    def test_an_undoing_goes_on_after_a_kill_and_does_nothing_twice(self):
        with VolumeRegion() as region:
            region.wrap(HOST, "rm", SLOW_RM)
            region.start()
            volume = region.new_volume(2)
            until("the undoing to be at the volume's file", lambda: region.on(HOST, "cat", "/run/removals", check=False).stdout)
            self.assertIsNotNone(region.size(volume))
            region.kill()
            region.on(HOST, "touch", "/run/go-on")
            region.start()
            region.until_volume("unresourced", volume)
            region.until_quiet()
            self.assertFalse(region.is_there(volume))
            self.assertIn("undone: 3 of 3 steps", region.last_job(volume)["error"]["message"])
            history = region.on(HOST, "sh", "-c", "cat /var/lib/regent-host/*/history").stdout.splitlines()
            self.assertEqual([line.split()[4] for line in history], ["build"] * 3 + ["scrub"] * 3)
            self.assertEqual(region.what_is_broken(may_fail=True), [])

    def test_hostile_values_in_a_volumes_record_reach_no_host(self):
        with VolumeRegion() as region:
            region.on(HOST, "mkdir", "/var/lib/exports")
            hostile, named = region.new_volume(1), region.new_volume(1)
            region.user("PATCH", hostile, {"raw": {"specs": [{"sku": "CEPH_001", "quantity": '1$(touch /var/lib/pwned)'}]}})
            region.user("PATCH", named, {"raw": {"name": 'x"; touch /var/lib/pwned; $(touch /var/lib/pwned2)'}})
            region.start()
            region.until_volume("unresourced", hostile)
            region.until_volume("running", named)
            self.assertIn("gigabytes", region.cli("why", hostile).stdout)
            steps = region.get(f"/api/v1/jobs/{region.last_job(named)['id']}")["steps"]
            self.assertIn("""(x"; touch /var/lib/pwned; $(touch /var/lib/pwned2))""", steps[1]["about"])
            self.assertFalse(region.is_there(hostile))
            self.assertEqual(region.on(HOST, "sh", "-c", "ls /var/lib | grep pwned", check=False).stdout, "")
