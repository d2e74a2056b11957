#!/usr/bin/env python3
"""Judges the metrics of the bridge with Prometheus: check.py LVX FOLDER, where FOLDER has the programs `prometheus` and
`promtool`.

1. promtool checks and tests the alert rules.
2. promtool checks the metrics of a bridge with a virtual bank.
3. A real Prometheus scrapes the bridge, and its values equal those of /api/v1/bank.
"""

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

RULES = Path("examples/lvx-bridge/prometheus")
# Base units of Prometheus, and the factor to them. Written apart from the bridge's own table.
BASE = {"": ("", 1), "V": ("volts", 1), "A": ("amperes", 1), "W": ("watts", 1), "VA": ("voltamperes", 1),
        "Hz": ("hertz", 1), "%": ("ratio", 0.01), "°C": ("celsius", 1), "Wh": ("joules", 3600),
        "s": ("seconds", 1), "ms": ("seconds", 0.001)}
SECONDS = 90


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def wait_for(what, attempt):
    """Repeats an attempt until it returns something true."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if found := attempt():
                return found
        time.sleep(0.3)
    sys.exit(f"expected {what} within {SECONDS} s")


@contextlib.contextmanager
def running(command, log):
    with open(log, "w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield
        if process.poll() is not None:
            sys.exit(f"{command[0]} ended with status {process.returncode}:\n{Path(log).read_text()}")
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()


def metric(prefix, key, row):
    """Returns the name of the metric of a value, and the factor to its base unit; None for a text."""
    if row["kind"] in ("enum", "text"):
        return f"{prefix}_{key}_info", None
    unit, factor = BASE[row["unit"]]
    name = f"{prefix}_{key}"
    if unit and not name.endswith(f"_{unit}"):
        name += f"_{unit}"
    return (name + "_total" if row["kind"] == "counter" else name), factor


def expected(bank, entities):
    """Returns what Prometheus must have: (name, serial number) to the value, or to the text of a label."""
    found = {}
    sources = [("lvx_bank", "", bank["values"], entities["bank"])]
    sources += [("lvx_unit", serial, unit["values"], entities["unit"]) for serial, unit in bank["units"].items()]
    for prefix, serial, values, rows in sources:
        for key, value in values.items():
            name, factor = metric(prefix, key, rows[key])
            if value["status"] != "fresh":
                found[name, serial] = None
            elif factor is None:
                found[name, serial] = value["value"]
            else:
                found[name, serial] = float(value["value"]) * factor
    return found


def scraped(prometheus):
    """Returns what Prometheus has, in the same form, and the time of its scrape."""
    def query(text):
        url = f"{prometheus}/api/v1/query?query={urllib.parse.quote(text)}"
        return json.loads(get(url))["data"]["result"]
    stamp = query('timestamp(lvx_bridge_info)')
    found = {}
    for sample in query('{__name__=~"lvx_(unit|bank)_.*"}'):
        labels = sample["metric"]
        name = labels["__name__"]
        if "question" in labels or "severity" in labels:
            continue
        key = name.removeprefix("lvx_unit_").removeprefix("lvx_bank_").removesuffix("_info")
        value = labels[key] if name.endswith("_info") else float(sample["value"][1])
        found[name, labels.get("serial", "")] = value
    return found, float(stamp[0]["value"][1]) if stamp else 0.0


def equal(one, other):
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-9 * max(1.0, abs(one))
    return one == other


def compare(bridge, prometheus):
    """Compares until each value was equal once. A value counts if the bank has it before and after the scrape."""
    entities = json.loads(get(f"{bridge}/api/v1/entities"))
    proved, differ, absent = set(), {}, set()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        before = json.loads(get(f"{bridge}/api/v1/bank"))
        found, stamp = wait_for("a scrape", lambda: (lambda got: got if got[1] > before["now"] + 0.1 else None)(scraped(prometheus)))
        after = json.loads(get(f"{bridge}/api/v1/bank"))
        again, _ = scraped(prometheus)
        old, new = expected(before, entities), expected(after, entities)
        for at in new:
            # A counter of questions moves on within a second: it must lie between both documents.
            if isinstance(new[at], float) and isinstance(old.get(at), float) and at in found \
                    and at[0].endswith("_total") and old[at] <= found[at] <= new[at]:
                proved.add(at)
            elif old.get(at, 0) == new[at]:
                if new[at] is None and at not in found:
                    absent.add(at)
                elif equal(new[at], found.get(at)):
                    proved.add(at)
                elif found.get(at) == again.get(at):
                    differ[at] = (new[at], found.get(at))
                    continue
            differ.pop(at, None)
        if not differ and len(proved | absent) == len(new):
            break
    open_values = [at for at in new if at not in proved and at not in absent]
    if differ or open_values:
        sys.exit(f"Prometheus and the bank differ: {differ}\nnever equal: {open_values}")
    print(f"{len(proved)} values of Prometheus equal the bank's, {len(absent)} that are not fresh have no sample")


def main():
    lvx, folder = sys.argv[1], Path(sys.argv[2])
    promtool = folder / "usr/bin/promtool"
    subprocess.run([promtool, "check", "rules", RULES / "alerts.yml"], check=True)
    subprocess.run([promtool, "test", "rules", RULES / "alerts.test.yml"], check=True)
    with tempfile.TemporaryDirectory() as work:
        port, web = free_port(), free_port()
        bridge, prometheus = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{web}"
        config = Path(work) / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
            f"rule_files: ['{(RULES / 'alerts.yml').resolve()}']\n"
            "scrape_configs:\n- job_name: lvx\n"
            f"  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n")
        with running([lvx, "bridge", "--demo", "--port", str(port)], Path(work) / "bridge.log"):
            def is_complete():
                bank = json.loads(get(f"{bridge}/api/v1/bank"))
                groups = [group for unit in bank["units"].values() for group in unit["groups"].values()]
                return bank["bridge"]["state"] == "running" and not any(group["status"] == "absent" for group in groups)
            wait_for("a complete round of the bridge", is_complete)
            text = get(f"{bridge}/metrics")
            checked = subprocess.run([promtool, "check", "metrics"], input=text, text=True, capture_output=True)
            if checked.returncode or checked.stderr:
                sys.exit(f"promtool check metrics: {checked.stdout}{checked.stderr}")
            print(f"promtool check metrics: {text.count('# TYPE')} metrics, no complaint")
            command = [folder / "usr/bin/prometheus", f"--config.file={config}", f"--storage.tsdb.path={work}/data",
                       f"--web.listen-address=127.0.0.1:{web}", "--log.level=warn"]
            with running(command, Path(work) / "prometheus.log"):
                wait_for("Prometheus", lambda: get(f"{prometheus}/-/ready"))
                compare(bridge, prometheus)
                rules = json.loads(get(f"{prometheus}/api/v1/rules"))["data"]["groups"]
                broken = [rule["name"] for group in rules for rule in group["rules"] if rule["health"] == "err"]
                if broken:
                    sys.exit(f"rules with errors: {broken}")


if __name__ == "__main__":
    main()
