"""Runs the bridge with a real Home Assistant and a real broker: check.py LVX FOLDER.

FOLDER is the one that `fetch` has made. The units and the battery packs are virtual and do not change with time, so each
entity has one right value. The program of the example `serve_pack` is beside LVX. Exits with status 1 and prints what is wrong.
"""
import itertools
import json
import os
import re
import shutil
import sys
import time

import expected
from home_assistant import HomeAssistant, wait_for
from programs import Broker, Cable, Listener, Program, VirtualBank, VirtualPacks, free_port

UNITS = ("lvx6048-1", "lvx6048-2")
PACKS = ("pack-1", "pack-2")
SELECT = "select.home_bank_output_source_priority"
TOPICS = "lvx/v1/home/bank"
DOCUMENT = os.path.join(os.path.dirname(__file__), "../../docs/home-assistant.md")


class Test:
    """The programs of the test, and what it found."""

    def __init__(self, lvx, folder):
        self.folder = os.path.join(folder, "run")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.lvx = lvx
        self.broker = Broker(os.path.join(folder, "packages"), self.folder)
        self.bank = VirtualBank(lvx, self.folder)
        self.cables = [Cable(port) for port in self.bank.ports]
        serve_pack = os.path.join(os.path.dirname(lvx), "examples", "serve_pack")
        self.packs = VirtualPacks(serve_pack, expected.PACK_SWITCHES, self.folder)
        self.pack_cable = self.pack_addresses = None
        self.configuration = os.path.join(self.folder, "bridge.yaml")
        self.bridge = self.new_bridge()
        self.home_assistant = HomeAssistant(os.path.join(folder, "root"), free_port(),
                                            os.path.join(self.folder, "home-assistant.log"))
        self.home_assistant.write("dashboard.yaml", dashboard())
        self.commands = Listener(self.broker, f"{TOPICS}/cmd", os.path.join(self.folder, "commands.log"))
        self.replies = self.entry = None
        self.components = []
        self.failures = []

    def new_bridge(self):
        """Returns the bridge with its own state folder."""
        state = os.path.join(self.folder, "state")
        os.makedirs(state, mode=0o700, exist_ok=True)
        if command := os.environ.get("LVX_BRIDGE"):
            command = [command, self.configuration, state]
        else:
            command = [self.lvx, "bridge", "--config", self.configuration]
        return Program(command, os.path.join(self.folder, "bridge.log"), {**os.environ, "LVX_STATE_DIR": state})

    def configure(self, units=(0, 1), packs=(0, 1), leave_out=(), control=True):
        """Writes the configuration of the bridge."""
        serials = [replies["serial_number"] for replies in self.replies]
        configuration = {
            "units": [{"name": UNITS[unit], "serial": serials[unit],
                       "address": f"tcp:127.0.0.1:{self.cables[unit].port}"} for unit in units],
            "packs": [{"name": PACKS[pack], "address": self.pack_addresses[pack]} for pack in packs],
            "poll": {"packs": "5 s"},
            "mqtt": {"host": "127.0.0.1", "port": self.broker.port,
                     "home_assistant": {"leave_out": list(leave_out)} if leave_out else "on"},
            "http": "off",
            "lease": "off",
        }
        if control:
            configuration["control"] = {"allow": ["output_priority"], "allow_tcp_units": "on"}
        if not packs:
            del configuration["packs"]
        with open(self.configuration, "w", encoding="utf-8") as file:
            json.dump(configuration, file)

    def start(self):
        """Starts everything for the first time."""
        self.bank.start()
        wait_for("the virtual units", 20, self._read_units)
        for cable in self.cables:
            cable.plug()
        self.packs.start()
        wait_for("the virtual packs", 20, self.packs.addresses)
        serial, port = self.packs.addresses()
        self.pack_cable = Cable(port)
        self.pack_cable.plug()
        self.pack_addresses = [serial, f"pack:tcp:127.0.0.1:{self.pack_cable.port}"]
        self.configure(control=False)
        self.broker.start()
        self.commands.start()
        self.home_assistant.start()
        self.home_assistant.wait_until_ready()
        self.entry = self.home_assistant.onboard(self.broker.port)
        self.bridge.start()

    def stop(self):
        """Ends everything."""
        for program in (self.bridge, self.home_assistant, self.commands, self.broker, self.bank, self.packs):
            if program.process is not None and program.process.poll() is None:
                program.kill()

    def _read_units(self):
        try:
            self.replies = [self.bank.replies(unit, "ID", *expected.QUERIES) for unit in range(len(UNITS))]
        except RuntimeError:
            return False
        for replies in self.replies:
            replies["serial_number"] = replies["ID"]["values"]["serial_number"]
        return True

    # What is compared.

    def published(self):
        """Returns all entities that were published: device, key and description."""
        messages = self.broker.retained("homeassistant/device/+/config")
        devices = sorted(messages.values(), key=lambda message: "via_device" in message["device"])
        return [(device, key, component) for device in devices for key, component in device["components"].items()]

    def entities(self):
        """Returns the entries of the registry by their unique id."""
        entries = self.home_assistant.command("config/entity_registry/list")
        return {entry["unique_id"]: entry for entry in entries if entry["platform"] == "mqtt"}

    def value(self, device, key):
        """Returns the value that an entity has."""
        about = device["device"]
        if "via_device" not in about:
            return expected.bank_value(key, self.replies)
        if about["name"] in PACKS:
            return expected.pack_value(key, self.pack_addresses[PACKS.index(about["name"])])
        unit = UNITS.index(about["name"])
        return expected.unit_value(key, self.replies[unit], f"tcp:127.0.0.1:{self.cables[unit].port}")

    def wrong_entities(self):
        """Returns one line for each entity that is missing or has another value than its unit."""
        registry, states, lines = self.entities(), self.home_assistant.states(), []
        for device, key, component in self.components:
            name = f"{device['device']['name']} {key}"
            entry = registry.get(component.get("unique_id"))
            if component["platform"] == "button" or len(component) == 1:
                continue
            if entry is None:
                lines.append(f"{name}: no entity")
                continue
            state = states.get(entry["entity_id"], {}).get("state")
            value = self.value(device, key)
            if state is None or not expected.is_right(state, value):
                lines.append(f"{name}: expected {value}, found {state}")
        return lines

    def check_right(self, what, since, limit):
        """Waits until all entities are right and stay so, and reports if that takes longer than the limit after
        `since`."""
        last = []

        def are_right():
            wrong = self.wrong_entities()
            last[:] = wrong or last
            return not wrong

        try:
            while True:
                at = wait_for("all entities to be right", limit + 20, are_right)
                time.sleep(2)
                if not self.wrong_entities():
                    break
        except TimeoutError:
            wrong = self.wrong_entities()
            self.fail(f"{what}: {len(wrong)} entities are wrong: " + "; ".join(wrong[:8]))
            return
        took = at - since
        print(f"{what}: all entities right after {took:.1f} s", flush=True)
        if took > limit:
            self.fail(f"{what}: expected all entities to be right after {limit} s, found {took:.1f} s; the last ones "
                      "that were wrong: " + "; ".join(last[:8]))

    def fail(self, text):
        """Notes a failure."""
        print("FAILED", text, flush=True)
        self.failures.append(text)

    def expect(self, what, is_true):
        """Notes a failure if something is not so."""
        if is_true:
            print(f"{what}: yes", flush=True)
        else:
            self.fail(f"{what}: no")

    # The parts of the test.

    def appear(self):
        """All entities appear, with the right descriptions; then all are enabled, for the values."""
        started = time.monotonic()
        wait_for("the devices", 60, lambda: len({device["device"]["name"] for device, _, _ in self.published()}) >= 5)
        components = self.components = self.published()
        ids = {component["unique_id"] for _, _, component in components}
        try:
            wait_for("the entities", 30, lambda: ids <= set(self.entities()))
        except TimeoutError:
            self.fail(f"entities that do not appear: {sorted(ids - set(self.entities()))}")
        print(f"{len(components)} entities appeared after {time.monotonic() - started:.1f} s", flush=True)
        registry = self.entities()
        for device, key, component in components:
            entry = registry.get(component["unique_id"])
            if entry is not None:
                self.compare_entry(f"{device['device']['name']} {key}", component, entry)
        disabled = [entry for entry in registry.values() if entry["disabled_by"]]
        for what, names, count in (("unit", UNITS, 29), ("pack", PACKS, 13)):
            enabled = sum(1 for device, _, component in components
                          if device["device"]["name"] in names and component.get("enabled_by_default", True))
            self.expect(f"a {what} has {count} enabled entities", enabled == count * len(names))
        cells = [component for device, key, component in components
                 if device["device"]["name"] in PACKS and re.fullmatch(r"cell_[0-9]+_voltage", key)]
        self.expect("the cells of packs are disabled by default",
                    len(cells) == 16 * len(PACKS) and not any(cell.get("enabled_by_default", True) for cell in cells))
        for entry in disabled:
            self.home_assistant.command("config/entity_registry/update", entity_id=entry["entity_id"],
                                        disabled_by=None)
        self.home_assistant.post(f"/api/config/config_entries/entry/{self.entry}/reload", {})
        self.check_right("all entities enabled", time.monotonic(), 30)
        self.check_descriptions(components)

    def compare_entry(self, name, component, entry):
        """Compares the registry with what was published."""
        found = (entry["original_name"], entry["entity_category"], entry["disabled_by"])
        is_enabled = component.get("enabled_by_default", True)
        wanted = (component["name"], component.get("entity_category"), None if is_enabled else "integration")
        if found != wanted:
            self.fail(f"{name}: expected {wanted}, found {found}")

    def check_descriptions(self, components):
        """Compares units of measurement, classes and options of the states."""
        registry, states = self.entities(), self.home_assistant.states()
        for device, key, component in components:
            entry = registry.get(component["unique_id"], {})
            attributes = states.get(entry.get("entity_id"), {}).get("attributes")
            if attributes is None:
                continue
            unit = component.get("unit_of_measurement")
            kind = expected.CLASSES.get(unit, component.get("device_class"))
            for attribute, wanted in (("unit_of_measurement", unit), ("device_class", kind),
                                      ("state_class", component.get("state_class")),
                                      ("options", component.get("options"))):
                if attributes.get(attribute) != wanted:
                    self.fail(f"{device['device']['name']} {key}: {attribute}: expected {wanted}, found "
                              f"{attributes.get(attribute)}")

    def energy(self):
        """The energy dashboard takes the energies of the units, and those of the bank."""
        sensors = [("sensor.lvx6048_1_", "pv_energy"), ("sensor.lvx6048_2_", "pv_energy"),
                   ("sensor.home_bank_", "pv_energy_computed")]
        self.home_assistant.command("energy/save_prefs", energy_sources=[
            source for sensor, solar in sensors for source in (
                {"type": "solar", "stat_energy_from": sensor + solar, "config_entry_solar_forecast": None},
                {"type": "battery", "stat_energy_from": sensor + "battery_discharge_energy_computed",
                 "stat_energy_to": sensor + "battery_charge_energy_computed"},
            )
        ])

    def validate_energy(self):
        """The energy dashboard has no complaint, once statistics were made: Home Assistant does that every 5 min."""
        def issues():
            answer = self.home_assistant.command("energy/validate")
            return [issue for group in answer.values() for source in group for issue in source]

        try:
            wait_for("statistics", 330, lambda: not issues())
        except TimeoutError:
            self.fail(f"energy/validate: {issues()}")
            return
        self.expect("energy/validate has no complaint", True)

    def dashboard(self):
        """The dashboard of the documentation is loaded, and all its entities exist."""
        loaded = self.home_assistant.command("lovelace/config", url_path="lvx-dashboard")
        names = set(re.findall(r'"((?:sensor|binary_sensor|select)\.[a-z0-9_]+)"', json.dumps(loaded)))
        missing = names - set(self.home_assistant.states()) - {SELECT}
        self.expect(f"all {len(names)} entities of the dashboard exist (missing: {sorted(missing)})",
                    names and not missing)

    def buttons(self):
        """The buttons raise a test alert and acknowledge it, although no setting may be changed."""
        def alerts():
            return self.broker.retained(f"{TOPICS}/findings").get(f"{TOPICS}/findings", {}).get("alerts", [])

        def press(name):
            self.home_assistant.post("/api/services/button/press", {"entity_id": f"button.home_bank_{name}"})

        press("test_alert")
        wait_for("the test alert", 30, lambda: any(alert["id"] == "test" for alert in alerts()))
        press("acknowledge_alerts")
        wait_for("the acknowledgement", 30, lambda: all(alert["acknowledged"] for alert in alerts()))
        by = {alert["acknowledged"]["by"] for alert in alerts()}
        self.expect(f"alerts are acknowledged over MQTT: {by}", by == {f"mqtt {TOPICS}/cmd"})

    def restarts(self):
        """Each program, and all of them in every order, are killed and started again. No restart sends a command, and
        the select shows the bank's value each time."""
        before = self.sent_commands()
        programs = {"Home Assistant": self.home_assistant, "broker": self.broker, "bridge": self.bridge}
        orders = [[name] for name in programs] + [list(order) for order in itertools.permutations(programs)]
        for order in orders:
            for name in order:
                programs[name].kill()
            if "Home Assistant" not in order:
                wait_for("values that are unavailable", 20, self.wrong_entities)
            for name in order:
                programs[name].start()
                if len(order) > 1:
                    time.sleep(1)
            since = time.monotonic()
            if "Home Assistant" in order:
                since = max(since, self.home_assistant.wait_until_ready())
            self.check_right("restarted " + ", ".join(order), since, 15)
        after = self.sent_commands()
        self.expect(f"no restart sent a command ({len(before)} before)", before and before == after)
        self.expect("no command is retained", not self.broker.retained(f"{TOPICS}/cmd"))

    def sent_commands(self):
        """Returns the commands that were sent, as another client saw them, and what the bridge noted."""
        lines = self.commands.lines()
        for folder, _, names in os.walk(os.path.join(self.folder, "state")):
            for name in sorted(names):
                if name.endswith((".audit", ".refused")):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        lines += file.read().splitlines()
        return lines

    def unplug(self):
        """A unit that is unplugged is unavailable within 10 s, and back within 5 s of being found."""
        def states():
            device = f"lvx_{self.replies[1]['serial_number']}_"
            entries = [entry for unique_id, entry in self.entities().items() if unique_id.startswith(device)]
            every = self.home_assistant.states()
            return {every[entry["entity_id"]]["state"] for entry in entries if entry["entity_id"] in every}

        self.cables[1].unplug()
        since = time.monotonic()
        took = wait_for("the unit to be unavailable", 30, lambda: states() == {"unavailable"}) - since
        self.expect(f"unplugged unit is unavailable after {took:.1f} s, at most 10 s", took <= 10)
        topic = f"lvx/v1/home/bank/unit/{UNITS[1]}/availability"
        self.cables[1].plug()
        found = wait_for("the unit to be found", 90,
                         lambda: self.broker.retained(topic)[topic]["state"] == "online")
        self.check_right("unit plugged in again", found, 5)

    def silent_pack(self):
        """A pack that falls silent is unavailable within 15 s while the others stay, and comes back."""
        def states(pack):
            device = f"lvx_home_bank_{pack}_"
            entries = [entry for unique_id, entry in self.entities().items() if unique_id.startswith(device)]
            every = self.home_assistant.states()
            return {every[entry["entity_id"]]["state"] for entry in entries if entry["entity_id"] in every}

        self.pack_cable.is_mute = True
        since = time.monotonic()
        took = wait_for("the pack to be unavailable", 60, lambda: states(PACKS[1]) == {"unavailable"}) - since
        self.expect(f"silent pack is unavailable after {took:.1f} s, at most 15 s", took <= 15)
        wrong = [line for line in self.wrong_entities() if not line.startswith(PACKS[1])]
        self.expect(f"the other pack and the units stay: {wrong[:4]}", not wrong)
        self.pack_cable.is_mute = False
        topic = f"{TOPICS}/pack/{PACKS[1]}/availability"
        found = wait_for("the pack to be found", 90, lambda: self.broker.retained(topic)[topic]["state"] == "online")
        self.check_right("pack answers again", found, 10)

    def leave_out(self):
        """An entity, a unit and a pack that leave the configuration disappear, and come back."""
        def restart(**configuration):
            self.bridge.stop()
            self.configure(control=False, **configuration)
            self.bridge.start()

        serial = self.replies[1]["serial_number"]
        entity = f"lvx_{serial}_pv1_voltage"
        self.expect("the entity exists", entity in self.entities())
        restart(leave_out=["pv1_voltage"])
        wait_for("the entity to disappear", 30, lambda: entity not in self.entities())
        restart(units=[0])
        wait_for("the unit to disappear", 30, lambda: not any(serial in name for name in self.entities()))
        restart(packs=[0])
        wait_for("the unit to come back", 30, lambda: entity in self.entities())
        pack = f"lvx_home_bank_{PACKS[1]}_"
        wait_for("the pack to disappear", 30, lambda: not any(name.startswith(pack) for name in self.entities()))
        restart()
        wait_for("the pack to come back", 30, lambda: any(name.startswith(pack) for name in self.entities()))
        self.expect("entity, unit and pack that left the configuration disappeared", True)

    def control(self):
        """A select changes both units; one that is refused shows the old value and the reason."""
        select = SELECT
        self.bridge.stop()
        self.configure()
        self.bridge.start()
        wait_for("the select", 60, lambda: self.state(select) not in (None, "unknown", "unavailable"))
        old = self.state(select)
        options = self.home_assistant.states()[select]["attributes"]["options"]
        new = next(option for option in options if option != old)
        self.choose(select, new)
        wait_for("the new value", 90, lambda: self.state(select) == new)
        names = [self.bank.replies(unit, "PIRI")["PIRI"]["names"]["output_priority"] for unit in range(len(UNITS))]
        self.expect(f"both units have {new}: {names}", all(name.replace("-", "_") == new for name in names))
        self.cables[1].unplug()
        self.choose(select, old)
        wait_for("the reason", 60, lambda: self.failure(select))
        self.expect(f"the reason: {self.failure(select)}", self.state(select) in (new, "unknown"))
        self.cables[1].plug()
        wait_for("the old value", 60, lambda: self.state(select) == new)
        names = [self.bank.replies(unit, "PIRI")["PIRI"]["names"]["output_priority"] for unit in range(len(UNITS))]
        wait_for("the virtual units", 20, self._read_units)
        self.components = self.published()
        # The bridge reads the settings of both units again before it compares them.
        wait_for("all entities to be right", 60, lambda: not self.wrong_entities())
        self.expect(f"both units still have {new}: {names}", all(name.replace("-", "_") == new for name in names))

    def state(self, entity):
        """Returns the state of an entity."""
        return self.home_assistant.states().get(entity, {}).get("state")

    def failure(self, entity):
        """Returns the reason of the last failure that a select shows."""
        failure = self.home_assistant.states()[entity]["attributes"].get("failure")
        return failure and failure["why"]

    def choose(self, entity, option):
        """Chooses an option, as a user does."""
        self.home_assistant.post("/api/services/select/select_option", {"entity_id": entity, "option": option})

    def log(self):
        """The log has no warning and no error about us."""
        names = r"lvx|homeassistant\.components\.mqtt|energy"
        # The broker is killed in this test.
        harmless = r"Disconnected from MQTT server|Failed to connect to MQTT server|Error returned from MQTT server"
        entries = [entry for entry in self.home_assistant.log_entries(names) if not re.search(harmless, entry)]
        for entry in entries[:20]:
            print(entry.strip()[:600])
        self.expect("Home Assistant's log has no warning about the bridge", not entries)


def dashboard():
    """Returns the dashboard of the documentation."""
    with open(DOCUMENT, encoding="utf-8") as file:
        blocks = re.findall(r"(?ms)^```yaml\n(.*?)^```", file.read())
    return next(block for block in blocks if block.startswith("title:"))


def main():
    """Runs the test."""
    lvx, folder = sys.argv[1:3]
    test = Test(lvx, folder)
    parts = sys.argv[3:] or ["energy", "dashboard", "buttons", "unplug", "control", "restarts", "silent_pack",
                             "validate_energy", "leave_out"]
    try:
        test.start()
        test.appear()
        for part in parts:
            getattr(test, part)()
    except (TimeoutError, RuntimeError, KeyError) as error:
        test.fail(f"{type(error).__name__}: {error}")
    try:
        test.log()
    finally:
        test.stop()
    print(f"{len(test.failures)} failures; logs are in {test.folder}")
    sys.exit(1 if test.failures else 0)


if __name__ == "__main__":
    main()
