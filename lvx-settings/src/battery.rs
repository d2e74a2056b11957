//! What a profile says of the battery, so that no voltage harms its cells.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The battery that a profile is made for: guards, not settings.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Battery {
    /// What its cells are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chemistry: Option<Chemistry>,
    /// How many cells are in series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cells: Option<u16>,
    /// No cell is charged above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cell_voltage: Option<Millivolts>,
    /// No cell is discharged below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_cell_voltage: Option<Millivolts>,
}

/// A cell's voltage in thousandths of a volt.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millivolts(pub u16);

/// What a battery's cells are.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chemistry {
    /// Lithium iron phosphate.
    Lfp,
    /// Lithium nickel manganese cobalt oxide.
    Nmc,
    /// Lead-acid: flooded, AGM or gel.
    LeadAcid,
}

impl Chemistry {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Lfp, Self::Nmc, Self::LeadAcid];

    /// The lowest and the highest voltage that a cell of this kind is ever taken to.
    ///
    /// Source: assumed, from what makers' data sheets agree on.
    #[must_use]
    pub const fn cell_range(self) -> (Millivolts, Millivolts) {
        match self {
            Self::Lfp => (Millivolts(2500), Millivolts(3650)),
            Self::Nmc => (Millivolts(2800), Millivolts(4200)),
            Self::LeadAcid => (Millivolts(1750), Millivolts(2450)),
        }
    }

    /// The highest voltage at which a full cell is held for long without ageing.
    ///
    /// Source: assumed, from what makers' data sheets agree on.
    #[must_use]
    pub const fn float_limit(self) -> Millivolts {
        match self {
            Self::Lfp => Millivolts(3450),
            Self::Nmc => Millivolts(4100),
            Self::LeadAcid => Millivolts(2300),
        }
    }

    /// How a profile writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lfp => "lfp",
            Self::Nmc => "nmc",
            Self::LeadAcid => "lead_acid",
        }
    }
}

impl Battery {
    /// The highest voltage that its cells take; the chemistry's if the profile gives none.
    #[must_use]
    pub fn highest_cell(&self) -> Option<Millivolts> {
        self.max_cell_voltage.or_else(|| self.chemistry.map(|chemistry| chemistry.cell_range().1))
    }

    /// The lowest voltage that its cells take; the chemistry's if the profile gives none.
    #[must_use]
    pub fn lowest_cell(&self) -> Option<Millivolts> {
        self.min_cell_voltage.or_else(|| self.chemistry.map(|chemistry| chemistry.cell_range().0))
    }
}

impl fmt::Display for Chemistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl fmt::Display for Millivolts {
    /// With two decimals, or three if it needs them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1000, self.0 % 1000);
        if part % 10 == 0 {
            write!(f, "{whole}.{:02} V", part / 10)
        } else {
            write!(f, "{whole}.{part:03} V")
        }
    }
}

impl FromStr for Millivolts {
    type Err = ();

    /// `3.60 V`, `3.6`, `3.565 V`; at most 9.999 V.
    fn from_str(text: &str) -> Result<Self, ()> {
        let number = text.strip_suffix('V').unwrap_or(text).trim();
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() != 1 || !(1..=3).contains(&part.len()) || !digits(whole) || !digits(part) {
            return Err(());
        }
        format!("{whole}{part:0<3}").parse().map(Self).map_err(|_| ())
    }
}
