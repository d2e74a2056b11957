"""vmlinux.py BZIMAGE ELF

Takes the ELF kernel out of a bzImage. qemu starts it directly (Debian's kernels have CONFIG_PVH),
which saves the emulated processor the unpacking: half of the time of a boot."""

import lzma
import struct
import sys
import zlib

SETUP_SECTORS = 0x1F1
PAYLOAD = 0x248  # offset and length, from the end of the set-up code: Documentation/x86/boot.rst

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
    sys.exit(f"vmlinux.py: unknown packing {payload[:6].hex()}")
if not kernel.startswith(b"\x7fELF"):
    sys.exit("vmlinux.py: no ELF file in there")
with open(sys.argv[2], "wb") as file:
    file.write(kernel)
