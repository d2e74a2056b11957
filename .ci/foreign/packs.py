#!/usr/bin/env python3
"""Reads virtual battery packs with pymodbus, and compares every register with the one that it must be.

    packs.py SERVE_PACK FRAMES

SERVE_PACK is the program of the example `serve_pack`, FRAMES the file with captured frames of packs. A captured
reply and a reply written here from the maker's table are read over a serial port and over TCP.
"""
import argparse
import contextlib
import json
import logging
import subprocess
import sys

from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ModbusIOException
from pymodbus.framer import FramerType

ADDRESS = 64
LIVE = (0, 39)
LABEL = (105, 23)

# The pack of the forum, which is being discharged. Its cells follow from the capture.
FORUM = ["volts=53.76", "current=-4.36", "board=21", "temperature=20", "remaining=90", "limit=50", "soc=91",
         "cycles=1"]

# A pack of another size that is being charged, with a different value in each register.
CELLS = [3412, 3398, 3401, 3287, 3456, 3300, 3301, 3302, 3303, 3304, 3305, 3306, 3307, 3308, 3309, 3310]
CHARGED = ["capacity=280.5", "volts=55.31", "current=48.27", "temperature=-12", "board=-3", "remaining=163",
           "limit=75", "soc=58", "warn=0x2002", "protect=0x1000", "cycles=65534", "cell=3:200",
           "cells=" + ",".join(f"{cell // 1000}.{cell % 1000:03}" for cell in CELLS)]
FULL = 280_500 * 3600  # mA·s
CHARGED_REGISTERS = [
    5531, 4827, *CELLS, 0x10000 - 3, 0x10000 - 12, 0x10000 - 12, 163, 75, 100, 58,
    0x0005,  # charging, protecting
    0x2002, 0x1000, 0, 0, 65534, FULL >> 16, FULL & 0xFFFF,
    0xF4F4, 0xF4F4, 0, 16, 2805,
    0x0004,  # the third cell is balanced
]


@contextlib.contextmanager
def served(program, switches):
    """Serves packs with these switches, and yields the serial port of one and the TCP address of the other."""
    packs = subprocess.Popen([program, *switches], stdout=subprocess.PIPE, text=True)
    try:
        port, address = (packs.stdout.readline().strip() for _ in range(2))
        if not address:
            raise RuntimeError(f"{program} {switches} ended before it printed two addresses")
        yield port.removeprefix("pack:"), address.removeprefix("pack:tcp:")
    finally:
        packs.kill()
        packs.wait(timeout=10)


@contextlib.contextmanager
def clients(program, switches, echo=False):
    """Yields clients for two packs with these switches, by the name of the link."""
    with served(program, switches) as (port, address), contextlib.ExitStack() as stack:
        host, number = address.rsplit(":", 1)
        found = {
            "serial": ModbusSerialClient(port, baudrate=9600, timeout=5, retries=0, handle_local_echo=echo),
            "TCP": ModbusTcpClient(host, port=int(number), framer=FramerType.RTU, timeout=5, retries=0),
        }
        for name, client in found.items():
            if not client.connect():
                raise RuntimeError(f"expected a connection over {name}, found none")
            stack.callback(client.close)
        yield found


def read(client, registers, address=ADDRESS):
    """Returns registers as pymodbus reads them; an empty list for an exception or without a reply."""
    start, count = registers
    try:
        return client.read_holding_registers(start, count=count, device_id=address).registers
    except ModbusIOException:
        return []


def differences(found, expected):
    """Returns an error for each register that differs."""
    if len(found) != len(expected):
        return [f"expected {len(expected)} registers, found {len(found)}"]
    return [f"register {number}: expected {right}, found {word}"
            for number, (word, right) in enumerate(zip(found, expected)) if word != right]


def captured(path):
    """Returns the registers of the captured reply of the pack of the forum, and the switches for its cells."""
    with open(path, encoding="utf-8") as lines:
        frames = {frame["name"]: bytes.fromhex(frame["bytes"]) for frame in map(json.loads, lines)}
    data = frames["lp4v2-live"][3:-2]
    words = [high << 8 | low for high, low in zip(data[::2], data[1::2])]
    return words, ["cells=" + ",".join(f"{cell / 1000:.3f}" for cell in words[2:18])]


def results(program, frames):
    """Yields (title, remark, errors) for each check."""
    forum, cells = captured(frames)
    for name, switches, expected in [("captured pack", FORUM + cells, forum),
                                     ("charged pack", CHARGED, CHARGED_REGISTERS)]:
        with clients(program, switches) as links:
            for link, client in links.items():
                wrong = differences(read(client, LIVE), expected)
                yield f"{name} over {link}", f"{len(expected)} registers equal", wrong

    with clients(program, ["echo=on", *FORUM, *cells], echo=True) as links:
        wrong = differences(read(links["serial"], LIVE), forum)
        yield "pack behind an adapter with an echo", f"{len(forum)} registers equal", wrong

    with clients(program, ["address=16", *FORUM, *cells]) as links:
        for client in links.values():
            client.comm_params.timeout_connect = 0.5
        wrong = differences(read(links["serial"], LIVE, 16), forum)
        others = sum(len(read(links["TCP"], LIVE, address)) for address in (ADDRESS, 15, 17))
        wrong += [f"expected no reply at other addresses, found {others} registers"] if others else []
        yield "pack with another address", "answers at this one only", wrong

    with clients(program, FORUM + cells) as links:
        words = read(links["TCP"], LABEL)
        label = b"".join(word.to_bytes(2, "big") for word in words).rstrip(b"\0")
        wrong = [] if label.startswith(b"LFP-51.2V100Ah-V1.0\0") else [f"expected a model, found {label}"]
        yield "label", "names the model", wrong
        refused = links["serial"].write_register(22, 10, device_id=ADDRESS)
        right = refused.isError() and refused.exception_code == 1
        yield "write", "refused", [] if right else [f"expected exception 1, found {refused}"]
        yield "registers after it", "equal", differences(read(links["serial"], LIVE), forum)

    with clients(program, ["crc=1", *FORUM, *cells]) as links:
        links["serial"].comm_params.timeout_connect = 0.5
        words = read(links["serial"], LIVE)
        yield "damaged reply", "refused", [f"expected no registers, found {words}"] if words else []


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("serve_pack", help="the program of the example serve_pack")
    parser.add_argument("frames", help="captured frames of packs")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # pymodbus logs the missing replies that are expected
    failed = 0
    for title, remark, wrong in results(options.serve_pack, options.frames):
        failed += bool(wrong)
        print(f"{title}: " + ("\n    ".join(["FAILED", *wrong]) if wrong else remark), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
