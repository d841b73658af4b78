"""What operators say with the command line, on real hosts."""

import json
import unittest

from harness import Region, until

# mkdir in the place of the host's own: directory_main is a step of every router.
HANGING_MKDIR = "#!/bin/bash\ncase \"$*\" in *-r[0-9]*) trap '' TERM; sleep 603 & exec sleep 604 ;; esac\nexec /run/mkdir \"$@\"\n"


# The same tool fails, whatever it is asked for there.
FAILING_MKDIR = "#!/bin/bash\ncase \"$*\" in *-r[0-9]*) echo 'the disk is full' >&2; exit 3 ;; esac\nexec /run/mkdir \"$@\"\n"


class Operators(unittest.TestCase):
    def word(self, region, *arguments, expect=0):
        said = region.cli(*arguments, "--reason", "a test")
        self.assertEqual(said.returncode, expect, said.stdout + said.stderr)
        return said.stdout + said.stderr

    def test_a_cancelled_job_leaves_no_process_on_its_host_and_a_retry_builds_it(self):
        with Region(hosts=("podnet-a",), records=None, pair=False) as region:
            router = region.new_router()

            def on_host(command):
                return region.on("podnet-a", "sh", "-c", command, check=False).stdout

            with open(region.path("hosts/podnet-a/var-lib/mkdir"), "w") as script:
                script.write(HANGING_MKDIR)
            on_host("cp -L /usr/bin/mkdir /run/mkdir && chmod 755 /var/lib/mkdir && mount --bind /var/lib/mkdir /usr/bin/mkdir")
            region.start()
            until("the tool to hang", lambda: on_host("pgrep -f 'sleep 60[34]'"))
            job = region.open_jobs()[0]["id"]
            self.assertIn(f"job {job} is cancelled", self.word(region, "cancel", str(job)))
            until("no process of the run to be left", lambda: not on_host("pgrep -f 'sleep 60[34]'"), 10)
            region.until_state("unresourced", router)
            self.assertIn("a test: ", region.resource(router)["reason"])
            self.assertIn("its processes were ended", region.why(router))
            ended = region.get(f"/api/v1/jobs/{job}")
            self.assertEqual(ended["state"], "cancelled")
            self.assertIn("cancelled, and read back then", json.dumps(ended["steps"]))
            self.assertIn("has ended already: cancelled", self.word(region, "cancel", str(job), expect=1))
            self.assertIn("there is no job 4711", self.word(region, "cancel", "4711", expect=1))

            on_host("umount /usr/bin/mkdir")
            self.assertIn("asked for again: requested", self.word(region, "retry", f"virtual_router/{router}"))
            region.until_state("running", router)
            region.until_quiet()
            self.assertIn("lacks nothing", self.word(region, "retry", f"virtual_router/{router}", expect=1))
            self.assertEqual(region.what_is_broken(), [])

    def test_no_job_begins_on_a_cordoned_host_across_a_kill(self):
        with Region() as region:
            region.start()
            region.until_state("running", 2)
            region.until_quiet()
            self.assertIn("podnet-a is cordoned", self.word(region, "cordon", "podnet-a"))
            region.user("PATCH", "virtual_router/2", {"state": 5})
            for _ in range(2):
                until("the job to wait", lambda: "podnet-a to be uncordoned (root: a test)" in region.why(2))
                self.assertIn("cordoned: root: a test", region.cli("hosts").stdout)
                region.kill()
                region.start()
            self.assertIn("is open again", self.word(region, "uncordon", "podnet-a"))
            region.until_state("quiesced", 2)
            refused = region.cli("uncordon", "podnet-a", "--json")
            self.assertEqual((refused.returncode, json.loads(refused.stdout)["error"]["code"]), (1, "not_cordoned"))
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])

    def held(self, region, host):
        return self.on_host(region, host, "pgrep -f 'sleep 60[34]'")

    def on_host(self, region, host, command):
        return region.on(host, "sh", "-c", command, check=False).stdout

    def list_twice(self, region):
        for _ in range(2):
            last = region.get("/api/v1/status")["last_listing"]
            until("another listing", lambda: region.get("/api/v1/status")["last_listing"] not in (last, None))

    def hang_a_build(self, region, host):
        """A router whose build hangs on the host: its number, and its job's."""
        router = region.new_router()
        region.wrap(host, "mkdir", HANGING_MKDIR)
        until("the tool to hang", lambda: self.held(region, host))
        job = next(one["id"] for one in region.open_jobs() if one["resource"] == f"virtual_router/{router}")
        return router, job

    def test_a_host_is_drained_when_the_job_under_way_is_done_and_may_be_off_in_maintenance(self):
        with Region(records=None) as region:
            region.start()
            region.until_host("up", *region.podnet)
            router, job = self.hang_a_build(region, "podnet-b")
            before = region.cli("hosts", "--json").stdout.count('"service":"open"')
            self.assertIn("would: podnet-b is draining", self.word(region, "drain", "podnet-b", "--preview"))
            self.assertEqual(region.cli("hosts", "--json").stdout.count('"service":"open"'), before)
            said = self.word(region, "drain", "podnet-b")
            self.assertIn(f"job {job} (virtual_router/{router}) goes on to its end", said)
            region.kill()
            region.start()
            until("the drain to be known again", lambda: region.host("podnet-b").get("service") == "draining")
            self.assertTrue(self.held(region, "podnet-b"))
            region.unwrap("podnet-b", "mkdir")
            self.on_host(region, "podnet-b", "pkill -f 'sleep 60[34]'")
            region.until_state("running", router)
            waited = region.cli("drain", "podnet-b", "--wait", "--reason", "a test")
            self.assertEqual((waited.returncode, "podnet-b is empty" in waited.stdout), (0, True), waited)
            self.assertIn("host.drained", region.cli("events").stdout)
            self.word(region, "maintenance", "podnet-b", "--wait")
            region.machine("kill", "podnet-b")
            region.until_host("down", "podnet-b")
            self.assertEqual(region.problems(), {})
            self.assertIn("maintenance", region.cli("status").stdout)
            second = region.new_router()
            region.until_state("running", second)
            self.assertTrue(region.resource(second)["degraded"])
            region.machine("boot", "podnet-b")
            self.word(region, "uncordon", "podnet-b")
            until("the standby to have its share", lambda: not region.resource(second)["degraded"], 60)
            region.until_quiet()
            self.assertEqual(region.namespaces("podnet-b"), {f"r{router}", f"r{second}"})
            self.assertEqual(region.what_is_broken(), [])

    def test_a_host_that_is_killed_and_given_up_keeps_nobody_waiting_and_is_built_anew_once_attached(self):
        with Region(records=None) as region:
            region.start()
            region.until_host("up", *region.podnet)
            router, job = self.hang_a_build(region, "podnet-a")
            region.machine("kill", "podnet-a")
            region.until_host("down", "podnet-a")
            shown = self.word(region, "force-detach", "podnet-a")
            self.assertIn(f"would: podnet-a is given up: job {job} (virtual_router/{router}) ends", shown)
            self.assertEqual(region.host("podnet-a")["service"], "open")
            self.word(region, "force-detach", "podnet-a", "--yes")
            region.until_state("unresourced", router)
            self.assertEqual(region.get(f"/api/v1/jobs/{job}")["error"]["code"], "host_detached")
            self.assertEqual(region.query("SELECT count(*) FROM lease"), [(0,)])
            dead = region.cli("dead").stdout
            self.assertIn(f"regent retry virtual_router/{router}", dead)
            region.kill()
            region.machine("boot", "podnet-a")
            region.start()
            until("the host to be known as given up", lambda: region.host("podnet-a").get("service") == "detached")
            self.assertIn("is attached", self.word(region, "attach", "podnet-a"))
            region.until_host("up", "podnet-a")
            self.word(region, "retry", f"virtual_router/{router}")
            region.until_state("running", router)
            region.until_quiet()
            self.assertEqual(region.cli("dead").stdout, "")
            self.assertEqual(region.what_is_broken(may_fail=True), [])

    def test_a_dead_job_is_gone_on_with_from_its_step_and_another_is_marked_as_done(self):
        with Region(hosts=("podnet-a",), records=None, pair=False) as region:
            region.start()
            region.until_host("up", "podnet-a")
            region.wrap("podnet-a", "mkdir", FAILING_MKDIR)
            router = region.new_router()
            region.until_state("unresourced", router)
            dead = json.loads(region.cli("dead", "--json").stdout)["rows"][0]
            step, job = dead["step"]["number"], dead["job"]["id"]
            self.assertIn("the disk is full", dead["step"]["error"])
            self.assertGreater(step, 1)
            self.assertIn(f"regent retry virtual_router/{router} --from {step}", dead["words"])
            refused = region.cli("retry", f"virtual_router/{router}", "--from", str(step + 1))
            self.assertEqual((refused.returncode, f"job {job} has the steps 1 to" in refused.stderr), (1, True), refused)
            region.unwrap("podnet-a", "mkdir")
            before = len(region.runs_of("podnet-a"))
            self.assertIn(f"from step {step} of job {job}", self.word(region, "retry", f"virtual_router/{router}", "--from", str(step)))
            region.until_state("running", router)
            region.until_quiet()
            steps = dead["step"]["of"]
            self.assertEqual(len(region.runs_of("podnet-a")) - before, steps - step + 1)

            region.wrap("podnet-a", "mkdir", FAILING_MKDIR)
            second = region.new_router()
            region.until_state("unresourced", second)
            region.unwrap("podnet-a", "mkdir")
            job = json.loads(region.cli("dead", "--json").stdout)["rows"][0]["job"]["id"]
            before = len(region.runs_of("podnet-a"))
            self.assertIn("the cloud is told requested, building, running", self.word(region, "mark-done", str(job)))
            region.kill()
            region.start()
            region.until_state("running", second)
            region.until_quiet()
            self.assertEqual(len(region.runs_of("podnet-a")), before)
            self.assertIn("done: root: a test", region.cli("job", str(job)).stdout)

    def test_a_step_whose_outcome_nobody_knows_is_marked_as_done_and_the_job_goes_on(self):
        with Region(records=None) as region:
            region.start()
            region.until_host("up", *region.podnet)
            router, job = self.hang_a_build(region, "podnet-a")
            refused = region.cli("mark-done", str(job))
            self.assertEqual((refused.returncode, "is not stuck" in refused.stderr), (1, True), refused)
            region.machine("cut", "podnet-a")
            region.until_host("down", "podnet-a")
            until("the job to wait", lambda: "waits for podnet-a to return" in region.why(router))
            step = next(one for one in region.get(f"/api/v1/jobs/{job}")["steps"] if one["state"] == "sent")
            self.word(region, "mark-done", str(job))
            region.kill()
            region.start()
            marked = region.get(f"/api/v1/jobs/{job}")["steps"][step["index"]]
            self.assertEqual(marked["state"], "done")
            self.assertIn("marked as done: root: a test", marked["output"])
            region.unwrap("podnet-a", "mkdir")
            self.on_host(region, "podnet-a", "pkill -f 'sleep 60[34]'")
            region.machine("mend", "podnet-a")
            until("the job to end", lambda: region.get(f"/api/v1/jobs/{job}")["state"] not in ("active", "waiting"), 90)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(may_fail=True), [])

    def test_a_paused_router_waits_with_its_users_wish_across_a_kill(self):
        with Region() as region:
            region.start()
            region.until_state("running", 2)
            region.until_quiet()
            self.word(region, "pause", "virtual_router/2")
            region.user("PATCH", "virtual_router/2", {"state": 5})
            runs = region.runs_of("podnet-a")
            for _ in range(2):
                self.list_twice(region)
                self.assertEqual(region.runs_of("podnet-a"), runs)
                self.assertIn("it is paused (root: a test)", region.why(2))
                self.assertIn("paused (root: a test)", region.cli("resources").stdout)
                region.kill()
                region.start()
            self.word(region, "resume", "virtual_router/2")
            region.until_state("quiesced", 2)
            region.until_quiet()
            self.word(region, "release", "virtual_router/2")
            self.assertIn("regent does not look after it", region.why(2))
            self.word(region, "adopt", "virtual_router/2")
            until("the job to begin that takes it over", lambda: region.resource(2)["hold"] == "")
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])
