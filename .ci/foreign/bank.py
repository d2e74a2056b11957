"""The virtual bank, and `lvx` as a program: what all foreign judges share."""
import contextlib
import os
import signal
import subprocess
import tempfile


def run_lvx(lvx, *arguments):
    """A run of lvx to its end. One that hangs is an error."""
    return subprocess.run([lvx, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60, check=False)


@contextlib.contextmanager
def virtual_bank(lvx, units=2, *options):
    """The units' serial ports, and their TCP ports if `--tcp` is among the options, while
    `lvx simulate` runs."""
    with tempfile.TemporaryDirectory(prefix="lvx-") as directory:
        bank = subprocess.Popen(
            [lvx, "simulate", "--units", str(units), "--pty", "--link-dir", directory,
             "--switch", "frozen=on", *options], stdout=subprocess.PIPE, text=True)
        try:
            addresses = []
            while not (line := bank.stdout.readline()).startswith("serving"):
                if not line:
                    raise RuntimeError(f"{lvx} simulate ended before it served")
                addresses.append(line.split(": ", 1)[1].strip())
            yield [address.split(":", 1)[1] for address in addresses]
        finally:
            bank.send_signal(signal.SIGINT)
            try:
                bank.wait(timeout=10)
            except subprocess.TimeoutExpired:
                bank.kill()
                raise


class Programs:
    """Other people's programs from unpacked packages, with the libraries they came with."""

    def __init__(self, folder):
        self.folder = folder
        libraries = [where for where, _, names in os.walk(folder)
                     if any(".so" in name for name in names)]
        self.environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(sorted(libraries))}

    def path(self, name):
        for where in ("usr/bin", "usr/sbin", "lib/nut", "usr/lib/nut"):
            path = os.path.join(self.folder, where, name)
            if os.path.exists(path):
                return path
        raise RuntimeError(f"no {name} in {self.folder}")

    @contextlib.contextmanager
    def running(self, name, *arguments, **options):
        """A program in the background. ser2net does not end at SIGTERM, so it is killed."""
        program = subprocess.Popen([self.path(name), *arguments], env=self.environment,
                                   stdin=subprocess.DEVNULL, **options)
        try:
            yield program
        finally:
            program.kill()
            program.wait(timeout=10)
