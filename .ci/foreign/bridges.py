#!/usr/bin/env python3
"""Puts other people's programs between lvx and a virtual unit, and lets them ask it.

    bridges.py LVX PACKAGES      PACKAGES is the folder that `fetch` filled

- NUT's `nutdrv_qx`, which asks PI30 questions: it is refused, and no setting changes.
- ser2net: lvx reads through it the same as without it; a line that is in use is status 3 with the
  bridge's text; beside a foreign poller on the same line lvx never prints a wrong value.
- socat, killed in the middle of a reply: status 3, no value, no hang.

Everything is on this machine's loopback and ptys.
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

# All that a unit can be asked and that does not change while the bank is frozen.
QUESTIONS = ("PI GMN ID VFW T ET EY2026 EM202606 ED20260621 PIRI GS MOD FWS FLAG DI MCHGCR MUCHGCR "
             "PRI0 PGS0 ACCT ACLT").split()


def all_replies(lvx, address):
    """The frames that a unit answers to every question."""
    run = run_lvx(lvx, "query", *QUESTIONS, "--format", "raw", address)
    if run.returncode or run.stdout.count("^D") != len(QUESTIONS):
        raise RuntimeError(f"{address} does not answer: {run.stdout}{run.stderr}")
    return run.stdout


# NUT's driver

PROTOCOLS = ["", "voltronic", "voltronic-qs", "megatec", "mecer", "q1"]


def nut(lvx, programs):
    """The driver probes, as when a UPS is looked for; units answer it in each known way."""
    for answer in ("nak", "refuse", "answer"):
        with virtual_bank(lvx, 1, "--switch", f"pi30={answer}") as (port,):
            before = all_replies(lvx, f"serial:{port}")
            for protocol in PROTOCOLS:
                run, wrong = probe(programs, port, protocol), []
                asked = len(re.findall(r"send: '", run.stdout))
                # A unit that answers PI30 may be taken for a UPS, but not one that refuses.
                if answer != "answer" and (run.returncode != 1 or "Device not supported!" not in run.stdout):
                    wrong.append(f"expected it to be refused, found status {run.returncode}")
                if not asked:
                    wrong.append("it asked nothing")
                after = all_replies(lvx, f"serial:{port}")
                if after != before:
                    wrong.append(f"the bank changed:\n{before}\n{after}")
                name = protocol or "every protocol"
                yield (f"nutdrv_qx {name}, pi30={answer}", f"{asked} requests, nothing changed",
                       wrong + (run.stdout.splitlines()[-20:] if wrong else []))


def probe(programs, port, protocol):
    with tempfile.TemporaryDirectory(prefix="nut-") as state:
        environment = {**programs.environment, "NUT_STATEPATH": state, "NUT_CONFPATH": state}
        return subprocess.run(
            [programs.path("nutdrv_qx"), "-s", "inverter", "-x", f"port={os.path.realpath(port)}",
             *(["-x", f"protocol={protocol}"] if protocol else []), "-u", "root", "-DDDD", "-d", "1"],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=120, check=False)


# ser2net

def free_port():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def ser2net(programs, port, connections):
    """The address of a bridge to a serial port."""
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
    for _ in range(100):
        # A connection would be a client of the bridge; the table of sockets is none.
        with open("/proc/net/tcp", encoding="ascii") as table:
            if any(row.split()[1].endswith(f":{number:04X}") and row.split()[3] == "0A"
                   for row in table.readlines()[1:]):
                return
        if program.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"{program.args[0]} does not listen on port {number}")


def through_ser2net(lvx, programs):
    with virtual_bank(lvx, 1) as (port,):
        direct = all_replies(lvx, f"serial:{port}")
        with ser2net(programs, port, 1) as address:
            bridged = all_replies(lvx, address)
            wrong = [] if bridged == direct else [f"expected\n{direct}found\n{bridged}"]
            yield "ser2net", f"{len(QUESTIONS)} replies, the same as without it", wrong

            host, number = address.removeprefix("tcp:").split(":")
            with contextlib.closing(socket.create_connection((host, int(number)))) as other:
                other.sendall(request("MOD"))
                other.recv(100)
                run = run_lvx(lvx, "query", "GS", address)
            wrong = []
            if run.returncode != 3 or run.stdout or "Port already in use" not in run.stderr:
                wrong.append(f"expected status 3 and the bridge's text, found {run}")
            yield "ser2net that is in use", run.stderr.strip(), wrong


# What monitors ask all the time, and what they could ask to be mistaken: PI18 does not number its
# replies, and those to MOD and GMN, to ET and EY, to the two lists of currents, and about two days or
# two units have one form.
MONITOR = ["GS", "PIRI", "MOD", "FWS"]
LOOKALIKES = ["GMN", "MUCHGCR", "EY2026", "PGS1", "PRI1"]
ASKED = ["GS", "PIRI", "MOD", "FWS", "PI", "ID", "VFW", "FLAG", "DI", "ET", "MCHGCR", "PGS0", "PRI0"]
ROUNDS = 2


def beside_a_poller(lvx, programs):
    for questions, pace in ((MONITOR, None), (MONITOR, 19200), (LOOKALIKES, 19200)):
        options = ["--switch", "mode=03"] + (["--switch", f"pace={pace}"] if pace else [])
        with virtual_bank(lvx, 2, *options) as (port, _):
            right = {question: run_lvx(lvx, "query", question, "--format", "raw", f"serial:{port}").stdout
                     for question in ASKED}
            with ser2net(programs, port, 4) as address, Poller(address, questions) as poller:
                runs = [(question, run_lvx(lvx, "query", question, "--format", "raw", address))
                        for _ in range(ROUNDS) for question in ASKED]
        wrong = [f"{question}: expected {right[question]!r}, found {run}" for question, run in runs
                 if not (run.returncode == 0 and run.stdout == right[question])
                 and not (run.returncode == 3 and not run.stdout)]
        read = sum(run.returncode == 0 for _, run in runs)
        if not all(right.values()) or read < len(runs) / 5 or poller.polls < len(runs):
            wrong.append(f"too little was read: {read} of {len(runs)}, {poller.polls} polls beside them")
        speed = f" at {pace} baud" if pace else ""
        yield (f"ser2net, max-connections, beside a foreign poller of {' '.join(questions)}{speed}",
               f"{read} of {len(runs)} read and right, the others status 3; {poller.polls} foreign polls",
               wrong)


class Poller:
    """Asks over and over, like a monitor that knows of no other program."""

    def __init__(self, address, questions):
        self.questions = questions
        host, number = address.removeprefix("tcp:").split(":")
        self.line = socket.create_connection((host, int(number)))
        self.line.settimeout(0.3)
        self.polls = 0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.poll)

    def poll(self):
        while not self.stopped.is_set():
            for question in self.questions:
                self.line.sendall(request(question))
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
    """A query with its checksum, made without lvx."""
    frame, crc = f"^P{len(command) + 3:03}{command}".encode(), 0
    for byte in frame:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    crc = [byte + 1 if byte in b"(\r\n" else byte for byte in divmod(crc, 256)]
    return frame + bytes(crc) + b"\r"


# socat

def killed_socat(lvx, programs):
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
    """Kills socat once half of the second reply, a long one, has come through it."""
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
                    raise RuntimeError(f"socat ended after {received} bytes")
                length = re.match(r"< .* length=(\d+)", line)
                received += int(length[1]) if length else 0
            socat.kill()
            start = time.monotonic()
            printed, told = query.communicate(timeout=60)
        finally:
            query.kill()
    wrong = []
    if query.returncode != 3 or printed:
        wrong.append(f"expected status 3 and no value, found {query.returncode}: {printed}{told}")
    return f"status 3 after {time.monotonic() - start:.1f} s: {told.strip()}", wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lvx", help="the lvx program")
    parser.add_argument("packages", help="the folder with the programs")
    options = parser.parse_args()
    programs = Programs(os.path.abspath(options.packages))
    passed = failed = 0
    for judge in (nut, through_ser2net, beside_a_poller, killed_socat):
        for title, remark, wrong in judge(options.lvx, programs):
            passed, failed = passed + (not wrong), failed + bool(wrong)
            print(f"{title}: " + ("\n    ".join(["FAILED", *wrong]) if wrong else remark), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
