"""Events as consumers get them: lists, streams and the command line, across kills of the daemon."""

import http.client
import json
import subprocess
import threading
import unittest

from harness import REGENT, Region, call, until


class Stream:
    """Server-sent events, read on a thread of their own: all blocks that came, in order."""

    def __init__(self, port, query="", headers=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.request("GET", "/api/v1/events/stream" + query, headers=headers or {})
        self.answer = self.connection.getresponse()
        self.blocks, self.ended = [], threading.Event()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        block = {}
        try:
            for line in self.answer:
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field:
                    block[field] = value
                elif block:
                    self.blocks.append(block)
                    block = {}
        except (OSError, http.client.HTTPException):
            pass  # the daemon was killed
        self.ended.set()

    def events(self):
        return [json.loads(block["data"]) for block in list(self.blocks) if "data" in block and "event" not in block]


class Follower:
    """`regent events --follow --json`, for as long as it lives."""

    def __init__(self, region, *arguments):
        self.out = region.path("followed")
        with open(self.out, "w") as out, open(region.path("follower.log"), "w") as log:
            self.process = subprocess.Popen([REGENT, "events", "--follow", "--json", *arguments,
                                             "--socket", region.path("state/regent.sock")], stdout=out, stderr=log)
        region.processes.append(self.process)

    def events(self):
        with open(self.out) as lines:
            return [json.loads(line) for line in lines.read().splitlines(keepends=True) if line.endswith("\n")]


def kept(region):
    """What the journal has: (sequence, topic)."""
    return region.query("SELECT sequence, topic FROM event ORDER BY sequence")


def seen(events):
    return [(one["sequence"], one["topic"]) for one in events]


class Reading(unittest.TestCase):
    def test_a_follower_and_a_stream_see_every_event_once_and_in_order_across_kills(self):
        with Region(hosts=("podnet-a",), records=None, pair=False) as region:
            region.start()
            follower = Follower(region, "--after", "0")
            streamed = []
            for _ in range(3):
                cursor = streamed[-1]["sequence"] if streamed else 0
                stream = Stream(region.port, headers={"Last-Event-ID": str(cursor)})
                router = region.new_router()
                until("a build to begin", lambda: len(stream.events()) > 0)
                region.kill()
                self.assertTrue(stream.ended.wait(10))
                streamed += stream.events()
                region.start()
                region.until_state("running", router)
            region.until_quiet()
            last = Stream(region.port, f"?after={streamed[-1]['sequence']}")
            until("the stream to be at the end", lambda: seen(streamed + last.events()) == kept(region), 20)
            until("the follower to be at the end", lambda: seen(follower.events()) == kept(region), 20)
            self.assertEqual([number for number, _ in kept(region)], list(range(1, len(kept(region)) + 1)))
            with open(region.path("follower.log")) as log:
                self.assertIn("the daemon is away", log.read())

            # A stop ends streams at once.
            self.assertEqual(region.stop(), 0)
            self.assertFalse([line for line in region.lines("daemon.log") if "leaving without it" in line])
            self.assertTrue(last.ended.wait(5))
            self.assertIsNone(follower.process.poll())
            self.assertEqual(region.what_is_broken(), [])

    def test_a_topic_and_a_resource_choose_and_the_command_line_shows_the_last(self):
        with Region(hosts=("podnet-a",), records=None, pair=False) as region:
            region.start()
            one, two = region.new_router(), region.new_router()
            region.until_state("running", one, two)
            region.until_quiet()
            rows = [json.loads(line) for line in region.cli("events", "--json", "--resource", f"virtual_router/{one}").stdout.splitlines()]
            self.assertTrue(rows)
            self.assertEqual({row["resource"] for row in rows}, {f"virtual_router/{one}"})
            started = region.cli("events", "--topic", "job.started", "--after", "0")
            self.assertEqual(started.returncode, 0)
            self.assertEqual(len(started.stdout.splitlines()), sum(topic == "job.started" for _, topic in kept(region)))
            wrong = region.cli("events", "--topic", "job.strated")
            self.assertEqual((wrong.returncode, wrong.stdout), (2, ""))
            self.assertIn("job.started", wrong.stderr)
            newest = kept(region)[-1][0]
            beyond = region.cli("events", "--follow", "--after", str(newest + 1))
            self.assertEqual(beyond.returncode, 2)
            self.assertIn("another journal", beyond.stderr)

    def test_streams_are_bounded_and_readers_that_take_nothing_delay_nobody(self):
        with Region(hosts=("podnet-a",), records=None, pair=False) as region:
            region.start()
            streams = [Stream(region.port) for _ in range(32)]
            until("all streams to have begun", lambda: all(stream.blocks for stream in streams))
            status, text = call(region.port, "GET", "/api/v1/events/stream")
            self.assertEqual((status, json.loads(text)["error"]["code"]), (503, "too_many_streams"))
            router = region.new_router()
            region.until_state("running", router)
            region.until_quiet()
            until("every stream to have said all", lambda: all(seen(stream.events()) == kept(region) for stream in streams), 20)
            streams[0].connection.close()
            streams[0].answer.close()
            until("the place of one that went", lambda: Stream(region.port).answer.status == 200)


if __name__ == "__main__":
    unittest.main()
