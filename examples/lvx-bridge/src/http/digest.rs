//! SHA-256 digests, and random identifiers.

use std::{fmt, fmt::Write, io};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// A SHA-256 digest. Two are compared in constant time.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Digest([u8; 32]);

impl Digest {
    /// Returns the digest of a text.
    pub(super) fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Returns the bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        hex(&digest.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const EXPECTED: &str = "expected 64 hexadecimal digits";
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(EXPECTED);
        }
        for (at, byte) in (0..).step_by(2).zip(&mut bytes) {
            let digits = text.get(at..at + 2).ok_or(EXPECTED)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| EXPECTED)?;
        }
        Ok(Self(bytes))
    }
}

/// Returns 192 random bits as hexadecimal digits.
///
/// # Errors
/// If the kernel has no random numbers yet, which is possible only early in the start of the machine.
pub(super) fn random_hex() -> io::Result<String> {
    let mut bytes = [0; 24];
    let length = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    if length == bytes.len() {
        Ok(hex(&bytes))
    } else {
        Err(io::Error::other(format!("expected {} random bytes, found {length}", bytes.len())))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_the_same_after_reading_its_text() {
        let digest = Digest::of("abc");
        let text = String::from(digest);
        assert_eq!(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Digest::try_from(text.clone()), Ok(digest));
        assert!(Digest::try_from(text.replace("ba", "bx")).is_err());
        assert!(Digest::try_from("é".repeat(32)).is_err());
    }

    #[test]
    fn random_identifiers_differ() {
        assert_ne!(random_hex().unwrap(), random_hex().unwrap());
    }
}
