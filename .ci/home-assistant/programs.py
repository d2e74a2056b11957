"""The other programs of the test: broker, virtual bank, bridge, and cables that can be unplugged."""
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../foreign"))
from bank import Programs, run_lvx


def free_port():
    """Returns a port of this computer that is free now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Program:
    """A program that can be killed and started again."""

    def __init__(self, command, log, environment=None):
        self.command, self.log, self.environment = command, log, environment
        self.process = None

    def start(self):
        """Starts it, and returns at once."""
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment)

    def kill(self):
        """Kills it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ends it in order."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


class Broker(Program):
    """Debian's mosquitto. It keeps retained messages when it is killed only as far as it has saved them."""

    def __init__(self, packages, folder):
        self.port = free_port()
        self.programs = Programs(packages)
        configuration = os.path.join(folder, "mosquitto.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        super().__init__([self.programs.path("mosquitto"), "-c", configuration],
                         os.path.join(folder, "mosquitto.log"), self.programs.environment)

    def retained(self, topic):
        """Returns the retained messages below a topic, as JSON by their topic."""
        output = subprocess.run(
            [self.programs.path("mosquitto_sub"), "-p", str(self.port), "-V", "5", "-t", topic, "-W", "1",
             "--retained-only", "-F", "%t %p"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=self.programs.environment,
            check=False).stdout
        lines = (line.split(" ", 1) for line in output.splitlines())
        return {name: json.loads(payload) for name, payload in lines if payload}


class Listener(Program):
    """A client that writes each message of a topic to a file, over restarts of the broker."""

    def __init__(self, broker, topic, log):
        programs = broker.programs
        super().__init__([programs.path("mosquitto_sub"), "-p", str(broker.port), "-V", "5", "-t", topic], log,
                         programs.environment)

    def lines(self):
        """Returns the messages."""
        with open(self.log, encoding="utf-8") as file:
            return [line for line in file.read().splitlines() if line.startswith("{")]


class VirtualBank(Program):
    """Virtual units on TCP whose values do not change with time."""

    def __init__(self, lvx, folder, count=2):
        self.lvx = lvx
        base = free_port()
        self.ports = [base + unit for unit in range(count)]
        super().__init__([lvx, "simulate", "--units", str(count), "--tcp", f"127.0.0.1:{base}", "--switch",
                          "frozen=on", "--switch", "hosts=all"], os.path.join(folder, "simulate.log"))

    def replies(self, unit, *queries):
        """Returns values and names of the replies of a unit, by query."""
        answer = run_lvx(self.lvx, "query", "--format", "json", *queries, f"tcp:127.0.0.1:{self.ports[unit]}")
        if answer.returncode != 0:
            raise RuntimeError(f"unit {unit}: {answer.stderr}")
        lines = (json.loads(line) for line in answer.stdout.splitlines())
        return {line["command"]: line for line in lines}


class VirtualPacks(Program):
    """Two virtual battery packs whose values do not change: one on a serial port, one on TCP."""

    def __init__(self, program, switches, folder):
        super().__init__([program, *switches], os.path.join(folder, "packs.log"))

    def addresses(self):
        """Returns the address of the serial port, and the TCP port; `None` before they are known."""
        with open(self.log, encoding="utf-8") as file:
            lines = file.read().splitlines()
        if len(lines) < 2:
            return None
        return lines[0], int(lines[1].rsplit(":", 1)[1])


class Cable:
    """A cable between the bridge and a virtual unit or pack."""

    def __init__(self, unit_port):
        self.unit_port, self.port = unit_port, free_port()
        self.listener, self.ends, self.plugged_at = None, [], None
        # Whether nothing gets through, although the cable is plugged in.
        self.is_mute = False

    def plug(self):
        """Connects the unit."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.listener = listener
        threading.Thread(target=self._serve, args=[listener], daemon=True).start()

    def unplug(self):
        """Disconnects the unit."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.ends.clear()

    def _serve(self, listener):
        while True:
            try:
                host, _ = listener.accept()
            except OSError:
                return
            unit = socket.create_connection(("127.0.0.1", self.unit_port))
            self.ends += [host, unit]
            threading.Thread(target=self._copy, args=[host, unit], daemon=True).start()

    def _copy(self, host, unit):
        try:
            while True:
                ready, _, _ = select.select([host, unit], [], [])
                for end in ready:
                    data = end.recv(4096)
                    if not data:
                        raise OSError("closed")
                    if self.is_mute:
                        continue
                    (unit if end is host else host).sendall(data)
        except (OSError, ValueError):
            for end in (host, unit):
                end.close()
