#!/usr/bin/env python3
"""Runs the commands in the documentation and compares what they print with the page.

    docs.py LVX PAGE...      LVX is the program that the pages call `lvx`

- ```sh       Commands to copy. Each block is run and has to succeed. A ```text block after it is compared
              with the output, as in a session.
- ```console  A session. Lines that begin with `$ ` are run; the lines below have to be the output, of
              which a line `...` leaves out any number of lines and `[..]` a part of a line. A command
              that ends with `&` runs until the end of the page.
- ```yaml     If the first line is `# NAME.yaml`, the block is saved as that file for later commands.
- A block with a further word, such as ```sh hardware, is not run here: it needs hardware, or another test
  runs it.

The commands of README.md run in the repository's folder, those of any other page in an empty folder with a
link to `examples`. Relative links have to lead to files and headings that exist, and so do paths from the
repository's folder such as `lvx-settings/src/plan.rs`.
"""
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(\w+)( .*)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SOURCE = re.compile(r"`((?:\.ci|docs|examples|fuzz|lvx-\w+|pi18-\w+)/[\w./-]+)`")
RUN = re.compile(r"20\d{6}-\d{6}")
BACKGROUND_SECONDS = 30


class Page:
    """A page whose blocks are run one after the other."""

    def __init__(self, path, folder, environment):
        self.path, self.folder, self.environment = path, folder, environment
        self.text = path.read_text(encoding="utf-8")
        self.background, self.status, self.runs = [], 0, {}

    def run(self):
        """Yields a line about every command, and raises `Failure` at the first wrong one."""
        try:
            output = None
            for block in BLOCK.finditer(self.text):
                language, further, content = block.groups()
                line = self.text.count("\n", 0, block.start()) + 2
                if language == "text" and output is not None and not compare(content, output):
                    raise Failure(self, line, f"expected\n{content}found\n{output}")
                output = None
                if further:
                    continue
                if language == "sh":
                    output = self.output_of(content)
                    if self.status != 0:
                        raise Failure(self, line, f"expected status 0, found {self.status}:\n{output}")
                    yield self.about(line, content.strip().replace("\n", "; "))
                elif language == "console":
                    yield from self.session(content, line)
                elif language == "yaml" and (name := re.match(r"# (\S+\.yaml)\n", content)):
                    (self.folder / name[1]).write_text(content, encoding="utf-8")
        finally:
            for process in self.background:
                process.terminate()
                process.wait(timeout=10)

    def session(self, content, line):
        """Runs the commands of a session."""
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
                raise Failure(self, line, f"{command}\nexpected\n{expected}found\n{found}")
            self.runs |= dict(zip(RUN.findall(expected), match.groups()))
            yield self.about(line, command)
            line += part.count("\n")

    def output_of(self, command):
        """Runs a command to its end and returns both outputs. `$?` is the status of the previous command."""
        run = subprocess.run(["bash", "-ec", command.replace("$?", str(self.status))], cwd=self.folder,
                             env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, timeout=1800, check=False)
        self.status = run.returncode
        return run.stdout

    def start(self, command, expected):
        """Starts a command in the background and waits until it has printed what is expected."""
        with tempfile.NamedTemporaryFile("w+", encoding="utf-8") as log:
            self.background.append(subprocess.Popen(
                ["bash", "-c", f"exec {command}"], cwd=self.folder, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT))
            end, found = time.monotonic() + BACKGROUND_SECONDS, ""
            while not compare(expected, found) and time.monotonic() < end:
                time.sleep(0.1)
                found = Path(log.name).read_text(encoding="utf-8")
        return found

    def about(self, line, command):
        """Returns a line about a command that is right."""
        return f"{self.path.relative_to(ROOT)}:{line}: {command}"


class Failure(Exception):
    """A command that does something else than its page shows."""

    def __init__(self, page, line, what):
        super().__init__(f"{page.path.relative_to(ROOT)}:{line}: {what}")


def compare(expected, found):
    """Returns the match of the output, with the names of runs as groups; None if it is not as expected."""
    pattern = ""
    for line in expected.splitlines():
        if line == "...":
            pattern += r"(?:.*\n)*?"
        else:
            line = re.escape(line).replace(re.escape("[..]"), ".*").replace("\\-", "-")
            pattern += RUN.sub(lambda _: f"({RUN.pattern})", line) + r" *\n"
    return re.fullmatch(pattern, found if found.endswith("\n") or not found else found + "\n")


def anchors(text):
    """Returns the anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path):
    """Yields an error for each link or path that leads nowhere."""
    text = path.read_text(encoding="utf-8")
    for link in LINK.findall(text):
        if re.match(r"\w+:", link):
            continue
        target, _, anchor = link.partition("#")
        to = (path.parent / target) if target else path
        if not to.exists() or (anchor and anchor not in anchors(to.read_text(encoding="utf-8"))):
            yield f"{path.relative_to(ROOT)}: expected a file or heading, found nothing at {link}"
    for source in SOURCE.findall(text):
        if not (ROOT / source).exists():
            yield f"{path.relative_to(ROOT)}: expected a file, found nothing at {source}"


def main():
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
            place = ROOT if path == ROOT / "README.md" else folder / "work"
            try:
                for about in Page(path, place, environment).run():
                    print(about, flush=True)
            except Failure as failure:
                failures.append(str(failure))
    print("\n".join(failures) if failures else "all commands print what their pages show")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
