"""vmlinux.py BZIMAGE ELF

Extracts the ELF kernel from a bzImage. qemu starts it directly (Debian's kernels have CONFIG_PVH), which
halves the time of a boot, because the emulated processor does not have to decompress the kernel."""

import lzma
import struct
import sys
import zlib

SETUP_SECTORS = 0x1F1
PAYLOAD = 0x248  # offset from the end of the set-up code, and length: Documentation/x86/boot.rst

with open(sys.argv[1], "rb") as file:
    image = file.read()
start = (image[SETUP_SECTORS] + 1) * 512
offset, length = struct.unpack_from("<II", image, PAYLOAD)
payload = image[start + offset : start + offset + length]
if payload.startswith(b"\xfd7zXZ\0"):
    kernel = lzma.LZMADecompressor().decompress(payload)
elif payload.startswith(b"\x1f\x8b"):
    kernel = zlib.decompressobj(wbits=31).decompress(payload)
else:
    sys.exit(f"vmlinux.py: expected an xz or gzip payload, found {payload[:6].hex()}")
if not kernel.startswith(b"\x7fELF"):
    sys.exit("vmlinux.py: expected an ELF file in the payload, found none")
with open(sys.argv[2], "wb") as file:
    file.write(kernel)
