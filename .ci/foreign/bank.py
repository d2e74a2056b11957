"""Functions with which the scripts in this folder run the virtual bank, `lvx` and other programs."""
import contextlib
import os
import signal
import subprocess
import tempfile


def run_lvx(lvx, *arguments):
    """Runs lvx and returns the completed process. Raises `TimeoutExpired` after a minute."""
    return subprocess.run([lvx, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60, check=False)


@contextlib.contextmanager
def virtual_bank(lvx, units=2, *options):
    """Runs `lvx simulate` and yields the serial ports of the units; with the option `--tcp`, also their TCP
    addresses."""
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
    """Programs from unpacked packages, which run with the libraries from these packages."""

    def __init__(self, folder):
        self.folder = folder
        libraries = [where for where, _, names in os.walk(folder)
                     if any(".so" in name for name in names)]
        self.environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(sorted(libraries))}

    def path(self, name):
        """Returns the path of a program."""
        for where in ("usr/bin", "usr/sbin", "lib/nut", "usr/lib/nut"):
            path = os.path.join(self.folder, where, name)
            if os.path.exists(path):
                return path
        raise RuntimeError(f"{self.folder}: expected the program {name}, found none")

    @contextlib.contextmanager
    def running(self, name, *arguments, **options):
        """Runs a program in the background and yields its process. Ends it with SIGKILL, because ser2net
        ignores SIGTERM."""
        program = subprocess.Popen([self.path(name), *arguments], env=self.environment,
                                   stdin=subprocess.DEVNULL, **options)
        try:
            yield program
        finally:
            program.kill()
            program.wait(timeout=10)
