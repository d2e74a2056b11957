//! The macros that declare replies and codes. The code that they generate calls ordinary functions
//! for the actual work.

/// Declares a reply: its struct, the descriptions of its fields, and its implementation of `Reply`.
macro_rules! reply {
    (
        // The documentation of the struct.
        $(#[doc = $doc:literal])+
        // The struct, and the mnemonic of the query that it answers.
        $name:ident = $mnemonic:literal,
        // Sample data of the reply: from a real device if a capture is known.
        sample $sample:literal
        // The values that `new` takes, for a reply of few values. Other replies have `zeroed`.
        $(, new($($arg:ident: $arg_ty:ty),+))?
        {
            $(
                // The label of the field: the first line of its documentation.
                #[doc = $label:literal]
                // The rest of its documentation.
                $(#[doc = $more:literal])*
                // The field in the struct.
                $field:ident
                // Its name in JSON and in error texts, if that differs from the struct's.
                $(as $key:literal)?
                // A former name, which is still read from JSON.
                $(($former:literal))?
                // The type of the value, which decides unit and scale. It is an `Option` in a field that
                // is added after a release, so that replies of older units and saved ones are read.
                : $ty:ty
                // The number of characters written.
                [$width:literal],
            )+
        }
    ) => {
        $(#[doc = $doc])+
        #[doc(alias = $mnemonic)]
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
        #[non_exhaustive]
        pub struct $name {
            $(
                #[doc = $label]
                $(#[doc = $more])*
                $(#[cfg_attr(feature = "serde", serde(rename = $key))])?
                $(#[cfg_attr(feature = "serde", serde(alias = $former))])?
                pub $field: $ty,
            )+
        }

        $crate::macros::constructor!(
            $name { $($field: $ty),+ } $(new($($arg: $arg_ty),+))?
        );

        impl $crate::reply::Sealed for $name {}

        impl $crate::layout::Record for $name {
            #[inline]
            fn read<S: $crate::layout::Source>(source: &mut S) -> Result<Self, S::Error> {
                Ok(Self {
                    $($field: source.field::<$ty, $width>(
                        $crate::macros::key!($field $($key)?),
                    )?,)+
                })
            }

            #[inline]
            fn write<S: $crate::layout::Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
                $(sink.field::<$ty, $width>(self.$field)?;)+
                Ok(())
            }
        }

        impl $crate::Reply for $name {
            const MNEMONIC: &'static str = $mnemonic;
            const SAMPLE: &'static str = $sample;
            const FIELDS: &'static [$crate::FieldInfo] = &[
                $($crate::FieldInfo::of::<$ty>(
                    $crate::macros::key!($field $($key)?),
                    $label,
                    $width,
                ),)+
            ];

            fn parse(data: &[u8]) -> Result<(Self, $crate::Extra<'_>), $crate::DecodeError> {
                $crate::layout::parse(data)
            }

            fn encode(&self, buffer: &mut [u8]) -> Result<usize, $crate::EncodeError> {
                $crate::layout::encode(self, buffer)
            }

            fn visit(
                &self,
                visitor: &mut dyn FnMut(&'static $crate::FieldInfo, $crate::Value<'_>),
            ) {
                let values = [$($crate::field::Field::value(&self.$field)),+];
                for (info, value) in Self::FIELDS.iter().zip(values) {
                    if let Some(value) = value {
                        visitor(info, value);
                    }
                }
            }
        }
    };
}

/// Declares the function that creates a reply: `new` if its arguments are given, otherwise `zeroed`.
macro_rules! constructor {
    (
        // The struct, its fields and their types.
        $name:ident { $($field:ident: $ty:ty),+ }
    ) => {
        impl $name {
            /// Returns a reply whose values are all zero and whose optional fields are absent.
            ///
            /// A simulated device starts with it and assigns its own values to the fields. A field
            /// without an assigned value is sent as zeros.
            #[must_use]
            pub const fn zeroed() -> Self {
                Self { $($field: <$ty as $crate::field::Zero>::ZERO),+ }
            }
        }
    };
    (
        // The struct, its fields and their types.
        $name:ident { $($field:ident: $ty:ty),+ }
        // The arguments and their types.
        new($($arg:ident: $arg_ty:ty),+)
    ) => {
        impl $name {
            /// Creates a reply.
            #[must_use]
            pub const fn new($($arg: $arg_ty),+) -> Self {
                Self { $($arg),+ }
            }
        }
    };
}

/// Expands to the name of a field in JSON and in error texts.
macro_rules! key {
    (
        // The field in the struct, whose name is used.
        $field:ident
    ) => {
        stringify!($field)
    };
    (
        // The field in the struct.
        $field:ident
        // The name that is used instead.
        $key:literal
    ) => {
        $key
    };
}

/// Declares a code: a number with names for the known values.
///
/// A device may send any number. A host sends a [`Known`](crate::Known) code only.
macro_rules! codes {
    (
        // The documentation of the type.
        $(#[doc = $doc:literal])+
        // Whether manuals and displays refer to the code by its number, which is then shown before
        // the name; false if left out.
        $(@numbered($numbered:literal))?
        // The type.
        $name:ident
        {
            $(
                // More documentation of one value.
                $(#[doc = $more:literal])*
                // The constant, its number on the wire and its name.
                $value:ident = $code:literal, $text:literal;
            )+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[cfg_attr(
            feature = "serde",
            derive(serde::Deserialize, serde::Serialize),
            serde(transparent)
        )]
        pub struct $name(
            /// The number on the wire.
            pub u8,
        );

        impl $name {
            $(
                #[doc = concat!("`", $code, "`: ", $text, ".")]
                $(#[doc = $more])*
                pub const $value: Self = Self($code);
            )+

            /// Returns the name, or `None` for a number without a known name.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                $crate::code::name(<Self as $crate::code::Code>::NAMES, self.0)
            }

            /// Returns the code as a value that may be sent, if it has a name.
            #[must_use]
            pub const fn known(self) -> Option<$crate::Known<Self>> {
                match self.name() {
                    Some(_) => Some($crate::Known(self)),
                    None => None,
                }
            }
        }

        impl $crate::code::Code for $name {
            const NAMES: &'static [$crate::CodeName] = &[$($crate::CodeName::new($code, $text)),+];
            const NUMBERED: bool = false $(|| $numbered)?;
            const EXPECTED: &'static str =
                concat!("a code: ", $crate::macros::code_list!($($code $text),+));

            fn from_number(number: u8) -> Self {
                Self(number)
            }

            fn number(self) -> u8 {
                self.0
            }
        }

        $crate::code::code_impls!($name);
    };
}

/// Expands to a list such as `0 AGM, 1 flooded, 2 user` as one literal.
macro_rules! code_list {
    (
        // The number and name of the last code.
        $code:literal $text:literal
    ) => {
        concat!($code, " ", $text)
    };
    (
        // The number and name of one code.
        $code:literal $text:literal,
        // The codes that follow it.
        $($more:tt)+
    ) => {
        concat!($code, " ", $text, ", ", $crate::macros::code_list!($($more)+))
    };
}

pub(crate) use {code_list, codes, constructor, key, reply};
