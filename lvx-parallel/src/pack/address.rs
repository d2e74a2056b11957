//! The address of a pack on its bus.

use std::{fmt, str::FromStr};

/// The Modbus address of a pack, 1 to 247.
///
/// Packs with four switches have 1 to 15, and 16 if all switches are on. Packs with six switches or automatic
/// addresses have 64 if all are on. Source: EG4-LL MODBUS V01.06; captures.
///
/// ```
/// use lvx_parallel::pack::PackAddress;
///
/// assert_eq!("64".parse(), Ok(PackAddress::LP4_V2));
/// assert_eq!("0x10".parse::<PackAddress>().unwrap().get(), 16);
/// let error = "0".parse::<PackAddress>().unwrap_err();
/// assert_eq!(error.to_string(), "expected an address from 1 to 247, found \"0\"");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PackAddress(u8);

impl PackAddress {
    /// The address of an EG4 LifePower4 v2 without a chain: 64.
    ///
    /// Source: the maker's tool and all captures of such packs.
    pub const LP4_V2: Self = Self(64);

    /// Returns the address; `None` if it is not 1 to 247.
    ///
    /// Modbus reserves the others, and no pack answers to 0.
    #[must_use]
    pub const fn new(address: u8) -> Option<Self> {
        match address {
            1..=247 => Some(Self(address)),
            _ => None,
        }
    }

    /// Returns the address as a number, 1 to 247.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// The default is [`LP4_V2`](PackAddress::LP4_V2).
impl Default for PackAddress {
    fn default() -> Self {
        Self::LP4_V2
    }
}

impl fmt::Display for PackAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PackAddress {
    type Err = AddressError;

    /// Reads `64` or `0x40`.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let number = match text.strip_prefix("0x") {
            Some(digits) => u8::from_str_radix(digits, 16),
            None => text.parse(),
        };
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let address = number.ok().filter(|_| is_plain).and_then(Self::new);
        address.ok_or_else(|| AddressError { found: text.to_owned() })
    }
}

/// The error for a text that is not the address of a pack.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected an address from 1 to 247, found {found:?}")]
pub struct AddressError {
    found: String,
}
