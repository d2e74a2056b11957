//! Maps and protocols of other makers, which are recognized so that they can be named.

use std::fmt;

/// Another map or protocol whose frames look like replies of a pack.
///
/// ```
/// use lvx_parallel::pack::{Live, MapError, OtherMap, Registers, Scales};
///
/// // Registers 0 to 17 are zeros: the first pack of a chain answers for all.
/// let mut words = vec![0; 39];
/// (words[21], words[22]) = (66, 5324);
/// let error = Live::from_registers(&Registers::new(0, words), &Scales::UNKNOWN).unwrap_err();
/// assert_eq!(error, MapError::OtherMap(OtherMap::Growatt));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OtherMap {
    /// Growatt's map of low-voltage batteries, with which the first pack of a chain answers for all packs:
    /// zeros up to register 17, sums and extremes from 19 on, cells from 113 on.
    ///
    /// Source: captures of EG4 packs between an inverter and its battery, and of another maker's BMS in its
    /// Growatt mode; observed on EG4-LL chains.
    Growatt,
    /// Voltronic's protocol between inverter and BMS, whose replies count words in two bytes.
    ///
    /// Source: capture of a BMS in its Voltronic mode. A request of another host for registers of the same
    /// address can have the same bytes.
    Voltronic,
}

impl OtherMap {
    /// Returns the name of the map or protocol.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Growatt => "the map of Growatt's low-voltage batteries",
            Self::Voltronic => "Voltronic's protocol between inverter and BMS",
        }
    }

    /// Returns the map that has such registers from 0 on.
    pub(in crate::pack) fn of_live(words: &[u16]) -> Option<Self> {
        let (first, rest) = words.split_at_checked(18)?;
        let is_empty = first.iter().all(|word| *word == 0);
        let voltage = rest.get(4).copied().unwrap_or_default();
        (is_empty && voltage != 0).then_some(Self::Growatt)
    }

    /// Returns the map that has a reply with these words. The first register is not known.
    pub(in crate::pack) fn of_reply(words: &[u16]) -> Option<Self> {
        let is_voltage = |voltage: u16| (1000..=7000).contains(&voltage);
        let is_cell = |cell: &u16| *cell == 0 || (1500..=4500).contains(cell);
        let is_growatt = match *words {
            // The state of charge, register 21.
            [soc] => soc <= 100,
            // Registers 19 to 24, or 19 to 35: status, error, state of charge, voltage.
            [_, _, soc, voltage, _, _] => soc <= 100 && is_voltage(voltage),
            [_, _, soc, voltage, ..] if words.len() == 17 => soc <= 100 && is_voltage(voltage),
            // The cells, registers 113 to 120 or 128.
            [first, ..] if matches!(words.len(), 8 | 16) => first != 0 && words.iter().all(is_cell),
            _ => Self::of_live(words).is_some(),
        };
        is_growatt.then_some(Self::Growatt)
    }
}

impl fmt::Display for OtherMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
