#!/usr/bin/env python3
"""Tests lvx and the virtual bank with NUT, ser2net and socat.

    bridges.py LVX PACKAGES      PACKAGES is the folder that `fetch` filled

- NUT's `nutdrv_qx` probes a unit with PI30 queries. It does not support the unit, and no setting changes.
- Through ser2net, lvx reads the same replies as without it. If the line is in use, lvx exits with status 3
  and shows the text of the bridge. While another program polls on the same line, lvx prints no wrong value.
- If socat is killed in the middle of a reply, lvx exits with status 3 and prints no value.

All connections use the loopback interface and ptys of this machine.
"""
import argparse
import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

from bank import Programs, run_lvx, virtual_bank

# The queries whose replies do not change while the bank is frozen.
QUERIES = ("PI GMN ID VFW T ET EY2026 EM202606 ED20260621 PIRI GS MOD FWS FLAG DI MCHGCR MUCHGCR "
             "PRI0 PGS0 ACCT ACLT").split()


def all_replies(lvx, address):
    """Returns the frames of the replies of a unit to all queries."""
    run = run_lvx(lvx, "query", *QUERIES, "--format", "raw", address)
    if run.returncode or run.stdout.count("^D") != len(QUERIES):
        raise RuntimeError(f"{address}: expected {len(QUERIES)} replies, found {run.stdout}{run.stderr}")
    return run.stdout


# NUT's driver

PROTOCOLS = ["", "voltronic", "voltronic-qs", "megatec", "mecer", "q1"]


def nut(lvx, programs):
    """Lets the driver probe for a UPS, with each known answer of units to PI30 queries."""
    for answer in ("nak", "refuse", "answer"):
        with virtual_bank(lvx, 1, "--switch", f"pi30={answer}") as (port,):
            before = all_replies(lvx, f"serial:{port}")
            for protocol in PROTOCOLS:
                run, wrong = probe(programs, port, protocol), []
                asked = len(re.findall(r"send: '", run.stdout))
                # The driver may mistake a unit for a UPS only if the unit answers PI30 queries.
                if answer != "answer" and (run.returncode != 1 or "Device not supported!" not in run.stdout):
                    wrong.append(f"expected an unsupported device, found status {run.returncode}")
                if not asked:
                    wrong.append("expected requests, found none")
                after = all_replies(lvx, f"serial:{port}")
                if after != before:
                    wrong.append(f"expected no change of the unit, found\n{before}then\n{after}")
                name = protocol or "every protocol"
                yield (f"nutdrv_qx {name}, pi30={answer}", f"{asked} requests, nothing changed",
                       wrong + (run.stdout.splitlines()[-20:] if wrong else []))


def probe(programs, port, protocol):
    """Runs the driver once with debug output, and returns the completed process."""
    with tempfile.TemporaryDirectory(prefix="nut-") as state:
        environment = {**programs.environment, "NUT_STATEPATH": state, "NUT_CONFPATH": state}
        return subprocess.run(
            [programs.path("nutdrv_qx"), "-s", "inverter", "-x", f"port={os.path.realpath(port)}",
             *(["-x", f"protocol={protocol}"] if protocol else []), "-u", "root", "-DDDD", "-d", "1"],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=120, check=False)


# ser2net

def free_port():
    """Returns the number of a free TCP port."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def ser2net(programs, port, connections):
    """Runs ser2net for a serial port and this number of clients, and yields the address of the bridge."""
    number = free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as settings:
        settings.write(f"connection: &bridge\n"
                       f"  accepter: tcp,127.0.0.1,{number}\n"
                       f"  connector: serialdev,{os.path.realpath(port)},2400n81,local\n"
                       f"  options:\n"
                       f"    max-connections: {connections}\n")
        settings.flush()
        with programs.running("ser2net", "-n", "-d", "-u", "-c", settings.name,
                              stderr=subprocess.DEVNULL) as bridge:
            until_it_listens(number, bridge)
            yield f"tcp:127.0.0.1:{number}"


def until_it_listens(number, program):
    """Waits up to 10 s until the program listens on the TCP port with this number."""
    for _ in range(100):
        # This reads the table of sockets, because a test connection would occupy the bridge.
        with open("/proc/net/tcp", encoding="ascii") as table:
            if any(row.split()[1].endswith(f":{number:04X}") and row.split()[3] == "0A"
                   for row in table.readlines()[1:]):
                return
        if program.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"expected {program.args[0]} to listen on port {number}")


def through_ser2net(lvx, programs):
    """Reads a unit through ser2net, first alone, then with another client."""
    with virtual_bank(lvx, 1) as (port,):
        direct = all_replies(lvx, f"serial:{port}")
        with ser2net(programs, port, 1) as address:
            bridged = all_replies(lvx, address)
            wrong = [] if bridged == direct else [f"expected\n{direct}found\n{bridged}"]
            yield "ser2net", f"{len(QUERIES)} replies, the same as without ser2net", wrong

            host, number = address.removeprefix("tcp:").split(":")
            with contextlib.closing(socket.create_connection((host, int(number)))) as other:
                other.sendall(request("MOD"))
                other.recv(100)
                run = run_lvx(lvx, "query", "GS", address)
            wrong = []
            if run.returncode != 3 or run.stdout or "Port already in use" not in run.stderr:
                wrong.append(f"expected status 3 and the bridge's text, found {run}")
            yield "ser2net with another client", run.stderr.strip(), wrong


# The queries that monitors repeat, and queries whose replies can be mistaken for others: PI18 does not number
# its replies. The replies to MOD and GMN have the same form, and so have those to ET and EY, to the two lists
# of currents, about two days, and about two units.
MONITOR = ["GS", "PIRI", "MOD", "FWS"]
LOOKALIKES = ["GMN", "MUCHGCR", "EY2026", "PGS1", "PRI1"]
ASKED = ["GS", "PIRI", "MOD", "FWS", "PI", "ID", "VFW", "FLAG", "DI", "ET", "MCHGCR", "PGS0", "PRI0"]
ROUNDS = 2


def beside_a_poller(lvx, programs):
    """Reads a unit through ser2net while another program polls on the same line."""
    for queries, pace in ((MONITOR, None), (MONITOR, 19200), (LOOKALIKES, 19200)):
        options = ["--switch", "mode=03"] + (["--switch", f"pace={pace}"] if pace else [])
        with virtual_bank(lvx, 2, *options) as (port, _):
            expected = {query: run_lvx(lvx, "query", query, "--format", "raw", f"serial:{port}").stdout
                        for query in ASKED}
            with ser2net(programs, port, 4) as address, Poller(address, queries) as poller:
                runs = [(query, run_lvx(lvx, "query", query, "--format", "raw", address))
                        for _ in range(ROUNDS) for query in ASKED]
        wrong = [f"{query}: expected {expected[query]!r}, found {run}" for query, run in runs
                 if not (run.returncode == 0 and run.stdout == expected[query])
                 and not (run.returncode == 3 and not run.stdout)]
        read = sum(run.returncode == 0 for _, run in runs)
        if not all(expected.values()) or read < len(runs) / 5 or poller.polls < len(runs):
            wrong.append(f"expected a value from at least a fifth of the runs, found {read} of {len(runs)}, with "
                         f"{poller.polls} foreign polls")
        speed = f" at {pace} baud" if pace else ""
        yield (f"ser2net, max-connections, with a foreign poller of {' '.join(queries)}{speed}",
               f"{read} of {len(runs)} correct, the others status 3; {poller.polls} foreign polls",
               wrong)


class Poller:
    """Sends queries repeatedly, like a monitor that does not expect other clients on the line."""

    def __init__(self, address, queries):
        self.queries = queries
        host, number = address.removeprefix("tcp:").split(":")
        self.line = socket.create_connection((host, int(number)))
        self.line.settimeout(0.3)
        self.polls = 0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.poll)

    def poll(self):
        while not self.stopped.is_set():
            for query in self.queries:
                self.line.sendall(request(query))
                with contextlib.suppress(TimeoutError):
                    while b"\r" not in self.line.recv(300):
                        pass
                self.polls += 1
                self.stopped.wait(0.02)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        self.line.close()


def request(command):
    """Returns the frame of a query. Does not use lvx."""
    frame, crc = f"^P{len(command) + 3:03}{command}".encode(), 0
    for byte in frame:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    crc = [byte + 1 if byte in b"(\r\n" else byte for byte in divmod(crc, 256)]
    return frame + bytes(crc) + b"\r"


# socat

def killed_socat(lvx, programs):
    """Connects lvx to a unit with socat, in both directions, and kills socat during a reply."""
    with virtual_bank(lvx, 1, "--tcp", "127.0.0.1:0", "--switch", "pace=600") as (port, bridge):
        with tempfile.TemporaryDirectory(prefix="socat-") as folder:
            pty = os.path.join(folder, "pty")
            yield ("socat from a pty to TCP, killed in the middle of a reply",
                   *killed(lvx, programs, f"serial:{pty}", lambda _: os.path.exists(pty),
                           f"PTY,link={pty},rawer", f"TCP:{bridge}"))
        number = free_port()
        yield ("socat from TCP to a pty, killed in the middle of a reply",
               *killed(lvx, programs, f"tcp:127.0.0.1:{number}",
                       lambda socat: until_it_listens(number, socat) or True,
                       f"TCP-LISTEN:{number},bind=127.0.0.1",
                       f"FILE:{os.path.realpath(port)},rawer"))


def killed(lvx, programs, address, is_ready, *ends):
    """Kills socat in the middle of the second reply, which is long. Returns a remark and a list of errors."""
    with programs.running("socat", "-x", *ends, stderr=subprocess.PIPE, text=True) as socat:
        for _ in range(100):
            if is_ready(socat):
                break
            time.sleep(0.1)
        query = subprocess.Popen([lvx, "query", "GS", address], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        try:
            received = 0
            while received < 50:
                line = socat.stderr.readline()
                if not line:
                    raise RuntimeError(f"expected 50 bytes from socat, found {received}")
                length = re.match(r"< .* length=(\d+)", line)
                received += int(length[1]) if length else 0
            socat.kill()
            start = time.monotonic()
            output, error = query.communicate(timeout=60)
        finally:
            query.kill()
    wrong = []
    if query.returncode != 3 or output:
        wrong.append(f"expected status 3 and no value, found {query.returncode}: {output}{error}")
    return f"status 3 after {time.monotonic() - start:.1f} s: {error.strip()}", wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lvx", help="the lvx program")
    parser.add_argument("packages", help="the folder with the programs")
    options = parser.parse_args()
    programs = Programs(os.path.abspath(options.packages))
    passed = failed = 0
    for test in (nut, through_ser2net, beside_a_poller, killed_socat):
        for title, remark, wrong in test(options.lvx, programs):
            passed, failed = passed + (not wrong), failed + bool(wrong)
            print(f"{title}: " + ("\n    ".join(["FAILED", *wrong]) if wrong else remark), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
