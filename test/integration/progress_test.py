"""How far a long step is: from a run's own words on a real host to whoever looks."""

import os
import unittest

from harness import TREE, Region, until

# mkdir in the place of the host's own, which directory_main, a step of every router, calls: it says how far it is, as any
# program of a run may that has the library of primitives, until it is let go.
TELLING_MKDIR = """
case "$*" in *-r[0-9]*)
  while [[ ! -e /run/go-on ]]; do
    progress "$(cat /run/percent 2>/dev/null || echo 40)" $'copying\x1b[2J blocks'
    sleep 0.1
  done ;;
esac
exec /run/mkdir "$@"
"""


class Progress(unittest.TestCase):
    def test_what_a_run_says_of_how_far_it_is_is_shown_everywhere_and_outlives_the_daemon(self):
        with Region(hosts=("podnet-a",), records=None, pair=False) as region:
            router = region.new_router()
            with open(os.path.join(TREE, "primitives/library.sh")) as library:
                region.wrap("podnet-a", "mkdir", library.read() + TELLING_MKDIR)
            region.start()

            def step():
                job = region.open_jobs()[0]["id"]
                return next((one for one in region.get(f"/api/v1/jobs/{job}")["steps"] if one["progress"]), None)

            told = until("the progress of the step", lambda: region.open_jobs() and step())
            self.assertEqual((told["state"], told["primitive"]), ("sent", "directory_main"))
            self.assertEqual((told["progress"]["percent"], told["progress"]["words"]), (40, "copying [2J blocks"))
            self.assertGreaterEqual(told["progress"]["age_ms"], 0)
            job = region.open_jobs()[0]["id"]
            self.assertIn("40 %: copying [2J blocks, ", region.cli("job", str(job)).stdout)
            self.assertIn("40 %: copying [2J blocks, ", region.why(router))
            actor = region.get("/debug/actors?type=lifecycle")["rows"][0]
            self.assertIn("40 %: copying [2J blocks, ", actor["state"])

            region.kill()
            region.on("podnet-a", "sh", "-c", "echo 80 >/run/percent")
            region.start()
            until("the newest word after a restart", lambda: (step() or told)["progress"]["percent"] == 80)
            region.on("podnet-a", "touch", "/run/go-on")
            region.until_state("running", router)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])
            self.assertNotIn("copying", str(region.query("SELECT output, error FROM step")))
            runs = region.path("hosts/podnet-a/var-lib/regent-host/test/runs")
            until("the host to have forgotten its runs", lambda: not os.listdir(runs), 20)
