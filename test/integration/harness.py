"""A region for a test: real hosts with their own sshd, a real cloud-sim over HTTP, the real daemon on a real SQLite file.

Waiting is always for a condition with a deadline. Everything that a region starts ends with it."""

import collections
import http.client
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REGENT = os.environ.get("REGENT", os.path.join(TREE, "build/dev/regent"))
TEST_HOSTS = os.path.join(TREE, "test/support/test-hosts")
SIMULATOR_ANSWERS_WITHIN = 30
ROUTERS = (1, 2, 3)  # of test/data/sim/three_projects.yaml


class Timeout(AssertionError):
    pass


def until(what, condition, seconds=60):
    """Waits until the condition gives something true, and returns it; names what never came."""
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        try:
            last = condition()
            if last:
                return last
        except (OSError, http.client.HTTPException, KeyError) as gone:
            last = gone
        time.sleep(0.05)
    raise Timeout(f"not within {seconds} s: {what}; the last look gave {last!r}")


def call(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, headers or ({"Content-Type": "application/json"} if body is not None else {}))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


class Region:
    """hosts: names; the first two are the PodNet pair unless pair is False."""

    def __init__(self, hosts=("podnet-a", "podnet-b"), records=None, pair=True, policies=None, enabled=None):
        self.directory = tempfile.mkdtemp(prefix="regent-test.")
        self.names = list(hosts)
        self.pair = pair
        self.policies = policies or {}
        self.enabled = enabled or self.names[0]
        self.records = records or os.path.join(TREE, "test/data/sim/three_projects.yaml")
        self.daemon = self.simulator = None
        self.port = self.cloud_port = 0

    def path(self, name):
        return os.path.join(self.directory, name)

    # -- coming and going

    def __enter__(self):
        try:
            self.hosts("start", "--owner", str(os.getpid()), self.path("hosts"), *self.names)
            self.start_simulator()
            self.write_region()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.tell()
        self.close()

    def close(self):
        for process in (self.daemon, self.simulator):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        self.hosts("stop", self.path("hosts"), check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def tell(self):
        for name in ("daemon.log", "simulator.log"):
            if os.path.exists(self.path(name)):
                with open(self.path(name), errors="replace") as log:
                    print(f"--- the end of {name}\n" + "".join(log.readlines()[-40:]))

    def hosts(self, *arguments, check=True):
        return subprocess.run([TEST_HOSTS, *arguments], check=check, text=True, capture_output=True)

    def on(self, host, *command, check=True):
        return self.hosts("exec", self.path("hosts"), host, *command, check=check)

    def outside(self, *command, check=True):
        return self.hosts("outside", self.path("hosts"), *command, check=check)

    def start_simulator(self):
        port_file = self.path("port")
        with open(self.path("simulator.log"), "a") as log:
            self.simulator = subprocess.Popen(
                [REGENT, "cloud-sim", "--records", self.records, "--listen", "127.0.0.1:0", "--port-file", port_file,
                 "--email", "robot@sim.test", "--password", "robot-password", "--api-key", "robot-key"],
                stdout=log, stderr=log)

        def port():
            with open(port_file) as text:
                return int(text.read() or 0)

        self.cloud_port = until("the simulator's port", port, SIMULATOR_ANSWERS_WITHIN)

    def write_region(self, **changes):
        with open(self.path("hosts/hosts.json")) as text:
            made = json.load(text)
        for name, secret in (("password", "robot-password"), ("api_key", "robot-key")):
            with open(self.path(name), "w") as file:
                file.write(secret + "\n")
        region = {
            "region": "test",
            "state_directory": self.path("state"),
            "log_level": "debug",
            "cloud": {"url": f"http://127.0.0.1:{self.cloud_port}/", "email": "robot@sim.test",
                      "password": {"file": self.path("password")}, "api_key": {"file": self.path("api_key")},
                      "poll_interval": "250ms", "listing_interval": "2s"},
            "hosts": [{"name": host["name"], "address": host["address"], "port": host["port"], "user": host["user"],
                       "role": "podnet", "host_key": host["host_key"], "key_file": made["key_file"]}
                      for host in made["hosts"]],
            "podnet": {"a": self.names[0], "enabled": self.enabled},
            "networks": {"public_bridge": "br-public", "tenant": {"type": "none"}},
            "policies": self.policies,
            "listen": {"port": 0},
        }
        if self.pair:
            region["podnet"]["b"] = self.names[1]
        else:
            for host in region["hosts"][1:]:
                host["role"] = "kvm"
        region.update(changes)
        if not region["policies"]:
            del region["policies"]
        with open(self.path("region.yaml"), "w") as file:
            json.dump(region, file, indent=1)
        return region

    def start(self, wait=True):
        ready = self.path("ready")
        with open(ready, "w") as out, open(self.path("daemon.log"), "a") as log:
            self.daemon = subprocess.Popen([REGENT, "serve", "--config", self.path("region.yaml")], stdout=out, stderr=log)
        if not wait:
            return

        def line():
            if self.daemon.poll() is not None:
                raise AssertionError(f"the daemon ended with {self.daemon.returncode}")
            with open(ready) as text:
                said = text.read()
            return said if said.endswith("\n") else None

        self.port = int(until("the daemon's ready line", line).strip().rsplit(":", 1)[1].rstrip("/"))

    def kill(self):
        """Pulls the daemon's plug."""
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()

    def stop(self):
        self.daemon.send_signal(signal.SIGTERM)
        return self.daemon.wait(timeout=30)

    # -- looking

    def get(self, path):
        status, text = call(self.port, "GET", path)
        return json.loads(text) if status == 200 else {"status": status, "text": text}

    def resource(self, router):
        return self.get(f"/api/v1/resources/virtual_router/{router}")

    def open_jobs(self):
        return self.get("/api/v1/jobs?state=open").get("rows", [])

    def cli(self, *arguments):
        return subprocess.run([REGENT, *arguments, "--url", f"http://127.0.0.1:{self.port}"], text=True, capture_output=True)

    def namespaces(self, host):
        return {line.split()[0] for line in self.on(host, "ip", "netns", "list").stdout.splitlines() if line}

    def query(self, sql, *values):
        database = sqlite3.connect(f"file:{self.path('state/regent.db')}?mode=ro", uri=True)
        try:
            return database.execute(sql, values).fetchall()
        finally:
            database.close()

    def runs_of(self, host):
        """Ids of all runs that ever started on the host, by its own history."""
        text = self.on(host, "sh", "-c", "cat /var/lib/regent-host/*/history.1 /var/lib/regent-host/*/history 2>/dev/null", check=False).stdout
        return [line.split()[2] for line in text.splitlines()]

    def what_is_broken(self):
        """What must never be, at rest: the journal damaged, a lease or report left, a run executed twice. Empty if all is well."""
        twice = [f"{host}: run {run} twice" for host in self.names
                 for run, times in collections.Counter(self.runs_of(host)).items() if times > 1]
        counts = {table: self.query(f"SELECT count(*) FROM {table}")[0][0] for table in ("lease", "report")}
        return (twice + [f"{count} rows in {table}" for table, count in counts.items() if count]
                + [said for said, in self.query("PRAGMA integrity_check") if said != "ok"]
                + [f"foreign key: {row}" for row in self.query("PRAGMA foreign_key_check")]
                + [f"failed job: {row}" for row in self.query("SELECT id, error_message FROM job WHERE state = 'failed'")])

    # -- the cloud's side

    def user(self, method, path, body=None):
        status, text = call(self.cloud_port, method, "/sim/" + path, body)
        assert status < 300, f"{method} {path}: {status} {text}"
        return json.loads(text) if text else None

    def cloud_state(self, router):
        rows = self.user("GET", "state")
        rows = rows if isinstance(rows, list) else rows.get("resources", rows.get("rows", rows))
        for row in rows:
            if str(row.get("id")) in (str(router), f"virtual_router/{router}") and row.get("kind", "virtual_router") == "virtual_router":
                return row["state"]
        raise KeyError(router)

    def until_state(self, state, *routers, seconds=90):
        for router in routers:
            until(f"router {router} {state} in the cloud", lambda r=router: self.cloud_state(r) == state, seconds)
            until(f"router {router} {state} in regent", lambda r=router: self.resource(r).get("state") == state, seconds)

    def until_quiet(self, seconds=60):
        """No job is open, and the cloud has been told everything."""
        until("no open job", lambda: self.open_jobs() == [], seconds)
        until("no undelivered report", lambda: self.query("SELECT count(*) FROM report") == [(0,)], seconds)
