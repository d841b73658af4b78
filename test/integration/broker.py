"""A RabbitMQ of a test's own: its node, its directory, its epmd, all on loopback, and ended by their process ids."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from harness import until

sys.path.append("/usr/lib/python3/dist-packages")  # Debian's modules, also for another python3 that comes first in the path

PROGRAMS = "/usr/lib/rabbitmq/bin"
USER, PASSWORD, EXCHANGE = "regent", "a password of the broker's", "regent.events"


def missing():
    """Why there can be no broker on this machine, or nothing."""
    if not os.path.exists(f"{PROGRAMS}/rabbitmq-server"):
        return "rabbitmq-server is not installed"
    try:
        import amqp  # noqa: F401
    except ImportError:
        return "python3-amqp is not installed"
    return ""


def free_ports(count):
    """All are held until all are known, so that no two are the same."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def make_certificate(place, name="IP:127.0.0.1"):
    """One that is its own authority: PLACE.pem and PLACE.key."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=test", "-addext", f"subjectAltName={name}", "-keyout", f"{place}.key", "-out", f"{place}.pem"],
                   check=True, capture_output=True)


class Broker:
    """Listens on `port`, and with TLS on `tls_port`, with a certificate of the authority in the file `own.pem`; `other.pem` is
    another one."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="regent-broker.")
        self.port, self.tls_port, epmd, distribution = free_ports(4)
        self.server = self.epmd = None
        settings = [f"listeners.tcp.1 = 127.0.0.1:{self.port}", f"default_user = {USER}", f"default_pass = {PASSWORD}",
                    "log.console = false", f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}", "ssl_options.verify = verify_none",
                    f"ssl_options.cacertfile = {self.path('own.pem')}", f"ssl_options.certfile = {self.path('own.pem')}",
                    f"ssl_options.keyfile = {self.path('own.key')}"]
        for name in ("own", "other"):
            make_certificate(self.path(name))
        self.write("rabbitmq.conf", "\n".join(settings) + "\n")
        self.write("enabled_plugins", "[].\n")
        self.write("no-environment.conf", "")
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": self.directory, "LANG": "C.UTF-8", "RUNNING_UNDER_SYSTEMD": "true",
            # By number: a bare machine may have no hosts file that says what localhost is.
            "RABBITMQ_NODENAME": f"regent-{os.getpid()}-{self.port}@127.0.0.1", "RABBITMQ_USE_LONGNAME": "true",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": self.path("mnesia"), "RABBITMQ_LOG_BASE": self.path("log"),
            "RABBITMQ_CONFIG_FILE": self.path("rabbitmq.conf"), "RABBITMQ_ENABLED_PLUGINS_FILE": self.path("enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": self.path("no-environment.conf"), "RABBITMQ_PID_FILE": self.path("pid"),
            "RABBITMQ_GENERATED_CONFIG_DIR": self.path("generated"), "RABBITMQ_ADVANCED_CONFIG_FILE": self.path("advanced.config"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(epmd), "ERL_EPMD_ADDRESS": "127.0.0.1"}
        try:
            self.epmd = self.run_apart(["epmd", "-port", str(epmd), "-address", "127.0.0.1"])
            until("epmd", lambda: not socket.create_connection(("127.0.0.1", epmd), 1).close(), 10)
            self.start()
        except BaseException:
            self.close()
            raise

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def run_apart(self, command):
        """With a process group of its own, whose number is the process's; it does not outlive the test, however that ends."""
        with open(self.path("output"), "a") as out:
            return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                    cwd=self.directory, start_new_session=True)

    def start(self):
        self.server = self.run_apart([f"{PROGRAMS}/rabbitmq-server"])
        until("the broker", self.answers, 60)

    def answers(self):
        if self.server.poll() is not None:
            with open(self.path("output")) as said:
                raise AssertionError(f"the broker ended with {self.server.returncode}: {said.read()[-2000:]}")
        try:
            self.connect().close()
            return True
        except Exception:  # it listens before it lets anybody in, and says that in its own ways
            return False

    def kill(self):
        """Pulls its plug, and that of the small programs it runs."""
        try:
            os.killpg(self.server.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.server.wait()

    def close(self):
        if self.server is not None:
            self.kill()
        if self.epmd is not None:
            self.epmd.kill()
            self.epmd.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def control(self, *arguments):
        subprocess.run([f"{PROGRAMS}/rabbitmqctl", *arguments], env=self.environment, check=True, cwd=self.directory,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def connect(self):
        import amqp
        made = amqp.Connection(f"127.0.0.1:{self.port}", userid=USER, password=PASSWORD, connect_timeout=5, read_timeout=10)
        made.connect()
        return made

    def declare(self, exchange=EXCHANGE):
        with self.connect() as connection:
            connection.channel().exchange_declare(exchange, "topic", durable=True, auto_delete=False)


class Consumer:
    """A durable queue of the broker, and all that has come into it: (routing key, body, properties), in order."""

    def __init__(self, broker, queue, pattern="#", exchange=EXCHANGE, how=None):
        self.broker, self.queue, self.got = broker, queue, []
        with broker.connect() as connection:
            channel = connection.channel()
            channel.queue_declare(queue, durable=True, auto_delete=False, arguments=how)
            channel.queue_bind(queue, exchange, pattern)

    def take(self):
        """Everything that is there now."""
        with self.broker.connect() as connection:
            channel = connection.channel()
            while True:
                message = channel.basic_get(self.queue, no_ack=True)
                if message is None:
                    return self.got
                self.got.append((message.delivery_info["routing_key"], json.loads(message.body), message.properties))

    def remove(self):
        with self.broker.connect() as connection:
            connection.channel().queue_delete(self.queue)

    def events(self):
        return [body for _, body, properties in self.take() if properties["type"] == "event"]

    def distinct(self):
        """What a reader that drops what it has had makes of it: (sequence, topic); fails on what comes out of order."""
        taken = []
        for body in self.events():
            one = body["sequence"], body["topic"]
            if not taken or one[0] > taken[-1][0]:
                taken.append(one)
            elif one not in taken:
                raise AssertionError(f"{one} came after {taken[-1]}")
        return taken
