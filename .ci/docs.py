#!/usr/bin/env python3
"""Runs the commands in the documentation and compares what they print with the page.

    docs.py LVX PAGE...      LVX is the program that the pages call `lvx`

- ```sh       Commands to copy. The block is run and must succeed. A ```text block after it must match the
              output, as in a session.
- ```console  A session. Lines that begin with `$ ` are run, and the lines below must match the output. There,
              a line `...` stands for any number of lines, and `[..]` for any part of a line. A command that
              ends with `&` runs until the end of the page.
- ```json     A sample; it must be valid JSON.
- ```yaml     If the first line is `# NAME.yaml`, the block is saved as that file for later commands.

A block with one of the words in `NOT_RUN`, such as ```sh hardware, is not run.

The commands in README.md run in the root of the repository, those in any other page in an empty folder with a
link to `examples`. Relative links must lead to existing files and headings, and paths such as
`lvx-settings/src/plan.rs` to existing files.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SOURCE = re.compile(r"`((?:\.ci|docs|examples|fuzz|lvx-\w+|pi18-\w+)/[\w./-]+)`")
RUN = re.compile(r"20\d{6}-\d{6}")
LANGUAGES = ("sh", "console", "text", "yaml", "json", "rust")
NOT_RUN = {
    "hardware": "needs inverters or changes the machine",
    "kernel-tests": "run by examples/lvx/tests/kernel",
    "test": "run by the step `test` of .ci/run",
    "checkout": "builds and tests the whole repository",
}
BACKGROUND_SECONDS = 30
COMMAND_SECONDS = 1800


class Page:
    """A page whose blocks are run one after the other."""

    def __init__(self, path, folder, environment):
        self.path, self.folder, self.environment = path, folder, environment
        self.text = path.read_text(encoding="utf-8")
        self.background, self.status, self.runs = [], 0, {}

    def run(self):
        """Yields a progress line for each command; raises `Failure` at the first one that fails."""
        try:
            output = None
            for block in BLOCK.finditer(self.text):
                language, word, content = block[1], block[2].strip(), block[3]
                line = self.text.count("\n", 0, block.start()) + 2
                if language not in LANGUAGES or word not in ("", *NOT_RUN):
                    raise Failure(self, line - 1, f"expected one of {LANGUAGES}, and nothing or one of "
                                                  f"{tuple(NOT_RUN)}, found ```{language} {word}")
                if language == "text" and output is not None and not compare(content, output):
                    raise Failure(self, line, mismatch(content, output))
                output = None
                if word:
                    continue
                if language == "sh":
                    output = self.output_of(content)
                    if self.status != 0:
                        raise Failure(self, line, f"expected status 0, found {self.status}:\n{output}")
                    yield self.progress(line, content.strip().replace("\n", "; "))
                elif language == "console":
                    yield from self.session(content, line)
                elif language == "json":
                    try:
                        json.loads(content)
                    except ValueError as error:
                        raise Failure(self, line, f"expected JSON: {error}") from error
                elif language == "yaml" and (name := re.match(r"# (\S+\.yaml)\n", content)):
                    (self.folder / name[1]).write_text(content, encoding="utf-8")
        finally:
            for process in self.background:
                process.terminate()
                process.wait(timeout=10)

    def session(self, content, line):
        """Runs the commands of a session; yields a progress line for each."""
        for part in re.split(r"^(?=\$ )", content, flags=re.MULTILINE):
            if not part.startswith("$ "):
                if part:
                    raise Failure(self, line, "expected a session to begin with `$ `")
                continue
            command, expected = re.fullmatch(r"\$ ((?:.*\\\n)*.*\n)((?s:.*))", part).groups()
            command = re.sub(r"\\\n(> )?", "", command).strip()
            command = RUN.sub(lambda run: self.runs.get(run[0], run[0]), command)
            if command.endswith(" &"):
                found = self.start(command.removesuffix(" &"), expected)
            else:
                found = self.output_of(command)
            if not (match := compare(expected, found)):
                raise Failure(self, line, f"{command}: {mismatch(expected, found)}")
            self.runs |= dict(zip(RUN.findall(expected), match.groups()))
            yield self.progress(line, command)
            line += part.count("\n")

    def output_of(self, command):
        """Runs a command and returns its outputs. In it, `$?` is the status of the previous command."""
        run = subprocess.run(["bash", "-ec", command.replace("$?", str(self.status))], cwd=self.folder,
                             env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, timeout=COMMAND_SECONDS, check=False)
        self.status = run.returncode
        return run.stdout

    def start(self, command, expected):
        """Starts a command in the background and waits for the expected output. Returns the output."""
        with tempfile.NamedTemporaryFile("w+", encoding="utf-8") as log:
            self.background.append(subprocess.Popen(
                ["bash", "-c", f"exec {command}"], cwd=self.folder, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT))
            end, found = time.monotonic() + BACKGROUND_SECONDS, ""
            while not compare(expected, found) and time.monotonic() < end:
                time.sleep(0.1)
                found = Path(log.name).read_text(encoding="utf-8")
        return found

    def progress(self, line, command):
        """Returns the progress line of a command."""
        return f"{self.path.relative_to(ROOT)}:{line}: {command}"


class Failure(Exception):
    """A block that cannot be run, or a command with another output or status than on the page."""

    def __init__(self, page, line, message):
        super().__init__(f"{page.path.relative_to(ROOT)}:{line}: {message}")


def compare(expected, found):
    """Returns the match of an output with the page, with the names of runs as groups; None if it differs."""
    pattern = ""
    for line in expected.splitlines():
        if line == "...":
            pattern += r"(?:.*\n)*?"
        else:
            line = re.escape(line).replace(re.escape("[..]"), ".*").replace("\\-", "-")
            pattern += RUN.sub(lambda _: f"({RUN.pattern})", line) + r" *\n"
    return re.fullmatch(pattern, found if found.endswith("\n") or not found else found + "\n")


def mismatch(expected, found):
    """Returns an error with the first line of the page that the output does not match."""
    lines = [*expected.splitlines(), "the end of the output"]
    first = next(count for count in reversed(range(len(lines)))
                 if compare("".join(f"{line}\n" for line in [*lines[:count], "..."]), found))
    return f"expected `{lines[first]}`, found:\n{found}"


def anchors(text):
    """Returns the anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path):
    """Yields an error for each link or path whose target does not exist."""
    text = path.read_text(encoding="utf-8")
    for link in LINK.findall(text):
        if re.match(r"\w+:", link):
            continue
        target, _, anchor = link.partition("#")
        to = (path.parent / target) if target else path
        if not to.exists() or (anchor and anchor not in anchors(to.read_text(encoding="utf-8"))):
            yield f"{path.relative_to(ROOT)}: expected a link to a file or heading, found {link}"
    for source in SOURCE.findall(text):
        if not (ROOT / source).exists():
            yield f"{path.relative_to(ROOT)}: expected the path of a file, found {source}"


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: docs.py LVX PAGE...")
    lvx, *pages = sys.argv[1:]
    failures = []
    for path in map(Path.resolve, map(Path, pages)):
        failures += broken_links(path)
        with tempfile.TemporaryDirectory(prefix="lvx-docs-") as folder:
            folder = Path(folder)
            for name in ("bin", "state", "runs", "work"):
                (folder / name).mkdir()
            (folder / "bin/lvx").symlink_to(Path(lvx).resolve())
            (folder / "work/examples").symlink_to(ROOT / "examples")
            environment = {name: value for name, value in os.environ.items() if not name.startswith("LVX_")}
            environment |= {"PATH": f"{folder}/bin:{environment['PATH']}", "LVX_RUNS_DIR": f"{folder}/runs",
                            "XDG_STATE_HOME": f"{folder}/state"}
            directory = ROOT if path == ROOT / "README.md" else folder / "work"
            try:
                for progress in Page(path, directory, environment).run():
                    print(progress, flush=True)
            except Failure as failure:
                failures.append(str(failure))
    print("\n".join(failures) if failures else "the output of every command matches its page")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
