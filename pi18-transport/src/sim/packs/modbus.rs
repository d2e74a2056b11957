//! Requests and replies of Modbus RTU, as a pack reads and sends them.

/// A request that has reached a pack.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Request {
    address: u8,
    function: u8,
    start: u16,
    count: u16,
}

impl Request {
    /// The length of a request in bytes.
    pub(super) const LEN: usize = 8;

    /// Reads a request; `None` if the bytes are none, or their checksum is wrong.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let &[address, function, a, b, c, d, low, high] = bytes else { return None };
        let is_right = checksum(bytes.get(..6)?) == u16::from_le_bytes([low, high]);
        let (start, count) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        is_right.then_some(Self { address, function, start, count })
    }

    pub(super) fn address(self) -> u8 {
        self.address
    }

    /// Returns the reply: the registers that `words` returns, or an exception.
    pub(super) fn reply(self, words: impl FnOnce(u16, u16) -> Vec<u16>) -> Vec<u8> {
        let length = u8::try_from(self.count).ok().filter(|count| (1..=125).contains(count));
        let mut bytes = match (self.function, length) {
            (3, Some(count)) => {
                let mut bytes = vec![self.address, 3, 2 * count];
                let words = words(self.start, self.count);
                bytes.extend(words.into_iter().flat_map(u16::to_be_bytes));
                bytes
            }
            (3, None) => vec![self.address, 0x83, 3],
            (function, _) => vec![self.address, function | 0x80, 1],
        };
        bytes.extend(checksum(&bytes).to_le_bytes());
        bytes
    }
}

/// Returns CRC-16/MODBUS, bit by bit.
fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(
            crc ^ u16::from(*byte),
            |crc, _| {
                if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 }
            },
        )
    })
}
