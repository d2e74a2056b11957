//! The battery guard: what is known of a battery, so that no write harms its cells.

mod guard;

use std::{fmt, str::FromStr};

use pi18_proto::{Amperes, Decivolts};
use serde::{Deserialize, Serialize};

pub use guard::GuardError;

/// The battery guard of a site or a profile: what is known of the battery.
///
/// Charge voltages are written only under a complete guard: chemistry, cells and both cell voltages
/// ([`incomplete`](Self::incomplete)). An incomplete guard still holds for what it states.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
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
    /// All units together charge with at most this current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bank_charge_current: Option<Amperes>,
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
    /// Source: assumed, from what makers' data sheets agree on; lead-acid cells are taken as low as the
    /// factory's cut-off for AGM, 40.8 V for 24 cells (captured `DI`).
    #[must_use]
    pub const fn cell_range(self) -> (Millivolts, Millivolts) {
        match self {
            Self::Lfp => (Millivolts(2500), Millivolts(3650)),
            Self::Nmc => (Millivolts(2800), Millivolts(4200)),
            Self::LeadAcid => (Millivolts(1700), Millivolts(2450)),
        }
    }

    /// The voltage by which a battery of such cells is named: 16 LFP cells are a battery of 51.2 V.
    ///
    /// Source: assumed, from what makers' data sheets agree on.
    #[must_use]
    pub const fn nominal(self) -> Millivolts {
        match self {
            Self::Lfp => Millivolts(3200),
            Self::Nmc => Millivolts(3600),
            Self::LeadAcid => Millivolts(2000),
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
    /// Returns a complete guard: cells in series, and the voltages between which each is kept.
    ///
    /// ```
    /// use lvx_settings::{Battery, Chemistry, Millivolts};
    ///
    /// let battery = Battery::new(Chemistry::Lfp, 16, Millivolts(2800), Millivolts(3600));
    /// assert_eq!(battery.errors(), []);
    /// assert!(battery.incomplete().is_none());
    /// ```
    #[must_use]
    pub const fn new(chemistry: Chemistry, cells: u16, min: Millivolts, max: Millivolts) -> Self {
        Self {
            chemistry: Some(chemistry),
            cells: Some(cells),
            max_cell_voltage: Some(max),
            min_cell_voltage: Some(min),
            max_bank_charge_current: None,
        }
    }

    /// Returns the guard with a limit for the charge current of all units together.
    #[must_use]
    pub const fn with_max_bank_charge_current(self, current: Amperes) -> Self {
        Self { max_bank_charge_current: Some(current), ..self }
    }

    /// The voltage by which the battery is named; `None` without chemistry or cells.
    #[must_use]
    pub fn nominal(&self) -> Option<Decivolts> {
        let decivolts = u32::from(self.chemistry?.nominal().0) * u32::from(self.cells?) / 100;
        Some(Decivolts(decivolts.try_into().unwrap_or(u16::MAX)))
    }

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
