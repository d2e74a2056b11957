//! `LED`: the LED settings of a V IV.

use core::{fmt, str::FromStr};

use crate::{
    EncodeError, LedBrightness, LedData, LedEffect, LedSpeed, LedWelcome, ParseError, Switch, Text,
    Value,
    field::{Field, Form, Writer, Zero, digit_groups},
    macros::reply,
};

reply! {
    /// The LED settings, the reply to `LED`.
    ///
    /// Source: PI18 2022, "LED" (V IV only); no capture is known.
    LedSettings = "LED", sample "1,1,2,2,0,000100255,255000000,000255000,1" {
        /// LED
        on: Switch[1],
        /// LED speed
        speed: LedSpeed[1],
        /// LED effect
        effect: LedEffect[1],
        /// LED brightness
        brightness: LedBrightness[1],
        /// LED data shown
        data_shown: LedData[1],
        /// LED background colour
        background_color: Rgb[9],
        /// LED data colour
        data_color: Rgb[9],
        /// LED background colour for "energy source"
        energy_source_color: Rgb[9],
        /// LED welcome effect
        welcome_effect: LedWelcome[1],
    }
}

/// A colour: red, green and blue, 0 to 255 each.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Rgb {
    /// Red
    pub red: u8,
    /// Green
    pub green: u8,
    /// Blue
    pub blue: u8,
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl FromStr for Rgb {
    type Err = ParseError;

    /// Reads the displayed form, `#rrggbb`.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let digits = text.strip_prefix('#').filter(|digits| {
            digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        });
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let [_, red, green, blue] =
            number.ok_or_else(|| ParseError::new("a colour such as #0064ff", text))?.to_be_bytes();
        Ok(Self { red, green, blue })
    }
}

impl Zero for Rgb {
    const ZERO: Self = Self { red: 0, green: 0, blue: 0 };
}

impl Field for Rgb {
    const FORM: Form = Form::Text("RRRGGGBBB");
    const EXPECTED: &'static str = "red, green and blue as RRRGGGBBB, 000 to 255 each";

    fn read(token: &[u8]) -> Option<Self> {
        let [red, green, blue] = digit_groups(token, [3, 3, 3])?.map(u8::try_from);
        Some(Self { red: red.ok()?, green: green.ok()?, blue: blue.ok()? })
    }

    fn write(self, _width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        [self.red, self.green, self.blue]
            .into_iter()
            .try_for_each(|part| out.number(part.into(), 3))
    }

    fn value(&self) -> Option<Value<'_>> {
        Some(Value::Text(Text::format(format_args!("{self}"))))
    }
}
