"""A WebSocket client with what Home Assistant's API needs."""
import base64
import os
import socket
import struct


class WebSocket:
    """A connection that exchanges texts."""

    def __init__(self, port, path, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                             f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                             "Sec-WebSocket-Version: 13\r\n\r\n").encode())
        self.reader = self.socket.makefile("rb")
        status = self.reader.readline()
        if b" 101 " not in status:
            raise ConnectionError(f"expected status 101, found {status!r}")
        while self.reader.readline().strip():
            pass

    def send(self, text):
        """Sends a text."""
        self._send(0x1, text.encode())

    def receive(self):
        """Returns the next text."""
        message = b""
        while True:
            first, length = self._read(2)
            if length == 126:
                length, = struct.unpack(">H", self._read(2))
            elif length == 127:
                length, = struct.unpack(">Q", self._read(8))
            data, kind = self._read(length), first & 0x0F
            if kind == 0x8:
                raise ConnectionError("closed by Home Assistant")
            if kind == 0x9:
                self._send(0xA, data)
            elif kind in (0x0, 0x1):
                message += data
                if first & 0x80:
                    return message.decode()

    def close(self):
        """Closes the connection."""
        self.reader.close()
        self.socket.close()

    def _send(self, kind, data):
        length = len(data)
        if length < 126:
            head = struct.pack(">BB", 0x80 | kind, 0x80 | length)
        elif length < 65536:
            head = struct.pack(">BBH", 0x80 | kind, 0x80 | 126, length)
        else:
            head = struct.pack(">BBQ", 0x80 | kind, 0x80 | 127, length)
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
        self.socket.sendall(head + mask + masked)

    def _read(self, length):
        data = self.reader.read(length)
        if len(data) < length:
            raise ConnectionError("the connection ended")
        return data
