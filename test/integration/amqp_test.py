"""Events as an exchange of a real RabbitMQ gets them: in order, across kills on both sides, and with reasons when it does not."""

import glob
import socket
import sqlite3
import time
import unittest

import broker
from broker import EXCHANGE, PASSWORD, USER, Broker, Consumer
from harness import Region, until


def kept(region, first=0):
    """What the journal has from this event on: (sequence, topic)."""
    return region.query("SELECT sequence, topic FROM event WHERE sequence >= ? ORDER BY sequence", first)


class Exchange(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if broker.missing():
            print("skipped: " + broker.missing(), flush=True)
            raise unittest.SkipTest(broker.missing())
        cls.broker = Broker()
        cls.addClassCleanup(cls.broker.close)
        cls.broker.declare()

    def region(self, **sinks):
        """A region whose daemon knows these sinks, each by what differs from a good one, and has begun to look for events."""
        region = Region(hosts=("podnet-a",), records=None, pair=False)
        region.__enter__()
        self.addCleanup(region.close)
        for name, password in (("right", PASSWORD), ("wrong", "another password")):
            with open(region.path(f"amqp-{name}"), "w") as file:
                file.write(password + "\n")
        region.write_region(events=self.events(region, **sinks))
        region.start()
        until("each sink's place", lambda: len(region.query("SELECT after FROM sink")) == len(sinks))
        return region

    def events(self, region, **sinks):
        good = {"url": f"amqp://{USER}@127.0.0.1:{self.broker.port}/", "exchange": EXCHANGE}

        def entry(name, password="right", **differs):
            return {"name": name, **good, **differs, "password": {"file": region.path(f"amqp-{password}")}}

        return {"amqp": [entry(name, **differs) for name, differs in sinks.items()]}

    def with_tls(self, authority):
        return {"url": f"amqps://{USER}@127.0.0.1:{self.broker.tls_port}", "ca_file": self.broker.path(f"{authority}.pem")}

    def reader(self, name, *arguments, **named):
        made = Consumer(self.broker, f"{self.id()}.{name}", *arguments, **named)
        self.addCleanup(made.remove)
        return made

    def first(self, region, sink="bus"):
        return region.query("SELECT after FROM sink WHERE name = ?", sink)[0][0] + 1

    def sink(self, region, name="bus"):
        return next((row for row in region.get("/api/v1/sinks")["rows"] if row["sink"] == name), {})

    def until_reason(self, region, name, words):
        until(f"{name} to say {words}", lambda: words in self.sink(region, name)["reason"], 20)

    def until_told(self, region, topic, times=1):
        until(f"the event {topic}", lambda: [name for _, name in kept(region)].count(topic) >= times)

    def until_taken(self, region, reader, first):
        until("all events in the queue", lambda: reader.distinct() == kept(region, first), 40)

    def test_every_event_arrives_in_order_across_kills_of_the_broker_and_of_the_daemon(self):
        everything, jobs = self.reader("all"), self.reader("jobs", "job.*")
        region = self.region(bus={})
        first = self.first(region)
        router = region.new_router()
        region.until_state("running", router)
        self.until_taken(region, everything, first)
        journal = region.query("SELECT journal_id FROM meta")[0][0]
        for key, body, properties in everything.got:
            self.assertEqual(key, body["topic"])
            self.assertEqual(properties["message_id"], f"{journal}-{body['sequence']}")
            self.assertEqual((properties["delivery_mode"], properties["content_type"], properties["app_id"]),
                             (2, "application/json", "regent"))
        self.assertEqual(jobs.distinct(), [one for one in kept(region, first) if one[1].startswith("job.")])
        self.assertIn(f"127.0.0.1:{self.broker.port}/%2F/{EXCHANGE}", region.cli("sinks").stdout)

        self.broker.kill()
        region.user("PATCH", f"virtual_router/{router}", {"state": 5})
        region.until_state("quiesced", router)
        self.until_told(region, "sink.behind")
        self.assertIn("events wait for it", region.problems()["sink bus"])
        self.broker.start()
        self.until_told(region, "sink.caught_up")
        self.until_taken(region, everything, first)

        for state, name in ((7, "running"), (5, "quiesced")):
            region.user("PATCH", f"virtual_router/{router}", {"state": state})
            region.until_at_work()
            region.kill()
            region.start()
            region.until_state(name, router)
        region.until_quiet()
        self.until_taken(region, everything, first)
        self.assertEqual(region.what_is_broken(), [])

    def test_what_is_wrong_is_said_and_once_it_is_mended_all_is_delivered(self):
        full = self.reader("full", exchange="amq.topic", how={"x-max-length": 1, "x-overflow": "reject-publish"})
        healed = self.reader("healed", exchange="amq.topic")
        sinks = {"secured": self.with_tls("own"), "doubted": self.with_tls("other"), "nowhere": {"exchange": "later"},
                 "stranger": {"password": "wrong"}, "homeless": {"url": f"amqp://{USER}@127.0.0.1:{self.broker.port}/no-such"},
                 "full": {"exchange": "amq.topic"}}
        region = self.region(**sinks)
        first = self.first(region, "full")
        router = region.new_router()
        region.until_state("running", router)
        self.until_reason(region, "doubted", "certificate is not accepted: self-signed certificate")
        self.until_reason(region, "nowhere", "the broker answers 404: NOT_FOUND - no exchange 'later'")
        self.until_reason(region, "stranger", "the broker answers 403: ACCESS_REFUSED")
        self.until_reason(region, "homeless", "the broker answers 530: NOT_ALLOWED - vhost no-such not found")
        self.until_reason(region, "full", "basic.nack")
        until("TLS to deliver", lambda: self.sink(region, "secured")["delivered"] > 0)
        self.assertEqual(self.sink(region, "secured")["state"], "up")
        self.assertIn("no exchange 'later'", region.cli("sinks").stdout)
        said = "".join(region.cli(*words).stdout for words in (("sinks",), ("sinks", "--json"), ("status", "--json")))
        for place in glob.glob(region.path("state/regent.db*")) + [region.path("daemon.log")]:
            with open(place, "rb") as file:
                said += file.read().decode(errors="replace")
        self.assertNotIn(PASSWORD, said)
        self.assertNotIn("another password", said)

        self.broker.declare("later")
        with open(region.path("amqp-wrong"), "w") as file:
            file.write(PASSWORD)
        full.remove()
        del sinks["homeless"]
        region.reload(events=self.events(region, **{**sinks, "doubted": self.with_tls("own")}))
        for name in ("doubted", "nowhere", "stranger", "full"):
            until(f"{name} to deliver", lambda sink=name: self.sink(region, sink)["state"] == "up")
        until("the end of the problems", lambda: not [about for about in region.problems() if about.startswith("sink ")])
        self.until_taken(region, healed, first)

    def test_a_broker_that_is_silent_or_takes_nothing_delays_nobody_and_loses_nothing(self):
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        reader = self.reader("all")
        region = self.region(bus={}, silent={"url": f"amqp://{USER}@127.0.0.1:{silent.getsockname()[1]}"})
        first = self.first(region)
        router = region.new_router()
        region.until_state("running", router)
        self.until_taken(region, reader, first)

        self.broker.control("set_vm_memory_high_watermark", "0.00001")
        try:
            region.user("PATCH", f"virtual_router/{router}", {"state": 5})
            region.until_state("quiesced", router)
            self.until_reason(region, "bus", "the broker takes no messages for now: low on memory")
            self.until_reason(region, "silent", "no answer in time while logging in")
        finally:
            self.broker.control("set_vm_memory_high_watermark", "0.4")
        self.until_taken(region, reader, first)
        numbers = [body["sequence"] for body in reader.events()]
        self.assertLessEqual(max(numbers.count(number) for number in numbers), 2)

        began = time.monotonic()
        self.assertEqual(region.stop(), 0)
        self.assertLess(time.monotonic() - began, 4)
        self.assertFalse([line for line in region.lines("daemon.log") if "leaving without it" in line])

    def test_what_is_no_longer_kept_is_told_by_a_message_of_its_own(self):
        region = self.region(bus={"topics": ["daemon.#"]})
        region.until_host("up", "podnet-a")
        self.assertEqual(region.stop(), 0)
        reader = self.reader("all")
        database = sqlite3.connect(region.path("state/regent.db"))
        with database:
            newest = database.execute("SELECT max(sequence) FROM event").fetchone()[0]
            database.execute("UPDATE sink SET after = 0")
            database.execute("DELETE FROM event WHERE sequence < ?", (newest,))
        database.close()
        region.start()
        until("the start to be told", lambda: reader.events())
        key, body, properties = reader.got[0]
        self.assertEqual((key, body, properties["type"]), ("sink.gap", {"gap": {"lost": newest - 1, "after": 0}}, "gap"))
        self.assertEqual(reader.events()[-1]["topic"], "daemon.started")
        self.until_told(region, "sink.lost")


if __name__ == "__main__":
    unittest.main()
