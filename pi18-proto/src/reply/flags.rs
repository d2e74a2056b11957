//! `FLAG`: what is switched on, and the letters by which `PE` and `PD` switch it.

use core::fmt;

use crate::{
    Count, EncodeError, FieldInfo, Reply, Switch,
    field::{Field, Form, Writer},
    macros::reply,
    value::{Text, Value},
};

reply! {
    /// The enable flags, the answer to `FLAG`.
    ///
    /// Source: PI18 2017 (the ninth reserved) and 2022 (the last two on V II WP), "FLAG"; units are
    /// seen with nine fields, once with ten.
    Flags = "FLAG", sample "1,0,1,0,0,1,1,0,0" {
        /// Buzzer (silence or open)
        ///
        /// The sheets say "silence buzzer or open buzzer"; which of them 1 means is not known.
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
        /// Reserved in 2017.
        feed_to_grid: Option<Switch>[1],
        /// Lithium battery turn-on at once
        lithium_turn_on: Option<Switch>[1],
        /// Lithium battery turn-on automatic
        lithium_auto_turn_on: Option<Switch>[1],
    }
}

/// A flag that `PE` switches on and `PD` off, by its letter.
///
/// `I` is special: `PEI` makes the unit grid-tie, `PDI` off-grid.
///
/// Source: PI18 2017 and 2022, "PE/PD".
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Flag {
    /// `A`
    Buzzer,
    /// `B`
    OverloadBypass,
    /// `C`
    DisplayEscape,
    /// `D`
    OverloadRestart,
    /// `E`
    OverTemperatureRestart,
    /// `F`
    Backlight,
    /// `G`
    PrimarySourceAlarm,
    /// `H`
    FaultRecord,
    /// `I`
    FeedToGrid,
    /// `J`
    LithiumTurnOn,
    /// `K`
    LithiumAutoTurnOn,
}

impl Flag {
    /// All of them, in the order of the letters, which is that of the fields of [`Flags`].
    pub const ALL: [Self; 11] = [
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

    fn all() -> impl Iterator<Item = (u8, Self, &'static FieldInfo)> {
        let named = Self::ALL.into_iter().zip(Flags::FIELDS);
        (b'A'..).zip(named).map(|(letter, (flag, info))| (letter, flag, info))
    }

    /// The letter, `A` to `K`.
    #[must_use]
    pub fn letter(self) -> char {
        Self::all().find(|&(_, flag, _)| flag == self).map_or('?', |(letter, ..)| letter.into())
    }

    /// What it switches.
    #[must_use]
    pub fn label(self) -> &'static str {
        Self::all().find(|&(_, flag, _)| flag == self).map_or("", |(.., info)| info.label)
    }

    /// The flag of a letter.
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

impl Field for Flag {
    const FORM: Form = Form::Text("A");
    const WANTED: &'static str = "a flag's letter, A to K";

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
    fn a_flag_has_the_letter_of_its_place() {
        assert_eq!(Flag::Buzzer.letter(), 'A');
        assert_eq!(Flag::LithiumAutoTurnOn.letter(), 'K');
        assert_eq!(Flag::from_letter('H').unwrap().label(), "Fault record");
        assert_eq!(Flag::from_letter('L'), None);
        assert_eq!(Flag::ALL.len(), Flags::FIELDS.len());
    }

    #[test]
    fn takes_nine_to_eleven_fields_and_keeps_odd_values() {
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
