//! A bank as a file: YAML or JSON, versioned, read within bounds.

use pi18_proto::DateTime;
use serde::{Deserialize, Serialize};

use crate::{BankSnapshot, FormatError, UnitSnapshot};

/// As it stands in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<U> {
    format: String,
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started: Option<DateTime>,
    units: U,
}

const FORMAT: &str = "lvx-bank";

impl BankSnapshot {
    /// The version of the format that is written and read.
    pub const VERSION: u32 = 1;

    /// Most bytes of a text that [`parse`](Self::parse) reads: ten units take a tenth of it.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Reads a bank from YAML or JSON, whichever it is.
    ///
    /// # Errors
    /// If it is no bank, of another version, or larger than a bank can be; says line and column.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        if text.len() > Self::MAX_BYTES {
            let why = format!("expected at most {} bytes, found {}", Self::MAX_BYTES, text.len());
            return Err(FormatError::new("the text", why));
        }
        let file: File<Vec<UnitSnapshot>> = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| FormatError::json(&error))?
        } else {
            serde_saphyr::from_str(text).map_err(|error| FormatError::yaml(&error))?
        };
        if (file.format.as_str(), file.version) != (FORMAT, Self::VERSION) {
            let found = format!("{} version {}", file.format.escape_debug(), file.version);
            let why = format!("expected {FORMAT} version {}, found {found}", Self::VERSION);
            return Err(FormatError::new("format", why));
        }
        let bank = Self { started: file.started, units: file.units };
        bank.check_size().map(|()| bank)
    }

    /// As YAML: `format: lvx-bank`, `version`, `started` (this computer's time), and `units`.
    ///
    /// A unit has its `name` and a key for each question; an answer is `at_ms` (since the start) and
    /// `value`, a reply whose quantities are numbers in their unit and whose codes are numbers, or
    /// `missing` with `reason` and `text`. `ratings` and `statuses` are lists by instance.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let written = serde_saphyr::to_string(&self.as_file());
        // Nothing in it is of a kind that YAML does not have.
        written.unwrap_or_default()
    }

    /// As JSON, indented.
    #[must_use]
    pub fn to_json(&self) -> String {
        let written = serde_json::to_string_pretty(&self.as_file());
        // Its keys are texts and none of its numbers is infinite.
        written.unwrap_or_default()
    }

    fn as_file(&self) -> File<&[UnitSnapshot]> {
        File {
            format: FORMAT.to_owned(),
            version: Self::VERSION,
            started: self.started,
            units: &self.units,
        }
    }

    fn check_size(&self) -> Result<(), FormatError> {
        let most = Self::MAX_UNITS;
        let check = |place: String, found: usize| {
            let why = || format!("expected at most {most}, found {found}");
            if found > most { Err(FormatError::new(place, why())) } else { Ok(()) }
        };
        check("units".to_owned(), self.units.len())?;
        for unit in &self.units {
            let place = |list: &str| format!("{} {list}", unit.name.escape_debug());
            check(place("ratings"), unit.ratings.len())?;
            check(place("statuses"), unit.statuses.len())?;
        }
        Ok(())
    }
}
