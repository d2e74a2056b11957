//! `MCHGCR` and `MUCHGCR`: which charge currents can be selected.
//!
//! ```text
//! list = current { "," current }
//! ```

use core::fmt;

use crate::{
    Amperes, DecodeError, EncodeError, Extra, FieldInfo, Reply, Value,
    field::{Fields, Form},
    reply::{Sealed, encode},
};

/// Declares a reply that is one list of currents.
macro_rules! list {
    ($( $(#[doc = $doc:literal])+ $name:ident = $mnemonic:literal, sample $sample:literal, label $label:literal; )+) => { $(
        $(#[doc = $doc])+
        #[doc(alias = $mnemonic)]
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
        pub struct $name {
            /// The list, as the unit orders it.
            pub currents: Currents,
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
                    let mut currents = self.currents.as_slice().iter();
                    currents.try_for_each(|&amperes| out.field::<_, 3>(amperes))
                })
            }

            fn visit(&self, visitor: &mut dyn FnMut(&'static FieldInfo, Value<'_>)) {
                for info in Self::FIELDS {
                    visitor(info, Value::List(self.currents.as_slice()));
                }
            }
        }
    )+ };
}

list! {
    /// The maximum charge currents that can be selected, the answer to `MCHGCR`.
    ///
    /// Source: PI18 2017 (7 values) and 2022 (12), "MCHGCR"; 8 observed.
    MaxChargeCurrents = "MCHGCR", sample "010,020,030,040,050,060,070,080",
        label "Selectable maximum charge currents";
    /// The maximum AC charge currents that can be selected, the answer to `MUCHGCR`.
    ///
    /// Source: PI18 2017 (7 values) and 2022 (13), "MUCHGCR"; 9 observed.
    MaxAcChargeCurrents = "MUCHGCR", sample "002,010,020,030,040,050,060,070,080",
        label "Selectable maximum AC charge currents";
}

/// A list of 1 to [`Currents::CAPACITY`] currents.
#[derive(Clone, Copy, Eq)]
pub struct Currents {
    values: [Amperes; Self::CAPACITY],
    len: usize,
}

impl Currents {
    /// Most currents taken; the longest list documented has 13.
    pub const CAPACITY: usize = 32;

    /// Takes a list of 1 to [`Currents::CAPACITY`] currents.
    #[must_use]
    pub fn new(currents: &[Amperes]) -> Option<Self> {
        let mut values = [Amperes(0); Self::CAPACITY];
        values.get_mut(..currents.len())?.copy_from_slice(currents);
        (!currents.is_empty()).then_some(Self { values, len: currents.len() })
    }

    /// The currents, as the unit orders them.
    #[must_use]
    pub fn as_slice(&self) -> &[Amperes] {
        self.values.get(..self.len).unwrap_or_default()
    }

    /// Whether a unit that sent this list takes that current.
    #[must_use]
    pub fn contains(&self, current: Amperes) -> bool {
        self.as_slice().contains(&current)
    }

    fn parse(message: &'static str, data: &[u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::new(message, data, 0);
        let mut list = Self { values: [Amperes(0); Self::CAPACITY], len: 0 };
        for place in &mut list.values {
            *place = fields.read::<Amperes, 3>("currents")?;
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
        self.as_slice() == other.as_slice()
    }
}

impl fmt::Debug for Currents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.as_slice()).finish()
    }
}

#[cfg(feature = "serde")]
mod serde_impls {
    use core::fmt;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::{Amperes, Currents};

    impl Serialize for Currents {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.as_slice().serialize(serializer)
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
                        let wrong = || de::Error::invalid_length(len, &self);
                        *places.next().ok_or_else(wrong)? = current;
                    }
                    let wrong = || de::Error::invalid_length(len, &self);
                    values.get(..len).and_then(Currents::new).ok_or_else(wrong)
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
    fn takes_as_many_as_come() {
        for count in [1, 7, 8, 12, Currents::CAPACITY] {
            let data = vec!["010"; count].join(",");
            let reply = MaxChargeCurrents::decode(data.as_bytes()).unwrap();
            assert_eq!(reply.currents.as_slice(), vec![Amperes(10); count]);
        }
    }

    #[test]
    fn says_where_a_list_goes_wrong() {
        let refused =
            |data: &str| format!("{}", MaxChargeCurrents::decode(data.as_bytes()).unwrap_err());
        let wanted = "expected a number of amperes up to 65535";
        assert_eq!(
            refused("010,0x0,030"),
            format!("MCHGCR field currents at offset 4: {wanted}, found \"0x0\"")
        );
        assert_eq!(
            refused("010,"),
            format!("MCHGCR field currents at offset 4: {wanted}, found nothing")
        );
        assert_eq!(
            refused(""),
            format!("MCHGCR field currents at offset 0: {wanted}, found nothing")
        );
        assert_eq!(
            refused(&vec!["010"; 33].join(",")),
            "MCHGCR at offset 128: expected the end, found \"010\""
        );
    }
}
