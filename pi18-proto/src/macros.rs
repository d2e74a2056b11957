//! The declarations that everything else follows from. The macros list, functions decide.

/// Declares a reply once: its struct, its fields, how it is read, written and shown.
///
/// The first line of a field's documentation is its label, the type its unit, the bracket its
/// width on the wire. `as "key"` gives a field another name in serialised replies and error texts. A
/// literal in parentheses is a field's former name, which is still read in serialised replies. The
/// sample is data of such a reply, a real one if there is any.
macro_rules! reply {
    (
        $(#[doc = $doc:literal])+
        $name:ident = $mnemonic:literal, sample $sample:literal {
            $( #[doc = $label:literal] $(#[doc = $more:literal])* $field:ident $( as $key:literal )? $( ($former:literal) )?: $ty:ty[$width:literal], )+
        }
    ) => {
        $(#[doc = $doc])+
        #[doc(alias = $mnemonic)]
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
        pub struct $name {
            $(
                #[doc = $label]
                $(#[doc = $more])*
                $( #[cfg_attr(feature = "serde", serde(rename = $key))] )?
                $( #[cfg_attr(feature = "serde", serde(alias = $former))] )?
                pub $field: $ty,
            )+
        }

        impl $crate::reply::Sealed for $name {}

        impl $crate::Reply for $name {
            const MNEMONIC: &'static str = $mnemonic;
            const SAMPLE: &'static str = $sample;
            const FIELDS: &'static [$crate::FieldInfo] =
                &[$( $crate::FieldInfo::of::<$ty>($crate::macros::key!($field $($key)?), $label, $width) ),+];

            fn parse(data: &[u8]) -> Result<(Self, $crate::Extra<'_>), $crate::DecodeError> {
                let mut fields = $crate::field::Fields::new($mnemonic, data, 0);
                let reply = Self { $( $field: fields.read::<$ty, $width>($crate::macros::key!($field $($key)?))?, )+ };
                Ok((reply, fields.extra()))
            }

            fn encode(&self, buffer: &mut [u8]) -> Result<usize, $crate::EncodeError> {
                $crate::reply::encode(buffer, |out| {
                    $( out.field::<$ty, $width>(self.$field)?; )+
                    Ok(())
                })
            }

            fn visit(&self, visitor: &mut dyn FnMut(&'static $crate::FieldInfo, $crate::Value<'_>)) {
                let values = [$( $crate::field::Field::value(&self.$field) ),+];
                for (info, value) in Self::FIELDS.iter().zip(values) {
                    if let Some(value) = value {
                        visitor(info, value);
                    }
                }
            }
        }
    };
}

/// The name of a field in error texts and in JSON: the one given with `as`, or that of the struct.
macro_rules! key {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $key:literal) => {
        $key
    };
}

/// Declares a code: a number with names for the values known today.
///
/// A device may send any number. What a host sends is a [`Known`](crate::Known) one. `@numbered(true)`
/// before the type's name shows the number before the name of a code, as people know faults by it.
macro_rules! codes {
    (
        $(#[doc = $doc:literal])+
        $(@numbered($numbered:literal))?
        $name:ident { $( $(#[doc = $what:literal])* $value:ident = $code:literal, $text:literal; )+ }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(transparent))]
        pub struct $name(
            /// The number on the wire.
            pub u8,
        );

        impl $name {
            $( #[doc = concat!("`", $code, "`: ", $text, ".")] $(#[doc = $what])* pub const $value: Self = Self($code); )+

            /// What it stands for, or `None` for a number this crate has no name for.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                $crate::codes::name(<Self as $crate::codes::Code>::NAMES, self.0)
            }

            /// The same as a value that may be sent, if it has a name.
            #[must_use]
            pub fn known(self) -> Option<$crate::Known<Self>> {
                $crate::Known::new(self)
            }
        }

        impl $crate::codes::Code for $name {
            const NAMES: &'static [$crate::CodeName] =
                &[$( $crate::CodeName::new($code, $text) ),+];
            const NUMBERED: bool = false $( || $numbered )?;
            const WANTED: &'static str = concat!("a code: ", $crate::macros::code_list!($($code $text),+));
            fn from_number(number: u8) -> Self { Self(number) }
            fn number(self) -> u8 { self.0 }
        }

        $crate::codes::code_impls!($name);
    };
}

/// `0 AGM, 1 flooded, 2 user` as one literal.
macro_rules! code_list {
    ($code:literal $text:literal) => { concat!($code, " ", $text) };
    ($code:literal $text:literal, $($more:tt)+) => {
        concat!($code, " ", $text, ", ", $crate::macros::code_list!($($more)+))
    };
}

pub(crate) use {code_list, codes, key, reply};
