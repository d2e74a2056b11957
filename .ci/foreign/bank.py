"""Runs the virtual bank, `lvx` and other programs, for the scripts in this folder."""
import contextlib
import os
import signal
import subprocess
import tempfile


def run_lvx(lvx, *arguments):
    """Runs lvx to its end; raises an exception if that takes longer than a minute."""
    return subprocess.run([lvx, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60, check=False)


@contextlib.contextmanager
def virtual_bank(lvx, units=2, *options):
    """Yields the serial ports of the units, and their TCP ports if the options contain `--tcp`, while
    `lvx simulate` runs."""
    with tempfile.TemporaryDirectory(prefix="lvx-") as directory:
        bank = subprocess.Popen(
            [lvx, "simulate", "--units", str(units), "--pty", "--link-dir", directory,
             "--switch", "frozen=on", *options], stdout=subprocess.PIPE, text=True)
        try:
            addresses = []
            while not (line := bank.stdout.readline()).startswith("serving"):
                if not line:
                    raise RuntimeError(f"{lvx} simulate ended before it printed `serving`")
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
    """Programs from unpacked packages, with the libraries from these packages."""

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
        raise RuntimeError(f"{name} not found in {self.folder}")

    @contextlib.contextmanager
    def running(self, name, *arguments, **options):
        """Runs a program in the background. Ends it with SIGKILL, because ser2net ignores SIGTERM."""
        program = subprocess.Popen([self.path(name), *arguments], env=self.environment,
                                   stdin=subprocess.DEVNULL, **options)
        try:
            yield program
        finally:
            program.kill()
            program.wait(timeout=10)
