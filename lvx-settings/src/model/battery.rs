//! The battery guard: facts about a battery that keep writes from harming its cells.

mod guard;
mod packs;

use std::{fmt, str::FromStr};

use pi18_proto::{Amperes, Decivolts};
use serde::{Deserialize, Serialize};

use super::parse_error::ParseError;

pub use guard::GuardError;
pub use packs::{PackLimitInfo, PackLimits, PackModel, PackOverrides, Packs};

/// The battery guard of a site or a profile.
///
/// Charge voltages are written only under a complete guard: chemistry, cells and both cell voltages
/// ([`incomplete`](Self::incomplete)). An incomplete guard still limits values by the keys that it has.
///
/// ```
/// use lvx_settings::{Battery, Chemistry, Millivolts, Settings, broken_rules};
/// use pi18_proto::Decivolts;
///
/// let battery = Battery::new(Chemistry::Lfp, 16, Millivolts(2800), Millivolts(3600));
/// let settings = Settings::build(|s| s.bulk_voltage = Some(Decivolts(584)));
/// let rules = broken_rules(&settings, Some(&battery));
/// assert_eq!(
///     rules[0].to_string(),
///     "bulk_voltage 58.4 V is 3.65 V per cell, above 3.60 V; 16 cells in series allow at most 57.6 V"
/// );
/// ```
///
/// In a plan or a journal, an unknown key of the guard is an error: it may be a limit of a later version, and
/// without that limit the plan would be less safe than its author decided.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Battery {
    /// Chemistry of the cells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chemistry: Option<Chemistry>,
    /// Number of cells in series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cells: Option<u16>,
    /// Voltage above which no cell is charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cell_voltage: Option<Millivolts>,
    /// Voltage below which no cell is discharged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_cell_voltage: Option<Millivolts>,
    /// Maximum charge current of all units together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bank_charge_current: Option<Amperes>,
    /// The packs of the battery. Keys that are not stated follow from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packs: Option<Packs>,
}

/// A cell voltage in thousandths of a volt.
///
/// ```
/// use lvx_settings::Millivolts;
///
/// let voltage: Millivolts = "3.6 V".parse().unwrap();
/// assert_eq!(voltage, Millivolts(3600));
/// assert_eq!(voltage.to_string(), "3.60 V");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millivolts(pub u16);

/// The chemistry of battery cells.
///
/// | name in a profile | range of a cell | nominal | maximum float |
/// |---|---|---|---|
/// | `lfp` | 2.50 to 3.65 V | 3.20 V | 3.45 V |
/// | `nmc` | 2.80 to 4.20 V | 3.60 V | 4.10 V |
/// | `lead_acid` | 1.70 to 2.45 V | 2.00 V | 2.30 V |
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Chemistry {
    /// Lithium iron phosphate.
    Lfp,
    /// Lithium nickel manganese cobalt oxide.
    Nmc,
    /// Lead-acid: flooded, AGM or gel.
    LeadAcid,
}

impl Chemistry {
    /// All chemistries.
    pub const ALL: [Self; 3] = [Self::Lfp, Self::Nmc, Self::LeadAcid];

    /// Returns the lowest and the highest voltage of a cell of this chemistry in use.
    ///
    /// Source: assumed, from the common range of makers' data sheets; the lower end of lead-acid is the
    /// factory cut-off for AGM, 40.8 V for 24 cells (captured `DI`).
    #[must_use]
    pub const fn cell_range(self) -> (Millivolts, Millivolts) {
        match self {
            Self::Lfp => (Millivolts(2500), Millivolts(3650)),
            Self::Nmc => (Millivolts(2800), Millivolts(4200)),
            Self::LeadAcid => (Millivolts(1700), Millivolts(2450)),
        }
    }

    /// Returns the nominal voltage of a cell. A battery of 16 LFP cells in series has 51.2 V.
    ///
    /// Source: assumed, from the common values of makers' data sheets.
    #[must_use]
    pub const fn nominal(self) -> Millivolts {
        match self {
            Self::Lfp => Millivolts(3200),
            Self::Nmc => Millivolts(3600),
            Self::LeadAcid => Millivolts(2000),
        }
    }

    /// Returns the highest voltage at which a full cell can be held for hours without accelerated ageing.
    ///
    /// Source: assumed, from the common values of makers' data sheets.
    #[must_use]
    pub const fn float_limit(self) -> Millivolts {
        match self {
            Self::Lfp => Millivolts(3450),
            Self::Nmc => Millivolts(4100),
            Self::LeadAcid => Millivolts(2300),
        }
    }

    /// Returns the name of the chemistry in a profile.
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
    /// Returns a complete guard: the number of cells in series and the voltage range of each cell.
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
            packs: None,
        }
    }

    /// Returns the guard with a limit for the charge current of all units together.
    #[must_use]
    pub const fn with_max_bank_charge_current(self, current: Amperes) -> Self {
        Self { max_bank_charge_current: Some(current), ..self }
    }

    /// Returns the guard with these packs, and with every key that it does not state taken from the
    /// [guard of the packs](Packs::guard).
    ///
    /// ```
    /// use lvx_settings::{Battery, Millivolts, PackModel, Packs};
    ///
    /// let stated = Battery::parse(
    ///     "battery.yaml",
    ///     "{chemistry: lfp, cells: 16, max_cell_voltage: 3.50 V, min_cell_voltage: 2.90 V}",
    /// )?;
    /// let guard = stated.with_packs(Packs::new(PackModel::Eg4Lp4V2, 3).unwrap());
    /// assert_eq!(guard.max_cell_voltage, Some(Millivolts(3500)));
    /// assert_eq!(guard.max_bank_charge_current.unwrap().to_string(), "300 A");
    /// # Ok::<(), lvx_settings::Diagnostics>(())
    /// ```
    #[must_use]
    pub fn with_packs(self, packs: Packs) -> Self {
        let own = packs.guard();
        Self {
            chemistry: self.chemistry.or(own.chemistry),
            cells: self.cells.or(own.cells),
            max_cell_voltage: self.max_cell_voltage.or(own.max_cell_voltage),
            min_cell_voltage: self.min_cell_voltage.or(own.min_cell_voltage),
            max_bank_charge_current: self.max_bank_charge_current.or(own.max_bank_charge_current),
            packs: own.packs,
        }
    }

    /// Returns the nominal voltage of the battery; `None` without chemistry or cells.
    #[must_use]
    pub fn nominal(&self) -> Option<Decivolts> {
        let decivolts = u32::from(self.chemistry?.nominal().0) * u32::from(self.cells?) / 100;
        Some(Decivolts(decivolts.try_into().unwrap_or(u16::MAX)))
    }

    /// Returns the highest voltage allowed for a cell: the stated one, or that of the chemistry.
    #[must_use]
    pub fn highest_cell(&self) -> Option<Millivolts> {
        self.max_cell_voltage.or_else(|| self.chemistry.map(|chemistry| chemistry.cell_range().1))
    }

    /// Returns the lowest voltage allowed for a cell: the stated one, or that of the chemistry.
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
    /// Writes two decimals, or three if the last is not 0.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1000, self.0 % 1000);
        if part % 10 == 0 {
            write!(f, "{whole}.{:02} V", part / 10)
        } else {
            write!(f, "{whole}.{part:03} V")
        }
    }
}

impl FromStr for Chemistry {
    type Err = ParseError;

    /// Reads the name of a chemistry in a profile.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let named = Self::ALL.into_iter().find(|known| known.word() == text);
        named.ok_or_else(|| ParseError::new("lfp, nmc or lead_acid", text))
    }
}

impl FromStr for Millivolts {
    type Err = ParseError;

    /// Reads `3.60 V`, `3.6` or `3.565 V`; at most 9.999 V.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let wrong = || ParseError::new("a cell voltage such as 3.60 V", text);
        let number = text.strip_suffix('V').unwrap_or(text).trim();
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() != 1 || !(1..=3).contains(&part.len()) || !digits(whole) || !digits(part) {
            return Err(wrong());
        }
        format!("{whole}{part:0<3}").parse().map(Self).map_err(|_| wrong())
    }
}
