"""A region for a test: real hosts with their own sshd, a real cloud-sim over HTTP, the real daemon on a real SQLite file.

Waiting is always for a condition with a deadline. Everything that a region starts ends with it."""

import collections
import http.client
import itertools
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
THREE_PROJECTS = os.path.join(TREE, "test/data/sim/three_projects.yaml")
ROUTERS = (1, 2, 3)  # of these


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


def project(number):
    """One of a hundred small projects, none of which shares an address with another."""
    lan = f"10.{100 + number}.1"
    return {"name": f"p{number}", "grace_period": 0, "router": {
        "subnets": [{"name": "lan", "address": f"{lan}.1/24"}, {"name": "lab", "address": f"fd00:{100 + number}::1/64"}],
        "rules": [{"protocol": "tcp", "source": "0.0.0.0/0", "destination": f"{lan}.0/24", "port": "443"}],
        "nat": [{"public": f"203.0.113.{150 + number}", "private": f"{lan}.5"}],
    }}


def make_key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


def sign_key(authority, key, *how):
    """Leaves KEY-cert.pub beside KEY.pub."""
    subprocess.run(["ssh-keygen", "-q", "-s", authority, "-I", "test", *how, f"{key}.pub"], check=True)


class Region:
    """hosts: names; the first two are the PodNet pair, or the first alone if pair is False; others are of role kvm.
    records: the file that the cloud begins with; None for an empty cloud."""

    def __init__(self, hosts=("podnet-a", "podnet-b"), records=THREE_PROJECTS, pair=True, policies=None):
        self.directory = tempfile.mkdtemp(prefix="regent-test.")
        self.names = list(hosts)
        self.podnet = self.names[:2 if pair else 1]
        self.policies = policies or {}
        self.records = records
        self.numbers = itertools.count()
        self.disks, self.processes = [], []
        self.daemon = self.simulator = None
        self.port = self.cloud_port = 0

    def path(self, name):
        return os.path.join(self.directory, name)

    # -- coming and going

    def __enter__(self):
        try:
            self.hosts("start", "--owner", str(os.getpid()), self.path("hosts"), *self.names)
            self.start_simulator()
            for name, secret in (("password", "robot-password"), ("api_key", "robot-key")):
                with open(self.path(name), "w") as file:
                    file.write(secret + "\n")
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
        for process in self.processes:
            process.kill()
            process.wait()
        self.hosts("stop", self.path("hosts"), check=False)
        for disk in self.disks:
            subprocess.run(["umount", disk], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def tell(self):
        for name in ("daemon.log", "simulator.log"):
            if os.path.exists(self.path(name)):
                print(f"--- the end of {name}\n" + "\n".join(line[:1000] for line in self.lines(name)[-40:]))

    def lines(self, name):
        with open(self.path(name), errors="replace") as log:
            return log.read().splitlines()

    def hosts(self, *arguments, check=True):
        return subprocess.run([TEST_HOSTS, *arguments], check=check, text=True, capture_output=True)

    def made_hosts(self):
        with open(self.path("hosts/hosts.json")) as text:
            return json.load(text)

    def machine(self, verb, host):
        """kill, boot, reboot, cut, mend, rekey: as `test-hosts` does it to one host."""
        self.hosts(verb, self.path("hosts"), host)

    def on(self, host, *command, check=True):
        return self.hosts("exec", self.path("hosts"), host, *command, check=check)

    def wrap(self, host, tool, script):
        """The script takes the place of a host's tool in /usr/bin, which is in /run meanwhile."""
        with open(self.path(f"hosts/{host}/var-lib/{tool}"), "w") as file:
            file.write(script)
        self.on(host, "sh", "-c", f"cp -L /usr/bin/{tool} /run && chmod 755 /var/lib/{tool} && mount --bind /var/lib/{tool} /usr/bin/{tool}")

    def unwrap(self, host, tool):
        self.on(host, "umount", f"/usr/bin/{tool}")

    def outside(self, *command, check=True):
        return self.hosts("outside", self.path("hosts"), *command, check=check)

    def small_disk(self, name, size):
        """Makes a directory of the region's a file system of its own, which can be full."""
        os.makedirs(self.path(name))
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "regent-test", self.path(name)], check=True)
        self.disks.append(self.path(name))

    def start_simulator(self):
        """The same port at every start."""
        port_file = self.path("port")
        if os.path.exists(port_file):
            os.remove(port_file)
        command = [REGENT, "cloud-sim", "--listen", f"127.0.0.1:{self.cloud_port}", "--port-file", port_file,
                   "--email", "robot@sim.test", "--password", "robot-password", "--api-key", "robot-key"]
        with open(self.path("simulator.log"), "a") as log:
            self.simulator = subprocess.Popen(command + (["--records", self.records] if self.records else []), stdout=log, stderr=log)
        self.processes.append(self.simulator)

        def port():
            with open(port_file) as text:
                return int(text.read() or 0)

        self.cloud_port = until("the simulator's port", port, SIMULATOR_ANSWERS_WITHIN)

    def write_region(self, each=None, **changes):
        """each: by host, what its entry has otherwise (None: has not), or None for a host that is left out."""
        made = self.made_hosts()

        def entry(host, differs):
            whole = {"name": host["name"], "address": host["address"], "port": host["port"], "user": host["user"],
                     "role": "podnet" if host["name"] in self.podnet else "kvm", "host_key": host["host_key"],
                     "key_file": made["key_file"], **differs}
            return {key: value for key, value in whole.items() if value is not None}

        differs = {host["name"]: {} for host in made["hosts"]} | (each or {})
        region = {
            "region": "test",
            "state_directory": self.path("state"),
            "log_level": "debug",
            "cloud": {"url": f"http://127.0.0.1:{self.cloud_port}/", "email": "robot@sim.test",
                      "password": {"file": self.path("password")}, "api_key": {"file": self.path("api_key")},
                      "poll_interval": "250ms", "listing_interval": "2s"},
            "hosts": [entry(host, differs[host["name"]]) for host in made["hosts"] if differs[host["name"]] is not None],
            "podnet": {**dict(zip(("a", "b"), self.podnet)), "enabled": self.podnet[0]},
            "networks": {"public_bridge": "br-public", "tenant": {"type": "none"}},
            "listen": {"port": 0},
        }
        if self.policies:
            region["policies"] = self.policies
        for key, value in changes.items():
            region[key] = {**region.get(key, {}), **value} if isinstance(value, dict) else value
        with open(self.path("region.yaml"), "w") as file:
            json.dump(region, file, indent=1)
        return region

    def reload(self, **changes):
        """Another region file, and SIGHUP; returns when the daemon has said what it thinks of it."""
        def said():
            return sum("region file " in line for line in self.lines("daemon.log"))

        before = said()
        self.write_region(**changes)
        self.daemon.send_signal(signal.SIGHUP)
        until("the region file to be read again", lambda: said() > before, 10)

    def start(self, wait=True):
        with open(self.path("ready"), "w") as out, open(self.path("daemon.log"), "a") as log:
            self.daemon = subprocess.Popen([REGENT, "serve", "--config", self.path("region.yaml")], stdout=out, stderr=log)
        self.processes.append(self.daemon)
        if wait:
            self.port = int(until("the daemon's ready line", self.ready_line).strip().rsplit(":", 1)[1].rstrip("/"))

    def ready_line(self):
        if self.daemon.poll() is not None:
            raise AssertionError(f"the daemon ended with {self.daemon.returncode}")
        with open(self.path("ready")) as text:
            said = text.read()
        return said if said.endswith("\n") else None

    def kill(self):
        """Pulls the daemon's plug."""
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()

    def stop(self):
        self.daemon.send_signal(signal.SIGTERM)
        return self.daemon.wait(timeout=30)

    def refused(self):
        """Starts a daemon that is not to be: its exit code, and what it said in the log and on stderr."""
        running, told = self.daemon, len(self.lines("daemon.log")) if os.path.exists(self.path("daemon.log")) else 0
        self.start(wait=False)
        try:
            code = self.daemon.wait(timeout=30)
        finally:
            self.daemon = running
        return code, "\n".join(self.lines("daemon.log")[told:])

    # -- looking

    def get(self, path):
        status, text = call(self.port, "GET", path)
        return json.loads(text) if status == 200 else {"status": status, "text": text}

    def resource(self, router):
        return self.get(f"/api/v1/resources/virtual_router/{router}")

    def host(self, name):
        return self.get(f"/api/v1/hosts/{name}")

    def problems(self):
        """What stands in the daemon's status, by what it is about."""
        return {row["about"]: row["text"] for row in self.get("/api/v1/status")["problems"]}

    def why(self, router):
        return self.cli("why", f"virtual_router/{router}").stdout

    def open_jobs(self):
        return self.get("/api/v1/jobs?state=open").get("rows", [])

    def cli(self, *arguments):
        return subprocess.run([REGENT, *arguments, "--socket", self.path("state/regent.sock")], text=True, capture_output=True)

    def namespaces(self, host):
        return {line.split()[0] for line in self.on(host, "ip", "netns", "list").stdout.splitlines() if line}

    def rules(self, host, router):
        return self.on(host, "ip", "netns", "exec", f"r{router}", "nft", "list", "ruleset", check=False).stdout

    def query(self, sql, *values):
        database = sqlite3.connect(f"file:{self.path('state/regent.db')}?mode=ro", uri=True)
        try:
            return database.execute(sql, values).fetchall()
        finally:
            database.close()

    def query_what_is_left(self, sql):
        """Of a daemon that was killed: asks a copy, so that its files stay as they are."""
        with tempfile.TemporaryDirectory() as aside:
            for name in ("regent.db", "regent.db-wal"):
                if os.path.exists(self.path(f"state/{name}")):
                    shutil.copy(self.path(f"state/{name}"), aside)
            database = sqlite3.connect(os.path.join(aside, "regent.db"))
            try:
                return database.execute(sql).fetchall()
            finally:
                database.close()

    def runs_of(self, host):
        """Ids of all runs that ever started on the host, by its own history."""
        text = self.on(host, "sh", "-c", "cat /var/lib/regent-host/*/history.1 /var/lib/regent-host/*/history 2>/dev/null", check=False).stdout
        return [line.split()[2] for line in text.splitlines()]

    def what_is_broken(self, may_fail=False):
        """What must never be, at rest: the journal damaged, a lease or report left, a run executed twice, a job failed
        (unless some are meant to). Empty if all is well."""
        twice = [f"{host}: run {run} twice" for host in self.names
                 for run, times in collections.Counter(self.runs_of(host)).items() if times > 1]
        counts = {table: self.query(f"SELECT count(*) FROM {table}")[0][0] for table in ("lease", "report")}
        failed = [] if may_fail else self.query("SELECT id, error_message FROM job WHERE state = 'failed'")
        return (twice + [f"{count} rows in {table}" for table, count in counts.items() if count]
                + [said for said, in self.query("PRAGMA integrity_check") if said != "ok"]
                + [f"foreign key: {row}" for row in self.query("PRAGMA foreign_key_check")]
                + [f"failed job: {row}" for row in failed])

    # -- the cloud's side

    def user(self, method, path, body=None):
        status, text = call(self.cloud_port, method, "/sim/" + path, body)
        assert status < 300, f"{method} {path}: {status} {text}"
        return json.loads(text) if text else None

    def new_router(self, **parts):
        """A user's new project, with these parts of its router otherwise: the router's id."""
        wanted = project(next(self.numbers))
        wanted["router"].update(parts)
        return self.user("POST", "projects", wanted)["content"]["virtual_router_id"]

    def add_rule(self, router, port):
        self.user("POST", f"virtual_router/{router}/firewall_rules",
                  [{"protocol": "tcp", "source": "0.0.0.0/0", "destination": "10.2.1.99/32", "port": str(port)}])

    def bend(self, router, **fields):
        """The cloud's answer has these fields as they are, whatever they are; none mends it."""
        self.user("PATCH", f"virtual_router/{router}", {"raw": fields})

    def ask_again(self, *routers):
        """An operator sets what is unresourced back to requested."""
        for router in routers:
            self.user("PATCH", f"virtual_router/{router}?force=true", {"state": 1})

    def cloud_fails(self, *faults):
        for fault in faults:
            self.user("POST", "faults", fault)

    def cloud_is_well(self):
        """No fault is left, nor the memory of any."""
        self.user("DELETE", "faults")
        self.user("DELETE", "log")

    def until_met(self, kind):
        until(f"a call to meet the fault {kind}", lambda: any(one["fault"] == kind for one in self.user("GET", "log")["calls"]))

    def faults_left(self):
        return self.user("GET", "faults")["faults"]

    def cloud_state(self, router):
        return {row["id"]: row["state"] for row in self.user("GET", "state")["resources"]}[f"virtual_router/{router}"]

    def until_state(self, state, *routers, seconds=90):
        for router in routers:
            until(f"router {router} {state} in the cloud", lambda r=router: self.cloud_state(r) == state, seconds)
            until(f"router {router} {state} in regent", lambda r=router: self.resource(r).get("state") == state, seconds)

    def until_at_work(self, *routers):
        """A job is being worked on: of one of these routers, or of any."""
        def at_work():
            active = {job["resource"] for job in self.open_jobs() if job["state"] == "active"}
            return active & {f"virtual_router/{router}" for router in routers} if routers else active

        until("a job to run", at_work)

    def until_host(self, state, *names, seconds=30):
        for name in names:
            until(f"{name} {state}", lambda n=name: self.host(n)["state"] == state, seconds)

    def until_quiet(self, seconds=60):
        """No job is open, and the cloud has been told everything."""
        until("no open job", lambda: self.open_jobs() == [], seconds)
        until("no undelivered report", lambda: self.query("SELECT count(*) FROM report") == [(0,)], seconds)
