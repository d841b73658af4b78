"""Throttles, hosts that decline new jobs, and schedules, on the real daemon and real hosts."""

import unittest

from harness import Region, until

# Every router's steps call mkdir: this one takes its time until it is let go.
SLOW_MKDIR = """#!/bin/bash
case "$*" in *-r[0-9]*) while [[ ! -e /run/go-on ]]; do sleep 0.1; done ;; esac
exec /run/mkdir "$@"
"""


class Throttles(unittest.TestCase):
    def word(self, region, *arguments):
        said = region.cli(*arguments)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        return said.stdout

    def waiting(self, region, for_what=""):
        return [one for one in region.open_jobs() if one["state"] == "waiting" and for_what in one["waits_for"]]

    def test_no_more_are_at_work_than_a_throttle_says_through_a_kill_and_a_reload_lets_more_in(self):
        with Region() as region:
            region.wrap("podnet-a", "mkdir", SLOW_MKDIR)
            region.write_region(throttles=[{"name": "few", "kind": "virtual_router", "at_once": 1}])
            region.start()
            waits = "throttle few: 1 of 1 at work"
            until("two of three to wait", lambda: len(self.waiting(region, waits)) == 2)
            for one in self.waiting(region, waits):
                self.assertIn(waits, region.why(one["resource"].split("/")[1]))
            until("the throttle to be shown", lambda: "1 of 1" in self.word(region, "throttles"))
            region.kill()
            region.start()
            until("two of three to wait again", lambda: len(self.waiting(region, waits)) == 2)
            region.reload(throttles=[{"name": "few", "kind": "virtual_router", "at_once": 2}])
            until("one to wait", lambda: len(self.waiting(region, waits)) == 1)
            row = until("the throttle's row", lambda: next(
                (one for one in region.get("/api/v1/throttles")["rows"] if one["at_once"] == 2), None))
            self.assertEqual((row["throttle"], row["kind"], row["working"], row["waiting"]), ("few", "virtual_router", 2, 1))
            region.on("podnet-a", "touch", "/run/go-on")
            region.until_state("running", 1, 2, 3)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])

    def test_a_host_whose_load_is_too_high_takes_no_new_jobs_until_it_falls(self):
        with Region(records=None) as region:
            region.on("podnet-a", "sh", "-c", "echo '7.25 3.00 1.00 2/345 6789' >/run/loadavg && mount --bind /run/loadavg /proc/loadavg")
            region.write_region(each={"podnet-a": {"load_most": 5}})
            region.start()
            until("the load to be known", lambda: region.host("podnet-a").get("load_hundredths") == 725, 20)
            router = region.new_router()
            until("the job to wait", lambda: self.waiting(region))
            declines = "its load is 7.25, and it takes jobs up to 5"
            self.assertEqual(self.waiting(region)[0]["waits_for"], f"podnet-a to take new jobs ({declines})")
            self.assertIn(f"declines new jobs: {declines}", self.word(region, "hosts"))
            region.on("podnet-a", "sh", "-c", "echo '0.50 3.00 1.00 2/345 6789' >/run/loadavg")
            region.until_state("running", router)
            topics = [one["topic"] for one in region.get("/api/v1/events?topic=host.%23")["rows"]]
            self.assertEqual([topics.count("host.declines"), topics.count("host.accepts")], [1, 1])
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])


class Schedules(unittest.TestCase):
    def fired(self, region):
        return [one["text"] for one in region.get("/api/v1/events?topic=schedule.fired")["rows"]]

    def test_a_schedule_fires_by_itself_and_at_a_word_once_each_through_kills_and_not_while_it_is_paused(self):
        with Region() as region:
            region.write_region(schedules=[{"name": "look", "cron": "* * * * *", "do": {"verb": "mend", "where": {"kind": "virtual_router"}}}])
            region.start()
            region.until_state("running", 1, 2, 3)
            # Before there was anything to mend it may have fired as well.
            until("it to fire by itself", lambda: [one for one in self.fired(region) if "nothing to do" not in one], 75)
            region.kill()
            region.start()
            row = region.get("/api/v1/schedules")["rows"][0]
            until("its job to end", lambda: region.get(f"/api/v1/jobs/{row['last_job']}")["state"] == "succeeded")
            self.assertEqual(len(set(self.fired(region))), len(self.fired(region)))
            self.assertEqual(region.cli("schedule", "pause", "look", "--reason", "a test").returncode, 0)
            region.kill()
            region.start()
            before = len(self.fired(region))
            self.assertIn("a test", region.cli("schedules").stdout)
            said = region.cli("schedule", "run", "look")
            self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
            until("the run that was asked for", lambda: len(self.fired(region)) == before + 1)
            region.until_quiet()
            self.assertEqual(len(self.fired(region)), before + 1)
            self.assertEqual(region.what_is_broken(), [])
