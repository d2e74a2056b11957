#!/usr/bin/env python3
"""Reads the virtual inverters with mppsolar and powermon, and compares every value with that of lvx.

    clients.py LVX                 the two units of `LVX simulate`, over serial ports
    clients.py LVX --frames FILE   recorded replies, from a file with paragraphs of id, command and bytes

Needs Python 3.11 or 3.12 with mppsolar 0.16.56 and powermon 1.0.18. Values are paired by their position in
the reply, because the names differ; `--verbose` shows the pairs. `DEVIATIONS` lists the values that a client
is known to print wrongly. Any other difference, and a listed one that does not occur, is an error.
"""
import argparse
import asyncio
import contextlib
import json
import logging
import os
import re
import select
import subprocess
import sys
import sysconfig
import tempfile
import tty
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal, InvalidOperation
from typing import Callable, NamedTuple, Optional

from mppsolar.protocols import get_protocol
from powermon.commands.command import Command
from powermon.commands.reading_definition import ResponseType
from powermon.commands.result import ResultType
from powermon.libs.errors import InvalidCRC
from powermon.ports.serialport import SerialPort
from powermon.protocols import get_protocol_definition

from bank import run_lvx, virtual_bank

UNITS = 2
# The exceptions and messages of the clients for a code that is not in their table.
NOT_IN_TABLE = re.compile(r"index out of range|'\d+'$|KeyError|IndexError|UnboundLocalError")


class Reading(NamedTuple):
    """A value as a client prints it; `texts` maps codes to texts if the value is a code."""
    label: str
    value: object
    unit: str
    texts: Optional[dict]


class Answer(NamedTuple):
    """A reply as a client prints it; `tables` has the `texts` of every field that the client declares."""
    readings: list
    tables: list
    error: str = ""


class Field(NamedTuple):
    """A value as lvx prints it; `unit` is None if lvx prints no units."""
    name: str
    value: object
    unit: Optional[str]


class Deviation(NamedTuple):
    """A known difference. `value` computes the client's value from that of lvx; None if it does not differ."""
    client: str
    command: str
    places: range
    why: str
    value: Optional[Callable] = None
    unit: Optional[str] = None
    label: Optional[str] = None


def padded_serial(serial):
    """Returns a serial number in the form of the protocol: its length in two digits, then 20 characters with
    trailing zeros."""
    return f"{len(serial):02}{serial.ljust(20, '0')}"


DEVIATIONS = [
    Deviation("mppsolar|powermon", "VFW", range(3),
              "a version is text; read as a number, it loses leading zeros", value=int),
    Deviation("mppsolar", "ID", range(1),
              "length and padding are shown as part of the number", value=padded_serial),
    Deviation("powermon", "ID", range(1), "length and padding are read as part of a number",
              value=lambda serial: int(padded_serial(serial))),
    Deviation("mppsolar PI18(LVX|SV)", "ET", range(1),
              "the counter is in Wh, like those of year, month and day", unit="kWh"),
    Deviation("mppsolar PI18(LVX|SV)", "GS", range(21, 23),
              "MPPT status 2 is charging", value={2: "normal"}.get),
    Deviation("mppsolar PI18(LVX|SV)", "PIRI", range(17, 18),
              "priority 1 is solar, battery, utility", value={1: "Solar and Utility"}.get),
    Deviation("powermon", "GS", range(27, 28),
              "the field is the instance number, not a validity flag: 0 is the master",
              value={0: "Not valid", 1: "valid"}.get),
    Deviation("mppsolar PI18$|powermon", "FLAG", range(1),
              "the label claims a meaning of the flag that is not known", label="buzzer_beep"),
]


def known_deviation(client, command, place, value):
    """Returns the known deviation for the value at this place of a reply, or None."""
    for known in DEVIATIONS:
        if (re.match(known.client, client) and known.command == base(command)
                and place in known.places and not (known.value and known.value(value) is None)):
            return known
    return None


def base(command):
    """Returns a command without its argument: `EY` for `EY2021`, `PGS` for `PGS0`."""
    return command.rstrip("0123456789")


def key(label):
    """Returns a label in the form that both clients use in JSON."""
    return label.replace(" ", "_").lower()


def by_code(options):
    """Returns a client's table, a list or a dict with codes as text, as a dict with codes as numbers."""
    pairs = options.items() if isinstance(options, dict) else enumerate(options)
    return {int(code): text for code, text in pairs}


class MppSolar:
    """`mpp-solar`, through its command line, with all commands of a protocol in one run."""

    def __init__(self, protocol):
        self.name = f"mppsolar {protocol}"
        self.protocol_name = protocol
        self.protocol = get_protocol(protocol)

    def queries(self):
        commands = self.protocol.COMMANDS.items()
        return [name for name, known in commands if known["type"].startswith("QUERY")]

    def ask(self, port, commands):
        program = os.path.join(sysconfig.get_path("scripts"), "mpp-solar")
        run = subprocess.run(  # without --porttype, it guesses the type from the path
            [program, "--port", port, "--porttype", "serial", "--baud", "2400", "--protocol",
             self.protocol_name, "--output", "json_units", "--command", "#".join(commands)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
        printed = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
        if len(printed) != len(commands):
            raise RuntimeError(f"{self.name}: expected {len(commands)} answers to {commands}, found {len(printed)}\n"
                               f"{run.stderr}")
        return list(map(self.answer, commands, printed))

    def decode(self, command, frame):
        try:
            return self.answer(command, self.protocol.decode(frame, command))
        except Exception as error:  # the command line turns every exception into an error entry
            return self.answer(command, {"error": [str(error), ""]})

    def answer(self, command, entries):
        declared = self.protocol.get_command_defn(command)
        place_of_type = 2 if declared.get("response_type") == "INDEXED" else 0
        types = {key(row[1]): row[place_of_type] for row in declared["response"]}
        texts = {key(row[1]): by_code(row[2]) for row in declared["response"]
                 if row[0] in ("option", "keyed")}
        tables = [texts.get(label) for label in types]
        readings = []
        for label, entry in entries.items():
            if label.startswith("_") or label == "raw_response":
                continue
            label = key(label)
            value, unit, *_ = entry.values() if isinstance(entry, dict) else entry
            if label.startswith(("error", "warning")):
                return Answer([], tables, value)
            if not types.get(label, "").startswith("info:"):  # repeats the date of the query
                readings.append(Reading(label, value, unit, texts.get(label)))
        return Answer(readings, tables)


class PowerMon:
    """`powermon`, through its port object: its command line fails on every serial port, because
    `SerialPort.from_config` does not return the port."""

    name = "powermon"

    def __init__(self):
        self.protocol = get_protocol_definition("PI18")

    def queries(self):
        commands = self.protocol.list_commands().items()
        return [name for name, known in commands if known.result_type is not ResultType.PI18_ACK]

    def ask(self, port, commands):
        return asyncio.run(self.ask_all(port, commands))

    async def ask_all(self, path, commands):
        port = SerialPort(path=path, baud=2400, protocol=get_protocol_definition("PI18"))
        answers = []
        for command in map(self.command, commands):
            try:
                answers.append(self.answer(command, await port.run_command(command)))
            except Exception as error:  # unknown codes raise various exceptions
                answers.append(self.answer(command, error))
        await port.disconnect()
        return answers

    def decode(self, command, frame):
        command = self.command(command)
        try:
            return self.answer(command, command.build_result(frame, self.protocol))
        except Exception as error:
            return self.answer(command, error)

    def command(self, text):
        command = Command.from_config({"command": text})
        command.command_definition = self.protocol.get_command_definition(text)
        return command

    def answer(self, command, result):
        declared = command.command_definition
        tables = [self.texts(row) for row in declared.reading_definitions.values()]
        if isinstance(result, Exception) or result.error:
            return Answer([], tables, str(getattr(result, "raw_response", None) or repr(result)))
        readings = [Reading(key(row.data_name), row.data_value, row.data_unit,
                            self.texts(row.definition)) for row in result.readings]
        if declared.result_type is ResultType.MULTIVALUED:  # a list is one text
            (whole,) = readings
            readings = [whole._replace(value=value) for value in whole.value.split(",")]
            tables = [None] * len(readings)
        return Answer(readings, tables)

    @staticmethod
    def texts(definition):
        if definition.response_type == ResponseType.ENABLED_BOOL:
            return {0: "disabled", 1: "enabled"}
        return by_code(definition.options) if definition.options else None

    def crc_holds(self, frame):
        """Returns whether the CRC is correct. powermon expects 01 for a CRC byte 00, so 00 is replaced first."""
        with contextlib.suppress(InvalidCRC):
            raised = bytes(byte or 1 for byte in frame[-3:-1])
            return self.protocol.check_crc(frame[:-3] + raised + frame[-1:])
        return False


def fields_of(command, ours):
    """Yields the values that lvx prints, in the form of the protocol."""
    for name, value in ours["values"].items():
        unit = ours["units"].get(name, "") if "units" in ours else None
        for item in value if isinstance(value, list) else [value]:
            if item is None:  # an optional field that this reply does not have
                continue
            if base(command) in ("T", "ACCT", "ACLT"):  # 20:30 is 2030 on the wire
                item = re.sub(r"\D", "", item)
            yield Field(name, int(item) if isinstance(item, bool) else item, unit)


def scaled(reading):
    """Returns value and unit of a reading; 546 in `0.1V` becomes 54.6 in `V`."""
    step, unit = re.fullmatch(r"([0-9.]*)(.*)", reading.unit).groups()
    unit = {"HZ": "Hz", "YYYYMMDDHHMMSS": "", "HH:MM": ""}.get(unit, unit)
    try:
        return Decimal(str(reading.value)) * Decimal(step or 1), unit
    except InvalidOperation:
        return reading.value, unit


def same_value(field, reading):
    """Returns whether a client prints the same value as lvx."""
    if reading.texts is not None:
        return reading.texts.get(field.value) == reading.value
    if isinstance(field.value, str):
        return field.value == str(reading.value)
    return Decimal(str(field.value)) == scaled(reading)[0]


def difference(client, place, field, reading, known):
    """Returns an error unless the value equals that of lvx or follows from a known deviation."""
    unit = scaled(reading)[1]
    holds = [
        reading.value == known.value(field.value) if known and known.value
        else same_value(field, reading),
        not unit or field.unit is None or unit == (known and known.unit or field.unit),
        not (known and known.label) or reading.label == known.label,
    ]
    if all(holds):
        return None
    return (f"field {place}: {client} prints {reading.label} {reading.value!r} {reading.unit}, "
            f"lvx {field.name} {field.value!r} {field.unit or ''}"
            + (f", although known to deviate: {known.why}" if known else ""))


def compare_error(client, fields, answer, frame):
    """Explains why a client prints no values: returns (the known reason, None) or (None, an error)."""
    if client == "powermon" and 0 in frame[-3:-1]:
        expected = ", ".join(f"{byte or 1:02x}" for byte in frame[-3:-1])
        if f"doesnt match calc ({expected})" in answer.error:
            return "refused, as known: it expects 01 for a CRC byte 00", None
    for field, texts in zip(fields, answer.tables):
        if texts and field.value not in texts and NOT_IN_TABLE.search(answer.error):
            return f"no values, as known: its table does not have {field.name} {field.value}", None
    if client != "powermon" and frame[-2:-1] == b",":
        return "no values, as known: it splits at a comma in the CRC", None
    return None, f"{client} prints no values: {answer.error}"


def compare(client, command, ours, answer, frame, verbose):
    """Compares one reply; returns a remark and a list of errors."""
    if ours is None:
        return "", [f"{command}: expected values from lvx, found none"]
    fields = list(fields_of(command, ours))
    if answer.error:
        remark, wrong = compare_error(client, fields, answer, frame)
        return remark, [wrong] if wrong else []
    readings, spoiled = answer.readings, ""
    if client == "powermon":  # drops fields that it does not declare
        fields = fields[:len(answer.tables)]
    elif b"," in frame[-3:-1]:  # splits before it removes the CRC, so the last value is wrong
        fields = fields[:-1]
        readings = readings[:len(fields)]
        spoiled = ", the last one wrong because of a comma in the CRC, as known"
    if len(readings) != len(fields):
        return "", [f"{command}: expected {len(fields)} values as from lvx, found {len(readings)} from {client}"]
    wrong, deviating = [], 0
    for place, (field, reading) in enumerate(zip(fields, readings)):
        known = known_deviation(client, command, place, field.value)
        deviating += known is not None
        wrong.append(difference(client, place, field, reading, known))
        if verbose:
            print(f"    {reading.label} {reading.value} {reading.unit}"
                  f" | {field.name} {field.value} {field.unit or ''}")
    remark = f"{len(fields) - deviating} values equal{spoiled}"
    return remark + (f", {deviating} as known" if deviating else ""), list(filter(None, wrong))


def reply_to(port, command):
    """Sends a command and returns the bytes of the reply. Some deviations depend on its CRC."""
    fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(fd)
        os.write(fd, f"^P{len(command) + 3:03}{command}\r".encode())
        reply = b""
        while not reply.endswith(b"\r"):
            if not select.select([fd], [], [], 5)[0]:
                raise RuntimeError(f"{port}: expected a reply to {command}, found {reply!r}")
            reply += os.read(fd, 256)
        return reply
    finally:
        os.close(fd)


def requests_for(command, date):
    """Returns the requests for a command, with a date or an instance number if it takes one."""
    units = [f"{command}{unit}" for unit in range(UNITS)]
    return {"EY": ["EY" + date[:4]], "EM": ["EM" + date[:6]], "ED": ["ED" + date[:8]],
            "PRI": units, "PGS": units}.get(command, [command])


def read_unit(lvx, port, clients):
    """Reads one unit with the clients and lvx. Returns a list of (client, request, ours, answer, frame), where
    `ours` is the output of lvx."""
    date = reply_to(port, "T")[5:13].decode()
    rows, seen = [], {}
    for client in clients:
        requests = [request for name in client.queries() for request in requests_for(name, date)]
        for request, answer in zip(requests, client.ask(port, requests)):
            if request not in seen:
                ours = run_lvx(lvx, "query", request, "--format", "json", f"serial:{port}").stdout
                seen[request] = json.loads(ours or "null"), reply_to(port, request)
            ours, frame = seen[request]
            rows.append((client, request, ours, answer, frame))
    return rows


def live(lvx, clients, verbose):
    """Yields (title, remark, errors) for each client, command and unit."""
    with virtual_bank(lvx, UNITS) as ports, ThreadPoolExecutor() as pool:
        units = list(pool.map(lambda port: read_unit(lvx, port, clients), ports))
    for number, rows in enumerate(units):
        for client, request, ours, answer, frame in rows:
            title = f"{client.name} {request}" + (f" of unit {number}" if number else "")
            yield title, *compare(client.name, request, ours, answer, frame, verbose)


def paragraphs(path):
    """Yields id, command and hex of each frame in a file. The file has printable bytes as they are, others as
    escapes."""
    with open(path, encoding="ascii") as text:
        for paragraph in text.read().split("\n\n"):
            row = dict(re.findall(r"^(id|command|bytes) +(.*)$", paragraph, re.MULTILINE))
            if "bytes" in row:
                frame = row["bytes"].encode().decode("unicode_escape").encode("latin-1")
                yield {"id": row["id"], "command": row["command"], "hex": frame.hex()}


def recorded(lvx, path, clients, verbose):
    """Yields (title, remark, errors) for each recorded reply and each client that has its command."""
    rows = list(paragraphs(path))
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as log:
        log.writelines(json.dumps(row) + "\n" for row in rows)
        log.flush()
        decoded = map(json.loads, run_lvx(lvx, "decode", log.name).stdout.splitlines())
        ours = {row["id"]: row for row in decoded}
    reference = PowerMon()
    for row in rows:
        frame = bytes.fromhex(row["hex"])
        if not frame.startswith(b"^D"):  # requests and acknowledgements have no values
            continue
        decoded = ours.get(row["id"], {"ok": False, "error": "no output for this frame"})
        crc_holds = reference.crc_holds(frame)
        if crc_holds != decoded["ok"]:
            verdict = "correct" if crc_holds else "wrong"
            yield row["id"], "", [f"powermon: CRC {verdict}; lvx: {json.dumps(decoded)}"]
        elif not crc_holds:
            yield f"powermon {row['id']}", "refused by both", []
        else:
            (request, *_) = requests_for(row["command"], "20210521")
            for client in clients:
                if row["command"] in client.queries():
                    answer = client.decode(request, frame)
                    title = f"{client.name} {row['command']} in {row['id']}"
                    yield title, *compare(client.name, request, decoded, answer, frame, verbose)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lvx", help="the lvx program")
    parser.add_argument("--frames", metavar="FILE", help="compare recorded replies instead")
    parser.add_argument("--verbose", action="store_true", help="show every pair of values")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # the clients also return the errors that they log
    clients = [MppSolar("PI18"), MppSolar("PI18LVX"), MppSolar("PI18SV"), PowerMon()]
    if options.frames:
        results = recorded(options.lvx, options.frames, clients, options.verbose)
    else:
        results = live(options.lvx, clients, options.verbose)
    passed = failed = 0
    for title, remark, wrong in results:
        passed, failed = passed + (not wrong), failed + bool(wrong)
        print(f"{title}: " + ("\n    ".join(["FAILED", *wrong]) if wrong else remark), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
