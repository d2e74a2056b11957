//! `FLAG`: the enable flags, and the letters by which `PE` and `PD` switch them.

use core::{fmt, str::FromStr};

use crate::{
    Count, EncodeError, FieldInfo, ParseError, Reply, Switch, Text, Value,
    field::{Field, Form, Writer},
    macros::reply,
};

reply! {
    /// The enable flags, the reply to `FLAG`.
    ///
    /// ```
    /// use pi18_proto::{Flag, Flags, Reply, SetCommand, Switch};
    ///
    /// let flags = Flags::decode(b"1,0,1,0,0,1,1,0,0")?;
    /// assert_eq!(flags.backlight, Switch::ON);
    ///
    /// let command = SetCommand::DisableFlag { flag: Flag::Backlight };
    /// assert_eq!(command.to_string(), "PDF");
    /// # Ok::<(), pi18_proto::DecodeError>(())
    /// ```
    ///
    /// Source: PI18 2017 (the ninth reserved) and 2022 (the last two on V II WP), "FLAG"; units
    /// were observed with nine fields, and one with ten.
    Flags = "FLAG", sample "1,0,1,0,0,1,1,0,0" {
        /// Buzzer (silence or open)
        ///
        /// The sheets call this flag "silence buzzer or open buzzer". It is not known whether 1 means
        /// silenced or sounding.
        buzzer ("buzzer_silenced"): Count[1],
        /// Overload bypass
        overload_bypass: Switch[1],
        /// Display returns to its first page after 1 min
        display_escape: Switch[1],
        /// Overload restart
        overload_restart: Switch[1],
        /// Over-temperature restart
        over_temperature_restart: Switch[1],
        /// Backlight
        backlight: Switch[1],
        /// Alarm when the primary source is interrupted
        primary_source_alarm: Switch[1],
        /// Fault record
        fault_record: Switch[1],
        /// Feed to grid
        ///
        /// Reserved in the 2017 edition.
        feed_to_grid: Option<Switch>[1],
        /// Immediate lithium battery turn-on
        lithium_turn_on: Option<Switch>[1],
        /// Automatic lithium battery turn-on
        lithium_auto_turn_on: Option<Switch>[1],
    }
}

/// A flag. `PE` with its letter switches it on, `PD` with its letter switches it off.
///
/// `I` also changes the machine type: to grid-tie with `PEI`, to off-grid with `PDI`.
///
/// Source: PI18 2017 and 2022, "PE/PD".
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Flag {
    /// `A`: buzzer.
    Buzzer,
    /// `B`: overload bypass.
    OverloadBypass,
    /// `C`: return of the display to its first page.
    DisplayEscape,
    /// `D`: overload restart.
    OverloadRestart,
    /// `E`: over-temperature restart.
    OverTemperatureRestart,
    /// `F`: backlight.
    Backlight,
    /// `G`: alarm on interruption of the primary source.
    PrimarySourceAlarm,
    /// `H`: fault record.
    FaultRecord,
    /// `I`: feed to grid.
    FeedToGrid,
    /// `J`: immediate turn-on of a lithium battery.
    LithiumTurnOn,
    /// `K`: automatic turn-on of a lithium battery.
    LithiumAutoTurnOn,
}

impl Flag {
    /// All flags, in the order of their letters and of the fields of [`Flags`].
    pub const ALL: &'static [Self] = &[
        Self::Buzzer,
        Self::OverloadBypass,
        Self::DisplayEscape,
        Self::OverloadRestart,
        Self::OverTemperatureRestart,
        Self::Backlight,
        Self::PrimarySourceAlarm,
        Self::FaultRecord,
        Self::FeedToGrid,
        Self::LithiumTurnOn,
        Self::LithiumAutoTurnOn,
    ];

    /// Iterates over all flags, each with its letter and the description of its field.
    fn all() -> impl Iterator<Item = (u8, Self, &'static FieldInfo)> {
        let named = Self::ALL.iter().copied().zip(Flags::FIELDS);
        (b'A'..).zip(named).map(|(letter, (flag, info))| (letter, flag, info))
    }

    /// Returns the letter, `A` to `K`.
    #[must_use]
    pub fn letter(self) -> char {
        Self::all().find(|&(_, flag, _)| flag == self).map_or('?', |(letter, ..)| letter.into())
    }

    /// Returns the label of the field in [`Flags`].
    #[must_use]
    pub fn label(self) -> &'static str {
        Self::all().find(|&(_, flag, _)| flag == self).map_or("", |(.., info)| info.label)
    }

    /// Returns the flag with this letter.
    #[must_use]
    pub fn from_letter(letter: char) -> Option<Self> {
        Self::all().find(|&(known, ..)| char::from(known) == letter).map(|(_, flag, _)| flag)
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl FromStr for Flag {
    type Err = ParseError;

    /// Reads the label in upper or lower case, or the letter.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let named = Self::all()
            .find(|(.., info)| info.label.eq_ignore_ascii_case(text))
            .map(|(_, flag, _)| flag);
        let by_letter = || Self::read(text.as_bytes());
        let expected = "the label of a flag, or its letter from A to K";
        named.or_else(by_letter).ok_or_else(|| ParseError::new(expected, text))
    }
}

impl Field for Flag {
    const FORM: Form = Form::Text("A");
    const EXPECTED: &'static str = "a flag's letter, A to K";

    fn read(token: &[u8]) -> Option<Self> {
        match token {
            [letter] => Self::from_letter(char::from(*letter)),
            _ => None,
        }
    }

    fn write(self, _width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        Self::all()
            .find(|&(_, flag, _)| flag == self)
            .map_or(Ok(()), |(letter, ..)| out.byte(letter))
    }

    fn value(&self) -> Option<Value<'_>> {
        Some(Value::Text(Text::format(format_args!("{}", self.letter()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_letters_follow_the_order_of_fields() {
        assert_eq!(Flag::Buzzer.letter(), 'A');
        assert_eq!(Flag::LithiumAutoTurnOn.letter(), 'K');
        assert_eq!(Flag::from_letter('H').unwrap().label(), "Fault record");
        assert_eq!(Flag::from_letter('L'), None);
        assert_eq!(Flag::ALL.len(), Flags::FIELDS.len());
    }

    #[test]
    fn flags_with_missing_fields_or_unnamed_values_round_trip() {
        let flags = Flags::decode(b"0,0,0,0,0,1,0,0,12").unwrap();
        assert_eq!(flags.feed_to_grid, Some(Switch(12)));
        assert_eq!(flags.lithium_turn_on, None);
        let reserved = Flags::decode(b"0,0,0,0,0,1,0,0,,1").unwrap();
        assert_eq!((reserved.feed_to_grid, reserved.lithium_turn_on), (None, Some(Switch::ON)));
        let mut buffer = [0; 64];
        let len = reserved.encode(&mut buffer).unwrap();
        assert_eq!(&buffer[..len], b"0,0,0,0,0,1,0,0,,1");
    }
}
