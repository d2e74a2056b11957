"""A real Home Assistant in a folder: start, end, and its API."""
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from websocket import WebSocket

CONFIGURATION = """\
homeassistant: {name: Test, time_zone: UTC}
onboarding:
config:
api:
websocket_api:
history:
energy:
logger: {default: warning}
lovelace:
  dashboards:
    lvx-dashboard: {mode: yaml, title: Inverters, filename: dashboard.yaml}
"""


class HomeAssistant:
    """Home Assistant with an empty configuration, below the system in the folder `root`."""

    def __init__(self, root, port, log):
        self.root, self.port, self.log = root, port, log
        self.process = self.token = self.socket = None
        self.last_id = 0
        config = os.path.join(root, "opt/cfg")
        shutil.rmtree(config, ignore_errors=True)
        os.makedirs(os.path.join(config, ".storage"))
        self.config = config
        self.write("configuration.yaml", CONFIGURATION)
        # A port in configuration.yaml is only tried for a while, so it is stored as one that works.
        stable = {"server_port": port, "server_host": ["127.0.0.1"], "cors_allowed_origins": [],
                  "login_attempts_threshold": -1, "ip_ban_enabled": False, "ssl_profile": "intermediate_v6",
                  "use_x_frame_options": True, "created_at": "2026-01-01T00:00:00+00:00", "error": None,
                  "error_message": None}
        self.write(".storage/http", json.dumps({
            "version": 3, "minor_version": 1, "key": "http",
            "data": {"stable": stable, "pending": None, "yaml_migration_done": True}}))
        open(log, "w", encoding="utf-8").close()

    def write(self, name, text):
        """Writes a file of its configuration."""
        with open(os.path.join(self.config, name), "w", encoding="utf-8") as file:
            file.write(text)

    def start(self):
        """Starts it, and returns at once."""
        # The mount ends with its namespace, that is, with the process.
        script = 'mount --bind /proc "$0/proc"; exec chroot "$0" /opt/ha/bin/hass --config /opt/cfg --skip-pip'
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-euc", script, self.root],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"HOME": "/root", "PATH": os.environ["PATH"]})

    def wait_until_ready(self, timeout=120):
        """Waits for the event that all integrations have started. Returns its time."""
        return wait_for("Home Assistant to be ready", timeout, self._is_ready)

    def _is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"Home Assistant ended, see {self.log}")
        try:
            if self.token is None:
                return urllib.request.urlopen(self._url("/api/onboarding"), timeout=2).status == 200
            return self.get("/api/config")["state"] == "RUNNING"
        except OSError:
            return False

    def kill(self):
        """Kills it, without a chance to save anything."""
        self.disconnect()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ends it in order, so that it has saved its registries."""
        self.disconnect()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)

    def onboard(self, mqtt_port):
        """Creates the owner, and connects it to a broker."""
        client = self._url("/")
        code = self.post("/api/onboarding/users", {
            "client_id": client, "name": "t", "username": "t", "password": "only-for-tests", "language": "en",
        })["auth_code"]
        form = urllib.parse.urlencode({"client_id": client, "grant_type": "authorization_code", "code": code})
        answer = self._request("/auth/token", form.encode(), {})
        self.token = answer["access_token"]
        # The token ends after half an hour; one that lasts is asked for with it.
        self.token = self.command("auth/long_lived_access_token", client_name="test", lifespan=1)
        self.disconnect()
        flow = self.post("/api/config/config_entries/flow", {"handler": "mqtt"})
        result = self.post(f"/api/config/config_entries/flow/{flow['flow_id']}", {
            "broker": "127.0.0.1", "port": mqtt_port, "protocol": "5",
            "other_settings": {"set_client_cert": False, "set_ca_cert": "off", "transport": "tcp"}})
        if result["type"] != "create_entry":
            raise RuntimeError(f"expected an entry for the broker, found {result}")
        return result["result"]["entry_id"]

    def get(self, path):
        """Returns the answer to a REST request."""
        return self._request(path, None, {})

    def post(self, path, body):
        """Returns the answer to a REST request with a body."""
        return self._request(path, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def states(self):
        """Returns the states of all entities by their id."""
        return {state["entity_id"]: state for state in self.get("/api/states")}

    def command(self, kind, **values):
        """Returns the answer to a command over WebSocket."""
        try:
            return self._command(kind, values)
        except OSError:
            self.disconnect()
            raise

    def _command(self, kind, values):
        if self.socket is None:
            self.socket = WebSocket(self.port, "/api/websocket")
            self.socket.receive()
            self.socket.send(json.dumps({"type": "auth", "access_token": self.token}))
            answer = json.loads(self.socket.receive())
            if answer["type"] != "auth_ok":
                raise RuntimeError(f"expected auth_ok, found {answer}")
            self.last_id = 0
        self.last_id += 1
        self.socket.send(json.dumps({"id": self.last_id, "type": kind, **values}))
        while True:
            answer = json.loads(self.socket.receive())
            if answer.get("id") == self.last_id and answer["type"] == "result":
                if not answer["success"]:
                    raise RuntimeError(f"{kind}: {answer['error']}")
                return answer["result"]

    def disconnect(self):
        """Closes the WebSocket connection."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def log_entries(self, pattern):
        """Returns the warnings and errors of the log that match a pattern, with the lines that belong to them."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            text = re.sub(r"\x1b\[[0-9;]*m", "", log.read())
        entries = re.split(r"(?m)^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", text)
        is_bad = re.compile(r"^\S+ \S+ (WARNING|ERROR|CRITICAL) ")
        return [entry for entry in entries if is_bad.match(entry) and re.search(pattern, entry)]

    def _url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def _request(self, path, body, headers):
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self._url(path), body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error}: {error.read().decode(errors='replace')}") from error


def wait_for(what, timeout, is_true):
    """Waits until `is_true` returns a value that counts as true. Returns the time of that on the monotonic clock."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            if is_true():
                return time.monotonic()
        except OSError as error:
            # A busy program may answer late.
            print(f"{what}: {error}", flush=True)
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout} s for {what}")
        time.sleep(0.1)
