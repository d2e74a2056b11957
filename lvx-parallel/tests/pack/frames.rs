//! The captured frames, and bytes with a checksum.

use lvx_parallel::pack::{PackAddress, Request};
use serde_json::Value;

/// A captured frame with the values that it has.
pub(crate) struct Captured {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) bytes: Vec<u8>,
    /// The number of registers of a `live` frame.
    pub(crate) count: Option<u8>,
    pub(crate) values: Value,
}

impl Captured {
    /// Returns the request that the frame answers. Its first register is that of the kind.
    pub(crate) fn request(&self) -> Request {
        let address = PackAddress::new(self.bytes[0]).unwrap();
        match (self.kind.as_str(), self.count) {
            ("live", Some(count)) => Request::new(address, 0, count).unwrap(),
            ("label", _) => Request::label(address),
            ("request", _) => Request::parse(&self.bytes).unwrap(),
            _ => Request::new(address, 80, (self.bytes[2] / 2).max(1)).unwrap(),
        }
    }
}

/// Returns the captured frames of a kind; of all kinds for `""`.
pub(crate) fn captured(kind: &str) -> Vec<Captured> {
    let lines = include_str!("frames.jsonl").lines();
    let frames = lines.map(|line| {
        let frame: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| frame[key].as_str().unwrap_or_default().to_owned();
        Captured {
            name: text("name"),
            kind: text("kind"),
            bytes: pi18_transport::from_hex(&text("bytes")).unwrap(),
            count: frame["count"].as_u64().map(|count| count.try_into().unwrap()),
            values: frame["values"].clone(),
        }
    });
    let frames: Vec<_> = frames.filter(|frame| kind.is_empty() || frame.kind == kind).collect();
    assert!(!frames.is_empty(), "expected frames of kind {kind}");
    frames
}

/// Returns bytes with the checksum of Modbus after them, computed bit by bit.
pub(crate) fn with_checksum(bytes: &[u8]) -> Vec<u8> {
    let crc = bytes.iter().fold(0xFFFF_u16, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xA001 } else { crc >> 1 }
        })
    });
    [bytes, &crc.to_le_bytes()].concat()
}

/// Returns the reply of a pack with these registers.
pub(crate) fn reply(address: PackAddress, words: &[u16]) -> Vec<u8> {
    let count = u8::try_from(2 * words.len()).unwrap();
    let mut bytes = vec![address.get(), 3, count];
    bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    with_checksum(&bytes)
}
