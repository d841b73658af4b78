"""The journal's backup beside a live daemon, and its restore: hosts and cloud have gone on meanwhile."""

import json
import os
import pty
import random
import shutil
import subprocess
import time
import unittest

from harness import REGENT, ROUTERS, Region, until


def journal(*arguments):
    return subprocess.run([REGENT, "journal", *arguments], text=True, capture_output=True)


def parts(region):
    return [name for name in os.listdir(region.path("backups")) if ".part" in name]


class Backup(unittest.TestCase):
    def back_up(self, region, name):
        made = journal("backup", region.path(f"backups/{name}"), "--config", region.path("region.yaml"))
        self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
        return region.path(f"backups/{name}")

    def check(self, *what):
        said = journal("check", *what)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)

    def test_backups_while_routers_are_built_are_each_of_one_moment_and_delay_nobody(self):
        with Region() as region:
            os.mkdir(region.path("backups"))
            region.start()
            region.until_at_work()
            made = 0
            while region.open_jobs() or made < 5:
                self.check(self.back_up(region, str(made)))
                self.check("--config", region.path("region.yaml"))
                made += 1
            region.until_state("running", *ROUTERS)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])
            self.assertEqual(parts(region), [])

    def test_a_daemon_and_backups_killed_at_random_moments_leave_whole_backups_or_none(self):
        seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
        print(f"SEED={seed}", flush=True)
        moments = random.Random(seed)
        with Region(records=None) as region:
            os.mkdir(region.path("backups"))
            region.start()
            routers, whole = [], 0
            for number in range(20):
                if number % 5 == 0:
                    routers.append(region.new_router())
                    region.until_at_work(routers[-1])
                to = region.path(f"backups/{number}")
                backup = subprocess.Popen([REGENT, "journal", "backup", to, "--config", region.path("region.yaml")],
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(moments.uniform(0, 0.03))
                if number % 2 == 0:
                    backup.kill()
                    backup.wait()
                else:
                    region.kill()
                    self.assertEqual(backup.wait(), 0)  # it needs no daemon
                    region.start()
                if os.path.exists(to):
                    whole += 1
                    self.check(to)
                    self.assertEqual(os.stat(to).st_mode & 0o777, 0o600)
            print(f"{whole} whole backups", flush=True)
            self.assertGreaterEqual(whole, 10)
            self.back_up(region, "0" if not os.path.exists(region.path("backups/0")) else "last")
            region.until_state("running", *routers)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])


class History(unittest.TestCase):
    def test_history_is_compacted_beside_a_live_daemon_and_stays_in_the_sums(self):
        def ended_by_history(region):
            shown = journal("history", "--json", "--config", region.path("region.yaml"))
            self.assertEqual(shown.returncode, 0, shown.stderr)
            return {row["operation"]: row["count"] for row in json.loads(shown.stdout)["rows"] if row["outcome"] == "succeeded"}

        with Region(hosts=("podnet-a",), pair=False) as region:
            region.start()
            region.until_state("running", *ROUTERS)
            for port in range(4000, 4004):
                region.add_rule(2, port)
                until("the rule", lambda p=str(port): p in region.rules("podnet-a", 2))
                region.until_state("running", 2)
                late = region.new_router()
                region.until_at_work(late)
                compacted = journal("compact", "--older-than", "0", "--config", region.path("region.yaml"))
                self.assertEqual(compacted.returncode, 0, compacted.stderr)
                self.assertIn("a daemon has it", compacted.stdout)
                region.until_state("running", late)
            region.until_quiet()
            self.assertEqual(ended_by_history(region), {"build": 7, "update": 4})
            journal("compact", "--older-than", "0", "--config", region.path("region.yaml"))
            self.assertEqual(region.query("SELECT count(*) FROM job"), [(7,)])  # the last of each resource
            self.assertEqual(ended_by_history(region), {"build": 7, "update": 4})
            self.assertEqual(region.what_is_broken(), [])
            self.assertEqual(region.stop(), 0)
            self.assertIn("is given back", journal("compact", "--config", region.path("region.yaml")).stdout)
            region.start()
            region.add_rule(2, 4242)
            until("the rule after that", lambda: "4242" in region.rules("podnet-a", 2))
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])

    def test_a_replay_tells_every_step_that_was_done_and_stops_after_each_event_if_told_to(self):
        with Region(hosts=("podnet-a",), pair=False) as region:
            region.start()
            region.until_state("running", *ROUTERS)
            region.until_quiet()
            copy = region.path("copy.db")
            self.assertEqual(journal("backup", copy, "--config", region.path("region.yaml")).returncode, 0)
            whole = subprocess.run([REGENT, "replay", copy], text=True, capture_output=True)
            self.assertEqual((whole.returncode, whole.stderr), (0, ""))
            for run, primitive, verb in region.query("SELECT run, primitive, verb FROM step"):
                self.assertRegex(whole.stdout, f"step \\d+ on podnet-a: {primitive} {verb}: done, exit 0.* run {run};")
            one = subprocess.run([REGENT, "replay", copy, "--resource", "virtual_router/2", "--json"], text=True, capture_output=True)
            moments = [json.loads(line) for line in one.stdout.splitlines()]
            self.assertEqual(moments.pop(), {"open": [], "unread": []})
            self.assertEqual({moment["event"]["resource"] for moment in moments}, {"virtual_router/2"})
            count, = region.query("SELECT count(*) FROM step JOIN job ON job.id = step.job WHERE resource = '2'")[0]
            self.assertEqual(sum(len(moment["steps"]) for moment in moments), count)

            mine, its = pty.openpty()
            with open(region.path("said"), "w+") as said:
                stepping = subprocess.Popen([REGENT, "replay", copy, "--step"], stdin=its, stdout=said, stderr=subprocess.DEVNULL)
                for typed, events in ((b"\n", 1), (b"\n", 2), (b"q\n", 3)):
                    until(f"{events} events", lambda n=events: open(said.name).read().count(" #") == n, 10)
                    os.write(mine, typed)
                self.assertEqual(stepping.wait(10), 0)
                self.assertEqual(open(said.name).read().count(" #"), 3)
            os.close(mine)
            os.close(its)


class Restore(unittest.TestCase):
    def restore(self, region, backup, *how, expect=0):
        said = journal("restore", backup, "--config", region.path("region.yaml"), *how)
        self.assertEqual(said.returncode, expect, said.stdout + said.stderr)
        return said.stdout + said.stderr

    def until_no_run_is_alive(self, region):
        for host in region.names:
            until(f"no run on {host}", lambda h=host: not region.on(h, "sh", "-c", "cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep REGENT_RUN=", check=False).stdout)

    def until_looked_after(self, region):
        """Every host has been connected to, and everything on it was made anew."""
        until("no host to be as the backup had it", lambda: region.query("SELECT count(*) FROM host WHERE boot_id = 'restored'") == [(0,)])
        region.until_quiet()

    def test_a_restored_journal_converges_with_what_hosts_and_cloud_have_become(self):
        with Region() as region:
            os.mkdir(region.path("backups"))
            region.start()
            region.until_state("running", *ROUTERS)
            late = region.new_router()
            region.until_at_work(late)
            backup = region.path("backups/in the middle")
            made = journal("backup", backup, "--config", region.path("region.yaml"))
            self.assertEqual(made.returncode, 0, made.stderr)
            region.until_state("running", late)

            # The life that the backup knows nothing of: changes, a resource that goes, one that comes, many reigns.
            region.add_rule(2, 4242)
            until("the rule on both hosts", lambda: all("4242" in region.rules(host, 2) for host in region.names))
            region.user("PATCH", "virtual_router/1", {"state": 5})
            region.until_state("quiesced", 1)
            region.user("PATCH", "virtual_router/3", {"state": 8})
            region.until_state("closed", 3)
            unknown = region.new_router()
            region.until_state("running", unknown)
            for _ in range(3):
                region.until_quiet()
                region.kill()
                region.start()
            dying = region.new_router()
            region.until_at_work(dying)
            self.assertIn("journal_locked", self.restore(region, backup, expect=1))
            region.kill()
            former, = region.query_what_is_left("SELECT journal_id, epoch FROM meta")
            before = {host: set(region.runs_of(host)) for host in region.names}

            self.until_no_run_is_alive(region)
            said = self.restore(region, backup, "--force")
            aside, = [name for name in os.listdir(region.path("state")) if name.startswith("regent.db.before-restore-") and not name.endswith(("-wal", "-shm"))]
            self.assertIn(aside, said)
            self.assertEqual(journal("check", region.path("state")).returncode, 0)
            (fresh, epoch), = region.query("SELECT journal_id, epoch FROM meta")
            self.assertNotEqual(fresh, former[0])
            self.assertGreater(epoch, former[1] + 100_000)

            region.start()
            region.until_host("up", *region.names)
            region.until_state("running", 2, late, unknown, dying)
            region.until_state("quiesced", 1)
            region.until_state("closed", 3)
            self.until_looked_after(region)
            self.assertEqual(region.problems(), {})
            self.assertEqual(region.what_is_broken(), [])  # no run id twice, by the hosts' own histories
            for host in region.names:
                self.assertIn("4242", region.rules(host, 2))
                self.assertEqual(region.namespaces(host) & {"r3"}, set())
                new_runs = set(region.runs_of(host)) - before[host]
                self.assertTrue(new_runs)
                self.assertEqual({run.split("-")[0] for run in new_runs}, {fresh})
            looked_after = {f"virtual_router/{router}" for router in (1, 2, late)}
            causes = region.query("SELECT kind || '/' || resource, count(*) FROM job WHERE cause LIKE '%the journal was restored' AND state = 'succeeded' GROUP BY 1")
            self.assertGreaterEqual({resource for resource, _ in causes}, looked_after)
            self.assertNotIn("virtual_router/3", dict(causes))
            self.assertNotIn("epoch_superseded", "\n".join(region.lines("daemon.log")))

            # And it goes on as any other, over a restart.
            region.add_rule(2, 4343)
            until("the next rule on both hosts", lambda: all("4343" in region.rules(host, 2) for host in region.names))
            region.until_quiet()
            self.assertEqual(region.stop(), 0)
            region.start()
            region.until_host("up", *region.names)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])

            # What was set aside can govern these hosts no more.
            self.assertEqual(region.stop(), 0)
            os.rename(region.path("state"), region.path("state.restored"))
            os.mkdir(region.path("state"))
            for suffix in ("", "-wal"):
                if os.path.exists(region.path(f"state.restored/{aside}{suffix}")):
                    shutil.copy(region.path(f"state.restored/{aside}{suffix}"), region.path(f"state/regent.db{suffix}"))
            region.start()
            until("the old journal to be refused", lambda: "epoch_superseded" in region.problems().get("host podnet-a", ""))

    def test_a_second_restore_without_the_journal_in_between_is_obeyed_as_well(self):
        with Region(hosts=("podnet-a",), pair=False) as region:
            os.mkdir(region.path("backups"))
            region.start()
            region.until_state("running", *ROUTERS)
            region.until_quiet()
            backup = region.path("backups/good")
            self.assertEqual(journal("backup", backup, "--config", region.path("region.yaml")).returncode, 0)
            for _ in range(2):
                self.assertEqual(region.stop(), 0)
                with open(region.path("state/regent.db"), "r+b") as file:
                    file.write(b"\xa5" * 4096)
                code, said = region.refused()
                self.assertEqual(code, 1)
                self.assertIn("regent journal restore", said)
                self.assertIn("could not be read", self.restore(region, backup))
                region.start()
                region.until_host("up", "podnet-a")
                self.until_looked_after(region)
                self.assertEqual({router: region.resource(router)["state"] for router in ROUTERS}, dict.fromkeys(ROUTERS, "running"))
            self.assertEqual(region.problems(), {})
            self.assertEqual(region.what_is_broken(), [])
