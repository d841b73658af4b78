"""What operators say with the command line: cancel, retry, cordon, on real hosts."""

import json
import unittest

from harness import Region, until

# mkdir in the place of the host's own: directory_main is a step of every router.
HANGING_MKDIR = "#!/bin/bash\ncase \"$*\" in *-r[0-9]*) trap '' TERM; sleep 603 & exec sleep 604 ;; esac\nexec /run/mkdir \"$@\"\n"


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
