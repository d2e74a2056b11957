//! Short texts without allocation.

use core::fmt;

/// A text of at most [`Text::CAPACITY`] printable ASCII characters, stored without allocation.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Text {
    bytes: [u8; Self::CAPACITY],
    len: u8,
}

impl Text {
    /// The maximum number of characters.
    pub const CAPACITY: usize = 23;

    /// Creates a text from at most [`Text::CAPACITY`] printable ASCII characters, or returns `None` if
    /// there are more or other characters.
    #[must_use]
    pub const fn new(source: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::CAPACITY];
        let Some((place, _)) = bytes.split_at_mut_checked(source.len()) else {
            return None;
        };
        place.copy_from_slice(source);
        let mut rest = source;
        let mut len = 0;
        while let [first, after @ ..] = rest {
            if !first.is_ascii_graphic() && *first != b' ' {
                return None;
            }
            rest = after;
            len += 1;
        }
        Some(Self { bytes, len })
    }

    /// Returns whether the text contains a comma, which would end a field.
    pub(crate) const fn has_comma(&self) -> bool {
        let mut rest: &[u8] = &self.bytes;
        while let [first, after @ ..] = rest {
            if *first == b',' {
                return true;
            }
            rest = after;
        }
        false
    }

    /// Twenty zeros.
    pub(crate) const ZEROS: Self = Self { bytes: *b"00000000000000000000\0\0\0", len: 20 };

    /// Returns the text as a string slice.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Returns the text as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len.into()).unwrap_or_default()
    }

    /// Formats `arguments` and cuts the result off at the capacity.
    pub(crate) fn format(arguments: fmt::Arguments<'_>) -> Self {
        let mut text = Self { bytes: [0; Self::CAPACITY], len: 0 };
        // The only possible error is that the capacity is reached.
        let _ = fmt::Write::write_fmt(&mut text, arguments);
        text
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for byte in s.bytes() {
            *self.bytes.get_mut(usize::from(self.len)).ok_or(fmt::Error)? = byte;
            self.len += 1;
        }
        Ok(())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Implements serde for a checked text: a string that its `new` accepts.
#[cfg(feature = "serde")]
macro_rules! text_serde {
    (
        // The type.
        $name:ident,
        // The accepted strings, for error texts.
        $expected:literal
    ) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <$crate::Text as serde::Deserialize>::deserialize(deserializer)?;
                Self::new(text.as_str()).ok_or_else(|| {
                    let found = serde::de::Unexpected::Str(text.as_str());
                    serde::de::Error::invalid_value(found, &$expected)
                })
            }
        }
    };
}

#[cfg(feature = "serde")]
pub(crate) use text_serde;

#[cfg(feature = "serde")]
mod serde_impls {
    use core::fmt;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::Text;

    impl Serialize for Text {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(self.as_str())
        }
    }

    impl<'de> Deserialize<'de> for Text {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;

            impl de::Visitor<'_> for Visitor {
                type Value = Text;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, "at most {} printable ASCII characters", Text::CAPACITY)
                }

                fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                    let invalid = || E::invalid_value(de::Unexpected::Str(text), &self);
                    Text::new(text.as_bytes()).ok_or_else(invalid)
                }
            }

            deserializer.deserialize_str(Visitor)
        }
    }
}
