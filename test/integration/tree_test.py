"""Trees of jobs and words for many, on real hosts, through kills."""

import json
import re
import unittest

from harness import Region, until


class Trees(unittest.TestCase):
    def word(self, region, *arguments, expect=0):
        said = region.cli(*arguments)
        self.assertEqual(said.returncode, expect, said.stdout + said.stderr)
        return said.stdout + said.stderr

    def begun(self, said):
        return int(re.match(r"job (\d+)", said).group(1))

    def root(self, region, job):
        return region.get(f"/api/v1/jobs/{job}")

    def until_over(self, region, job):
        until(f"job {job} to end", lambda: self.root(region, job)["state"] not in ("queued", "waiting", "active"))
        return self.root(region, job)

    def order(self, region, text):
        with open(region.path("order.yaml"), "w") as file:
            file.write(text)
        return region.path("order.yaml")

    def test_a_word_for_many_is_shown_first_and_comes_to_its_end_through_kills(self):
        with Region() as region:
            region.start()
            region.until_state("running", 1, 2, 3)
            region.until_quiet()
            before = region.get("/api/v1/jobs")["total"]
            shown = self.word(region, "bulk", "mend", "--kind", "virtual_router")
            self.assertIn("mend virtual_router/2", shown)
            self.assertIn("nothing was done: say it again with --yes", shown)
            self.assertEqual(region.get("/api/v1/jobs")["total"], before)
            job = self.begun(self.word(region, "bulk", "mend", "--kind", "virtual_router", "--yes", "--reason", "a test"))
            for _ in range(3):
                region.kill()
                region.start()
            ended = self.until_over(region, job)
            self.assertEqual(ended["state"], "succeeded", json.dumps(ended))
            self.assertEqual([one["state"] for one in ended["branches"]], ["done"] * 3)
            below = region.get(f"/api/v1/jobs?root={job}")["rows"]
            self.assertLessEqual({one["job"] for one in ended["branches"]}, {one["id"] for one in below})
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])
            self.assertIn("there is nothing to do for: retry", self.word(region, "bulk", "retry", "--yes", expect=1))

    def test_a_tree_waits_for_a_host_that_is_away_and_goes_on_after_a_kill(self):
        with Region() as region:
            region.start()
            region.until_state("running", 1, 2, 3)
            region.until_quiet()
            path = self.order(
                region,
                "name: night\nbranches:\n"
                "- {name: up, wait: {event: host.up, of: host/podnet-b}, deadline: 5m}\n"
                "- {name: two, do: mend, resource: virtual_router/2, after: [up]}\n",
            )
            job = self.begun(self.word(region, "tree", path))
            until("the wait to begin", lambda: self.root(region, job)["branches"][0]["state"] == "started")
            self.assertIn("wait for host.up of host/podnet-b", self.root(region, job)["waits_for"])
            region.machine("cut", "podnet-b")
            region.until_host("down", "podnet-b")
            region.kill()
            region.start()
            self.assertEqual(self.root(region, job)["branches"][1]["state"], "planned")
            region.machine("mend", "podnet-b")
            ended = self.until_over(region, job)
            self.assertEqual([one["state"] for one in ended["branches"]], ["done", "done"], json.dumps(ended))
            self.assertIn("two", self.word(region, "job", str(job)))
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])

    def test_a_project_is_scrubbed_and_restored_through_a_kill(self):
        with Region() as region:
            for name, secret in (("user-password", "user-password"), ("user-key", "user-key")):
                with open(region.path(name), "w") as file:
                    file.write(secret + "\n")
            user = {"email": "user@sim.test", "password": {"file": region.path("user-password")},
                    "api_key": {"file": region.path("user-key")}}
            region.start()
            region.until_state("running", 1, 2, 3)
            region.until_quiet()
            project = region.resource(2)["project"]
            self.assertIn("say which", self.word(region, "bulk", "scrub", "--yes", expect=2))
            job = self.begun(self.word(region, "bulk", "scrub", "--project", project, "--yes"))
            ended = self.until_over(region, job)
            self.assertEqual(ended["state"], "failed", json.dumps(ended))
            self.assertIn("names no account for that (cloud.user)", json.dumps(ended["branches"]))
            region.reload(cloud={"user": user})
            shown = self.word(region, "bulk", "scrub", "--project", project)
            self.assertIn("scrub virtual_router/2", shown)
            self.assertNotIn("virtual_router/1", shown)
            job = self.begun(self.word(region, "bulk", "scrub", "--project", project, "--yes"))
            region.kill()
            region.start()
            self.assertEqual(self.until_over(region, job)["state"], "succeeded")
            region.until_state("scrub_queue", 2)
            job = self.begun(self.word(region, "bulk", "restore", "--project", project, "--yes"))
            ended = self.until_over(region, job)
            self.assertEqual(ended["state"], "succeeded", json.dumps(ended))
            self.assertEqual(ended["branches"][0]["job"], region.get(f"/api/v1/jobs?root={job}")["rows"][0]["id"])
            region.until_state("running", 1, 2, 3)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(may_fail=True), [])  # the refused one

    def test_what_makes_no_sense_is_refused_with_its_place(self):
        with Region(hosts=("podnet-a",), pair=False) as region:
            region.start()
            region.until_state("running", 1)
            region.until_quiet()
            circle = self.order(
                region,
                "name: x\nbranches:\n- {name: a, do: mend, resource: virtual_router/1, after: [b]}\n"
                "- {name: b, do: mend, resource: virtual_router/1, after: [a]}\n",
            )
            self.assertIn("in a circle", self.word(region, "tree", circle, expect=2))
            unknown = self.order(region, "name: x\nbranches:\n- {name: a, do: mend, resource: virtual_router/99}\n")
            self.assertIn("there is no virtual_router/99 here", self.word(region, "tree", unknown, expect=1))
            self.assertIn("cannot read", self.word(region, "tree", region.path("nothing"), expect=2))
            waits = self.order(region, "name: x\nbranches:\n- {name: a, wait: {resource: virtual_router/1, state: closed}}\n")
            job = self.begun(self.word(region, "tree", waits))
            self.assertIn("is cancelled", self.word(region, "cancel", str(job)))
            self.assertEqual(self.until_over(region, job)["state"], "cancelled")
            self.assertIn("has ended already", self.word(region, "cancel", str(job), expect=1))


if __name__ == "__main__":
    unittest.main()
