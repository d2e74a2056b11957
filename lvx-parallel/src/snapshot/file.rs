//! Bank snapshots in files: YAML or JSON, with a format version and limits of size.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeOwned},
};
use serde_json::Value;

use super::{
    bank::BankSnapshot, host_time::HostTime, newer, pack::PackSnapshot, unit::UnitSnapshot,
};
use crate::FormatError;

/// The content of a file.
#[derive(Serialize, Deserialize)]
struct File<U, P> {
    format: String,
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started: Option<HostTime>,
    units: U,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    packs: Option<P>,
}

/// A file that was read.
type SavedFile = File<Vec<UnitSnapshot>, Vec<PackSnapshot>>;

fn none<P>() -> Option<P> {
    None
}

/// The keys that every version has.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
}

const FORMAT: &str = "lvx-bank";

impl Serialize for BankSnapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let file = File {
            format: FORMAT.to_owned(),
            version: Self::VERSION,
            started: self.started,
            units: self.units.as_slice(),
            packs: (!self.packs.is_empty()).then_some(self.packs.as_slice()),
        };
        file.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BankSnapshot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SavedFile::deserialize(deserializer)?.try_into().map_err(de::Error::custom)
    }
}

impl TryFrom<SavedFile> for BankSnapshot {
    type Error = FormatError;

    fn try_from(file: SavedFile) -> Result<Self, FormatError> {
        if file.format != FORMAT || file.version == 0 {
            let found = format!("{} version {}", file.format.escape_debug(), file.version);
            let why = format!("expected {FORMAT} version 1 or later, found {found}");
            return Err(FormatError::new("format", why));
        }
        let newer_format = (file.version > Self::VERSION).then_some(file.version);
        let packs = file.packs.unwrap_or_default();
        let mut bank = Self { started: file.started, units: file.units, packs, newer_format };
        bank.check_size()?;
        bank.units.iter_mut().for_each(UnitSnapshot::fill_serial);
        Ok(bank)
    }
}

impl BankSnapshot {
    /// The version of the format that is written. Later versions of the format add keys and values; a format
    /// that this version cannot read gets another name.
    pub const VERSION: u32 = 2;

    /// The JSON schema of what [`to_json`](Self::to_json) writes.
    pub const SCHEMA: &'static str = include_str!("../../schema/bank.schema.json");

    /// The largest text that [`parse`](Self::parse) reads, in bytes. A bank of ten units needs about a
    /// tenth of this.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Reads a bank from YAML or JSON. A text that begins with `{` is read as JSON.
    ///
    /// Every version of the format is read. Unknown keys are ignored. In a later version than
    /// [`VERSION`](Self::VERSION), an answer that cannot be read counts as unreadable, and
    /// [`newer_format`](Self::newer_format) has the version.
    ///
    /// # Errors
    /// If the text is not a bank, or is larger than a bank can be. The error names the line and the column
    /// where they are known.
    ///
    /// ```
    /// use lvx_parallel::BankSnapshot;
    ///
    /// let text = "format: lvx-bank\nversion: 1\nunits:\n- name: inverter 1\n";
    /// let bank = BankSnapshot::parse(text)?;
    /// assert_eq!(bank.units[0].name, "inverter 1");
    ///
    /// let later = BankSnapshot::parse("format: lvx-bank\nversion: 3\nsite: roof\nunits: []\n")?;
    /// assert_eq!(later.newer_format, Some(3));
    ///
    /// let error = BankSnapshot::parse("format: lvx-site\nversion: 1\nunits: []\n").unwrap_err();
    /// let text = "format: expected lvx-bank version 1 or later, found lvx-site version 1";
    /// assert_eq!(error.to_string(), text);
    /// # Ok::<(), lvx_parallel::FormatError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        if text.len() > Self::MAX_BYTES {
            let why = format!("expected at most {} bytes, found {}", Self::MAX_BYTES, text.len());
            return Err(FormatError::new("the text", why));
        }
        let is_newer = |header: Header| header.format == FORMAT && header.version > Self::VERSION;
        let file: SavedFile = if deserialized(text).is_ok_and(is_newer) {
            let mut file: Value = deserialized(text)?;
            newer::reduce(&mut file);
            serde_json::from_value(file).map_err(|error| FormatError::json(&error))?
        } else {
            deserialized(text)?
        };
        file.try_into()
    }

    /// Writes the bank as YAML with the keys `format` (`lvx-bank`), `version`, `started` (time of
    /// the computer that read it, with its offset from UTC) and `units`. Its schema is
    /// [`SCHEMA`](Self::SCHEMA).
    ///
    /// A unit has its `name`, its `serial_number` and one key for each question. An answer has `at_ms`
    /// (milliseconds since the start) and `value`, a reply whose quantities are numbers in their unit and
    /// whose codes are numbers; or it has `missing` with `reason` and `text`. `ratings` and `statuses` are
    /// lists by instance.
    ///
    /// `packs`, if there are any, have their `name`, `label`, and `live` with `at_ms` and the `registers` from 0 on;
    /// `earlier` has readings before. A pack that could not be read has `lost` with `reason` and `text`.
    ///
    /// ```yaml
    /// format: lvx-bank
    /// version: 2
    /// started: "2026-11-27T13:43:48+01:00"
    /// units:
    /// - name: sim:0
    ///   serial_number: "96132206100410"
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
        serde_saphyr::to_string(self).unwrap_or_default()
    }

    /// Writes the bank as indented JSON with the same keys as [`to_yaml`](Self::to_yaml).
    #[must_use]
    pub fn to_json(&self) -> String {
        // This cannot fail: every key is a string and every number is finite.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    fn check_size(&self) -> Result<(), FormatError> {
        let check_at_most = |max: usize, place: String, found: usize| {
            let why = || format!("expected at most {max}, found {found}");
            if found > max { Err(FormatError::new(place, why())) } else { Ok(()) }
        };
        let check = |place, found| check_at_most(Self::MAX_UNITS, place, found);
        check_at_most(Self::MAX_PACKS, "packs".to_owned(), self.packs.len())?;
        check("units".to_owned(), self.units.len())?;
        for unit in &self.units {
            let place = |list: &str| format!("{} {list}", unit.name.escape_debug());
            check(place("ratings"), unit.ratings.len())?;
            check(place("statuses"), unit.statuses.len())?;
        }
        Ok(())
    }
}

/// Reads a value from YAML or JSON.
fn deserialized<T: DeserializeOwned>(text: &str) -> Result<T, FormatError> {
    if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| FormatError::json(&error))
    } else {
        serde_saphyr::from_str(text).map_err(|error| FormatError::yaml(&error))
    }
}
