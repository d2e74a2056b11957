//! `MCHGCR` and `MUCHGCR`: the charge currents that can be selected.
//!
//! ```text
//! list = current { "," current }
//! ```

use core::{
    fmt,
    hash::{Hash, Hasher},
};

use crate::{
    Amperes, DecodeError, EncodeError, Extra, FieldInfo, Reply, Value,
    field::{Fields, Form},
    reply::{Sealed, encode},
};

/// Declares the replies that consist of one list of currents.
macro_rules! list {
    ($(
        // The documentation of the struct.
        $(#[doc = $doc:literal])+
        // The struct, and the mnemonic of the query that it answers.
        $name:ident = $mnemonic:literal,
        // Data of such a reply, of a real device.
        sample $sample:literal,
        // The label of the list.
        label $label:literal;
    )+) => { $(
        $(#[doc = $doc])+
        #[doc(alias = $mnemonic)]
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
        #[non_exhaustive]
        pub struct $name {
            /// The currents, in the order in which the unit sent them.
            pub currents: Currents,
        }

        impl $name {
            /// Creates a reply.
            #[must_use]
            pub const fn new(currents: Currents) -> Self {
                Self { currents }
            }
        }

        impl Sealed for $name {}

        impl Reply for $name {
            const MNEMONIC: &'static str = $mnemonic;
            const SAMPLE: &'static str = $sample;
            const FIELDS: &'static [FieldInfo] = &[FieldInfo {
                name: "currents",
                label: $label,
                unit: Amperes::UNIT,
                decimals: Amperes::DECIMALS,
                width: 3,
                optional: false,
                form: Form::Text("AAA,AAA,…"),
            }];

            fn parse(data: &[u8]) -> Result<(Self, Extra<'_>), DecodeError> {
                Ok((Self { currents: Currents::parse($mnemonic, data)? }, Extra::default()))
            }

            fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
                encode(buffer, |out| {
                    self.currents.values().try_for_each(|current| out.field::<_, 3>(current))
                })
            }

            fn visit(&self, visitor: &mut dyn FnMut(&'static FieldInfo, Value<'_>)) {
                for info in Self::FIELDS {
                    visitor(info, self.currents.value());
                }
            }
        }
    )+ };
}

list! {
    /// The maximum charge currents that can be selected, the reply to `MCHGCR`.
    ///
    /// Source: PI18 2017 (7 values) and 2022 (12), "MCHGCR"; observed with 8.
    MaxChargeCurrents = "MCHGCR", sample "010,020,030,040,050,060,070,080",
        label "Selectable maximum charge currents";
    /// The maximum AC charge currents that can be selected, the reply to `MUCHGCR`.
    ///
    /// Source: PI18 2017 (7 values) and 2022 (13), "MUCHGCR"; observed with 9.
    MaxAcChargeCurrents = "MUCHGCR", sample "002,010,020,030,040,050,060,070,080",
        label "Selectable maximum AC charge currents";
}

/// A list of 1 to [`Currents::CAPACITY`] currents.
///
/// ```
/// use pi18_proto::{Amperes, MaxChargeCurrents, Reply};
///
/// let currents = MaxChargeCurrents::decode(b"010,020,030")?.currents;
/// assert!(currents.contains(Amperes(20)));
/// assert_eq!(currents.values().max(), Some(Amperes(30)));
/// # Ok::<(), pi18_proto::DecodeError>(())
/// ```
#[derive(Clone, Copy, Eq)]
pub struct Currents {
    amperes: [u16; Self::CAPACITY],
    len: usize,
}

impl Currents {
    /// The maximum number of currents. The longest list in the sheets has 13.
    pub const CAPACITY: usize = 32;

    /// Creates a list of 1 to [`Currents::CAPACITY`] currents.
    #[must_use]
    pub fn new(currents: &[Amperes]) -> Option<Self> {
        let mut amperes = [0; Self::CAPACITY];
        for (place, current) in amperes.get_mut(..currents.len())?.iter_mut().zip(currents) {
            *place = current.0;
        }
        (!currents.is_empty()).then_some(Self { amperes, len: currents.len() })
    }

    /// Iterates over the currents, in the order in which the unit sent them.
    pub fn values(&self) -> impl ExactSizeIterator<Item = Amperes> {
        self.amperes().iter().copied().map(Amperes)
    }

    /// Returns whether a unit that sent this list accepts the current.
    #[must_use]
    pub fn contains(&self, current: Amperes) -> bool {
        self.amperes().contains(&current.0)
    }

    fn amperes(&self) -> &[u16] {
        self.amperes.get(..self.len).unwrap_or_default()
    }

    fn value(&self) -> Value<'_> {
        Value::List { steps: self.amperes(), decimals: Amperes::DECIMALS, unit: Amperes::UNIT }
    }

    fn parse(message: &'static str, data: &[u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::new(message, data, 0);
        let mut list = Self { amperes: [0; Self::CAPACITY], len: 0 };
        for place in &mut list.amperes {
            *place = fields.read::<Amperes, 3>("currents")?.0;
            list.len += 1;
            if fields.is_at_end() {
                break;
            }
        }
        fields.finish().map(|()| list)
    }
}

impl PartialEq for Currents {
    fn eq(&self, other: &Self) -> bool {
        self.amperes() == other.amperes()
    }
}

impl Hash for Currents {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.amperes().hash(state);
    }
}

impl fmt::Debug for Currents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values()).finish()
    }
}

#[cfg(feature = "serde")]
mod serde_impls {
    use core::fmt;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::{Amperes, Currents};

    impl Serialize for Currents {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(self.values())
        }
    }

    impl<'de> Deserialize<'de> for Currents {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;

            impl<'de> de::Visitor<'de> for Visitor {
                type Value = Currents;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, "one to {} currents in amperes", Currents::CAPACITY)
                }

                fn visit_seq<A: de::SeqAccess<'de>>(
                    self,
                    mut seq: A,
                ) -> Result<Currents, A::Error> {
                    let mut values = [Amperes(0); Currents::CAPACITY];
                    let mut places = values.iter_mut();
                    let mut len = 0;
                    while let Some(current) = seq.next_element()? {
                        len += 1;
                        let invalid = || de::Error::invalid_length(len, &self);
                        *places.next().ok_or_else(invalid)? = current;
                    }
                    let invalid = || de::Error::invalid_length(len, &self);
                    values.get(..len).and_then(Currents::new).ok_or_else(invalid)
                }
            }

            deserializer.deserialize_seq(Visitor)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{format, vec};

    use super::*;

    #[test]
    fn list_of_1_to_32_currents_is_decoded() {
        for count in [1, 7, 8, 12, Currents::CAPACITY] {
            let data = vec!["010"; count].join(",");
            let reply = MaxChargeCurrents::decode(data.as_bytes()).unwrap();
            assert!(reply.currents.values().eq(vec![Amperes(10); count]));
        }
    }

    #[test]
    fn malformed_current_is_refused_with_its_offset() {
        let error =
            |data: &str| format!("{}", MaxChargeCurrents::decode(data.as_bytes()).unwrap_err());
        let expected = "expected a number of amperes up to 65535";
        assert_eq!(
            error("010,0x0,030"),
            format!("MCHGCR field currents at offset 4: {expected}, found \"0x0\"")
        );
        assert_eq!(
            error("010,"),
            format!("MCHGCR field currents at offset 4: {expected}, found nothing")
        );
        assert_eq!(
            error(""),
            format!("MCHGCR field currents at offset 0: {expected}, found nothing")
        );
        assert_eq!(
            error(&vec!["010"; 33].join(",")),
            "MCHGCR at offset 128: expected the end, found \"010\""
        );
    }
}
