//! Bank snapshots in files: YAML or JSON, with a format version and limits of size.

use pi18_proto::DateTime;
use serde::{Deserialize, Serialize};

use super::{bank::BankSnapshot, unit::UnitSnapshot};
use crate::FormatError;

/// The content of a file.
#[derive(Serialize, Deserialize)]
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

    /// The largest text that [`parse`](Self::parse) reads, in bytes. A bank of ten units needs about a
    /// tenth of this.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Reads a bank from YAML or JSON. A text that begins with `{` is read as JSON.
    ///
    /// # Errors
    /// If the text is not a bank, has another version, or is larger than a bank can be. The error names
    /// the line and the column where they are known.
    ///
    /// ```
    /// use lvx_parallel::BankSnapshot;
    ///
    /// let text = "format: lvx-bank\nversion: 1\nunits:\n- name: inverter 1\n";
    /// let bank = BankSnapshot::parse(text)?;
    /// assert_eq!(bank.units[0].name, "inverter 1");
    ///
    /// let error = BankSnapshot::parse("format: lvx-bank\nversion: 2\nunits: []\n").unwrap_err();
    /// assert_eq!(error.to_string(), "format: expected lvx-bank version 1, found lvx-bank version 2");
    /// # Ok::<(), lvx_parallel::FormatError>(())
    /// ```
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

    /// Writes the bank as YAML with the keys `format` (`lvx-bank`), `version`, `started` (time of
    /// the computer that read it) and `units`.
    ///
    /// A unit has its `name` and one key for each question. An answer has `at_ms` (milliseconds since
    /// the start) and `value`, a reply whose quantities are numbers in their unit and whose codes are
    /// numbers; or it has `missing` with `reason` and `text`. `ratings` and `statuses` are lists by
    /// instance.
    ///
    /// ```yaml
    /// format: lvx-bank
    /// version: 1
    /// started: "2026-11-27 13:43:48"
    /// units:
    /// - name: sim:0
    ///   identity:
    ///     at_ms: 5
    ///     value:
    ///       serial_number: "96132206100410"
    ///   flags:
    ///     missing:
    ///       reason: silent
    ///       text: "sim:0: expected a reply, found nothing"
    /// ```
    #[must_use]
    pub fn to_yaml(&self) -> String {
        // This cannot fail: every value has a type that YAML can represent.
        serde_saphyr::to_string(&self.as_file()).unwrap_or_default()
    }

    /// Writes the bank as indented JSON with the same keys as [`to_yaml`](Self::to_yaml).
    #[must_use]
    pub fn to_json(&self) -> String {
        // This cannot fail: every key is a string and every number is finite.
        serde_json::to_string_pretty(&self.as_file()).unwrap_or_default()
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
        let max = Self::MAX_UNITS;
        let check = |place: String, found: usize| {
            let why = || format!("expected at most {max}, found {found}");
            if found > max { Err(FormatError::new(place, why())) } else { Ok(()) }
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
