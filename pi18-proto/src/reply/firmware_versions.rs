//! `VFW`: the firmware versions of the processors.

use core::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use crate::{
    EncodeError, ParseError, Text, Value,
    field::{Field, Form, Writer},
    macros::reply,
};

reply! {
    /// The firmware versions, the reply to `VFW`.
    ///
    /// All units of a bank need the same version on the main processor. A difference raises fault 71.
    ///
    /// Source: PI18 2017 and 2022, "VFW"; LVX6048s observed with 06303, 06440 and 06306 on the main
    /// processor, and with 06126 and 06021 on the first slave.
    FirmwareVersions = "VFW", sample "05402,08025,00000",
    new(main: Version, slave1: Version, slave2: Version)
    {
        /// Main processor firmware
        main: Version[5],
        /// Slave 1 processor firmware
        slave1: Version[5],
        /// Slave 2 processor firmware
        slave2: Version[5],
    }
}

/// A firmware version: up to eight printable characters, five digits on every observed unit.
///
/// Two versions that differ only in leading zeros are equal, because displays and manuals omit them.
///
/// ```
/// use pi18_proto::Version;
///
/// assert_eq!(Version::new("6306"), Version::new("06306"));
/// assert_ne!(Version::new("6306"), Version::new("63060"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Version(Text);

impl Version {
    /// Creates a version of one to eight printable ASCII characters without a comma.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        if text.contains(',') { None } else { Self::read(text.as_bytes()) }
    }

    /// Returns the characters, including leading zeros.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Version {
    /// Returns the characters that are compared: a number without its leading zeros, or all.
    fn significant(&self) -> &str {
        let text = self.as_str();
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { text.trim_start_matches('0') } else { text }
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.significant() == other.significant()
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.significant().hash(state);
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Version {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::new(text).ok_or_else(|| ParseError::new(Self::EXPECTED, text))
    }
}

impl Field for Version {
    const FORM: Form = Form::Text("nnnnn");
    const EXPECTED: &'static str = "a version of one to eight characters";

    fn read(token: &[u8]) -> Option<Self> {
        if (1..=8).contains(&token.len()) { Text::new(token).map(Self) } else { None }
    }

    fn write(self, _width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.bytes(self.0.as_bytes())
    }

    fn value(&self) -> Option<Value<'_>> {
        Some(Value::Text(self.0))
    }
}

#[cfg(feature = "serde")]
crate::text::text_serde!(Version, "a version of one to eight characters");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reply;

    #[test]
    fn version_keeps_leading_zeros() {
        let versions = FirmwareVersions::decode(b"06306,06126,00000").unwrap();
        assert_eq!(versions.main.as_str(), "06306");
        assert_eq!(Version::new(""), None);
        assert_eq!(Version::new("063060000"), None);
    }

    #[test]
    fn version_without_leading_zeros_is_equal() {
        let version = |text| Version::new(text).unwrap();
        assert_eq!(version("6306"), version("06306"));
        assert_eq!(version("0"), version("00000"));
        assert_ne!(version("6306"), version("6303"));
        assert_ne!(version("6306"), version("63060"));
        assert_ne!(version("0A"), version("A"));
    }
}
