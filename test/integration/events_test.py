"""Events as consumers get them: lists, streams and the command line, across kills of the daemon."""

import base64
import hashlib
import hmac
import http.client
import http.server
import json
import socket
import sqlite3
import subprocess
import threading
import time
import unittest

from harness import REGENT, Region, call, until

SECRET = "a secret of the webhook's"


class Stream:
    """Server-sent events, read on a thread of their own: all blocks that came, in order."""

    def __init__(self, port, query="", headers=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.request("GET", "/api/v1/events/stream" + query, headers=headers or {})
        self.socket = self.connection.sock
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
        self.out, self.err = region.path("followed"), region.path("follower.log")
        with open(self.out, "w") as out, open(self.err, "w") as log:
            self.process = subprocess.Popen([REGENT, "events", "--follow", "--json", *arguments,
                                             "--socket", region.path("state/regent.sock")], stdout=out, stderr=log)
        region.processes.append(self.process)

    def log(self):
        with open(self.err) as text:
            return text.read()

    def events(self):
        with open(self.out) as lines:
            return [json.loads(line) for line in lines.read().splitlines(keepends=True) if line.endswith("\n")]


class Receiver:
    """A webhook's other end. `mode`: take; refuse (500); hang until `mode` changes; close before an answer."""

    def __init__(self, mode="take", port=0):
        self.mode, self.batches, self.wrong = mode, [], []
        self.answered = {"take": 0, "refuse": 0, "hang": 0, "close": 0}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.check(self.headers, body)
                mode = outer.mode
                outer.answered[mode] += 1
                while mode == "hang" and outer.mode == "hang":
                    time.sleep(0.05)
                if mode in ("hang", "close"):
                    self.close_connection = True
                    return
                if mode == "take":
                    outer.batches.append(json.loads(body))
                self.send_response(200 if mode == "take" else 500)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def check(self, headers, body):
        """As docs/operating.md tells a receiver to."""
        stamp = headers["webhook-timestamp"]
        text = f"{headers['webhook-id']}.{stamp}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.new(SECRET.encode(), text, hashlib.sha256).digest()).decode()
        if not hmac.compare_digest(expected, headers["webhook-signature"]) or abs(time.time() - int(stamp)) > 300:
            self.wrong.append(dict(headers))

    def events(self):
        return [event for batch in list(self.batches) for event in batch["events"]]

    def distinct(self):
        """What a receiver that drops what it has had makes of it; fails on what comes out of order."""
        taken = []
        for one in seen(self.events()):
            if not taken or one[0] > taken[-1][0]:
                taken.append(one)
            elif one not in taken:
                raise AssertionError(f"{one} came after {taken[-1]}")
        return taken

    def close(self):
        self.mode = "take"
        self.server.shutdown()
        self.server.server_close()


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
            for kill in range(3):
                cursor = streamed[-1]["sequence"] if streamed else 0
                stream = Stream(region.port, headers={"Last-Event-ID": str(cursor)})
                router = region.new_router()
                until("a build to begin", lambda: "job.started" in [topic for _, topic in seen(stream.events())])
                until("the follower to be there", follower.events)
                region.kill()
                self.assertTrue(stream.ended.wait(10))
                streamed += stream.events()
                until("the follower to notice", lambda k=kill: follower.log().count("the daemon is away") > k)
                region.start()
                region.until_state("running", router)
            region.until_quiet()
            last = Stream(region.port, f"?after={streamed[-1]['sequence']}")
            until("the stream to be at the end", lambda: seen(streamed + last.events()) == kept(region), 20)
            until("the follower to be at the end", lambda: seen(follower.events()) == kept(region), 20)
            self.assertEqual([number for number, _ in kept(region)], list(range(1, len(kept(region)) + 1)))
            self.assertIsNone(follower.process.poll(), follower.log())

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

            def whole(stream):
                begun = int(stream.blocks[0]["id"])
                return seen(stream.events()) == [one for one in kept(region) if one[0] > begun]

            until("every stream to have said all", lambda: all(whole(stream) for stream in streams), 20)
            streams[0].socket.shutdown(socket.SHUT_RDWR)
            until("the place of one that went", lambda: Stream(region.port).answer.status == 200)


class Webhooks(unittest.TestCase):
    def region(self, *receivers, topics=None):
        """A region whose daemon knows these webhooks."""
        region = Region(hosts=("podnet-a",), records=None, pair=False)
        region.__enter__()
        self.addCleanup(region.close)
        with open(region.path("webhook-secret"), "w") as secret:
            secret.write(SECRET + "\n")
        region.write_region(events=self.sinks(region, *receivers, topics=topics))
        return region

    def sinks(self, region, *receivers, topics=None):
        return {"webhooks": [{"name": f"sink-{index}", "url": f"http://127.0.0.1:{port}/hook",
                              "secret": {"file": region.path("webhook-secret")}, **({"topics": topics} if topics else {})}
                             for index, port in enumerate(receivers)]}

    def receiver(self, *arguments, **named):
        made = Receiver(*arguments, **named)
        self.addCleanup(made.close)
        return made

    def sink(self, region, name):
        return next((row for row in region.get("/api/v1/sinks")["rows"] if row["sink"] == name), {})

    def until_taken(self, region, receiver, first=0):
        """Everything that the journal has from this event on has arrived."""
        until("all events at the receiver",
              lambda: receiver.distinct() == [one for one in kept(region) if one[0] >= first], 40)
        self.assertEqual(receiver.wrong, [])

    def test_a_webhook_gets_every_event_in_order_across_refusals_and_kills(self):
        receiver = self.receiver()
        region = self.region(receiver.port)
        region.start()
        until("the webhook's place", lambda: region.query("SELECT after FROM sink"))
        first = region.query("SELECT after FROM sink")[0][0] + 1
        router = region.new_router()
        region.until_state("running", router)
        self.until_taken(region, receiver, first)

        for mode in ("refuse", "close", "hang"):
            receiver.mode = mode
            region.user("PATCH", f"virtual_router/{router}", {"state": 5})
            region.until_state("quiesced", router)
            until(f"a delivery to meet {mode}", lambda m=mode: receiver.answered[m] > 0)
            region.kill()
            region.start()
            until(f"another to meet {mode}", lambda m=mode: receiver.answered[m] > 1)
            receiver.mode = "take"
            region.user("PATCH", f"virtual_router/{router}", {"state": 7})
            region.until_state("running", router)
            region.until_quiet()
            self.until_taken(region, receiver, first)
        self.assertEqual(region.what_is_broken(), [])

    def test_a_sink_that_is_down_delays_nobody_says_so_and_catches_up(self):
        good = self.receiver()
        down = self.receiver()
        port = down.port
        down.close()
        region = self.region(good.port, port)
        region.start()
        until("both places", lambda: len(region.query("SELECT after FROM sink")) == 2)
        first = {name: after + 1 for name, after in region.query("SELECT name, after FROM sink")}
        router = region.new_router()
        region.until_state("running", router)
        until("the problem to be told", lambda: "events wait for it" in region.problems().get("sink sink-1", ""))
        self.assertEqual(region.cli("status").returncode, 1)
        self.assertEqual(self.sink(region, "sink-1")["state"], "failing")
        self.assertGreater(self.sink(region, "sink-1")["behind"], 0)
        self.assertIn("sink-1", region.cli("sinks").stdout)
        self.until_taken(region, good, first["sink-0"])
        self.assertIn("sink.behind", [topic for _, topic in kept(region)])

        back = self.receiver(port=port)
        until("the problem to be over", lambda: "sink sink-1" not in region.problems())
        until("the end of it to be an event", lambda: "sink.caught_up" in [topic for _, topic in kept(region)])
        self.until_taken(region, back, first["sink-1"])

    def test_what_is_no_longer_kept_is_counted_to_every_reader_and_a_place_of_another_journal_is_given_up(self):
        receiver = self.receiver()
        region = self.region(receiver.port)
        region.start()
        until("the webhook's place", lambda: region.query("SELECT after FROM sink"))
        router = region.new_router()
        region.until_state("running", router)
        region.until_quiet()
        self.assertEqual(region.stop(), 0)
        newest = self.edit(region, "SELECT max(sequence) FROM event")
        self.edit(region, "UPDATE sink SET after = 1")
        self.edit(region, f"DELETE FROM event WHERE sequence <= {newest - 2}")
        lost = newest - 3
        receiver.batches.clear()
        region.start()
        until("a delivery", lambda: receiver.batches)
        self.assertEqual(receiver.batches[0]["gap"], {"lost": lost, "after": 1})
        self.assertEqual(receiver.batches[0]["events"][0]["sequence"], newest - 1)
        until("the loss to be an event", lambda: "sink.lost" in [topic for _, topic in kept(region)])
        self.until_taken(region, receiver, newest - 1)
        self.assertEqual(self.sink(region, "sink-0")["lost"], lost)

        stream = Stream(region.port, "?after=1")
        until("the gap", lambda: any(block.get("event") == "gap" for block in stream.blocks))
        gap = json.loads(next(block["data"] for block in stream.blocks if block.get("event") == "gap"))
        self.assertEqual((gap["lost"], gap["next"]), (lost, newest - 1))
        listed = region.cli("events", "--after", "1", "--json")
        self.assertEqual(json.loads(listed.stdout.splitlines()[0]), {"gap": {"lost": lost, "after": 1}})
        self.assertIn(f"{lost} events after 1 are lost", listed.stderr)

        self.assertEqual(region.stop(), 0)
        self.edit(region, "UPDATE sink SET after = 1000000")
        region.start()
        until("a place in this journal", lambda: 0 < region.query("SELECT after FROM sink")[0][0] < 1000000)
        receiver.batches.clear()
        region.user("PATCH", f"virtual_router/{router}", {"state": 5})
        region.until_state("quiesced", router)
        until("what happened since", lambda: "resource.state" in [topic for _, topic in seen(receiver.events())])
        self.assertEqual([batch["gap"] for batch in receiver.batches if batch["gap"]], [])

    def edit(self, region, sql):
        """Of a daemon that has stopped."""
        database = sqlite3.connect(region.path("state/regent.db"))
        try:
            with database:
                return (database.execute(sql).fetchone() or [None])[0]
        finally:
            database.close()

    def test_a_stop_does_not_wait_for_a_sink_that_hangs(self):
        receiver = self.receiver("hang")
        region = self.region(receiver.port)
        region.start()
        region.new_router()
        until("a delivery to hang", lambda: receiver.answered["hang"] > 0)
        self.assertEqual(region.stop(), 0)
        self.assertFalse([line for line in region.lines("daemon.log") if "leaving without it" in line])

    def test_a_reload_adds_changes_and_removes_sinks(self):
        one, two = self.receiver(), self.receiver()
        region = self.region(one.port, topics=["job.started"])
        region.start()
        until("the webhook's place", lambda: region.query("SELECT after FROM sink"))
        router = region.new_router()
        region.until_state("running", router)
        region.until_quiet()
        until("the wanted event", lambda: one.distinct())
        self.assertEqual({topic for _, topic in one.distinct()}, {"job.started"})

        region.reload(events=self.sinks(region, one.port, two.port, topics=["resource.#"]))
        until("the new sink's place", lambda: len(region.query("SELECT after FROM sink")) == 2)
        region.user("PATCH", f"virtual_router/{router}", {"state": 5})
        region.until_state("quiesced", router)
        until("the change at both", lambda: all("resource.state" in [topic for _, topic in each.distinct()] for each in (one, two)))

        region.reload(events={"webhooks": []})
        until("no sink", lambda: region.get("/api/v1/sinks")["rows"] == [])
        until("no place", lambda: region.query("SELECT after FROM sink") == [])


if __name__ == "__main__":
    unittest.main()
