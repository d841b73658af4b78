"""The journal's file, and the disk below it: damage is refused and touched by nobody, a full disk is waited out."""

import hashlib
import os
import shutil
import unittest

from harness import ROUTERS, Region, until

PAGE = 2048


def overwrite(path, first, last=None):
    """Garbage instead of these bytes; negative ones count from the end."""
    size = os.path.getsize(path)
    first, last = first % size, size if last is None else last % size
    with open(path, "r+b") as file:
        file.seek(first)
        file.write(b"\xa5" * (last - first))


def replace(path, content):
    with open(path, "wb") as file:
        file.write(content)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


DAMAGE = {
    "the last pages overwritten": lambda path: overwrite(path, -4 * PAGE),
    "all but the first page overwritten": lambda path: overwrite(path, PAGE),
    "the first page's rows overwritten": lambda path: overwrite(path, 200, PAGE),
    "the header overwritten": lambda path: overwrite(path, 0, 100),
    "the second half cut off": lambda path: os.truncate(path, os.path.getsize(path) // (2 * PAGE) * PAGE),
    "a text, not a database": lambda path: replace(path, b"region: test\nhosts: []\n" * 1000),
}


class Journal(unittest.TestCase):
    def test_a_damaged_file_is_refused_with_what_to_do_and_left_as_it_is(self):
        with Region(hosts=("podnet-a",), pair=False) as region:
            region.start()
            region.until_state("running", *ROUTERS)
            region.until_quiet()
            self.assertEqual(region.stop(), 0)
            file, good = region.path("state/regent.db"), region.path("good.db")
            self.assertEqual(region.query("PRAGMA page_size"), [(PAGE,)])
            shutil.copy(file, good)
            for what, damage in DAMAGE.items():
                with self.subTest(what):
                    shutil.copy(good, file)
                    damage(file)
                    before = digest(file)
                    code, said = region.refused()
                    self.assertEqual(code, 1)
                    for word in ("journal_corrupt", file, "damaged", "regent journal restore"):
                        self.assertIn(word, said)
                    self.assertEqual(digest(file), before)
            shutil.copy(good, file)
            region.start()
            region.add_rule(2, 4242)
            until("an update after the copy was restored", lambda: "4242" in region.rules("podnet-a", 2))
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])

    def test_a_disk_that_fills_up_in_the_middle_stops_work_is_told_and_loses_nothing(self):
        with Region() as region:
            region.small_disk("state", "16m")
            region.start()
            region.until_at_work()
            with open(region.path("state/ballast"), "wb", buffering=0) as ballast, self.assertRaises(OSError):
                while True:
                    ballast.write(bytes(PAGE))
            until("the full disk to be told", lambda: "journal_full" in region.problems().get("journal", ""), 20)
            status = region.cli("status")
            self.assertEqual(status.returncode, 1)
            self.assertIn("free some space", status.stdout)
            self.assertIn("free some space", "\n".join(region.lines("daemon.log")))
            self.assertIn("journal_full", region.why(2))

            # What cannot be committed is neither done nor told.
            committed = {run for run, in region.query("SELECT run FROM step")}
            for host in region.names:
                self.assertLessEqual(set(region.runs_of(host)), committed)
            for router in ROUTERS:
                self.assertNotEqual(region.cloud_state(router), "running")
                self.assertNotEqual(region.resource(router).get("state"), "running")

            os.remove(region.path("state/ballast"))
            region.until_state("running", *ROUTERS)
            region.until_quiet()
            self.assertNotIn("journal", region.problems())
            self.assertEqual(region.what_is_broken(), [])
