//! The settings of the units side by side.

use std::{borrow::Cow, fmt};

use lvx_settings::Setting;
use pi18_proto::SerialNumber;
use serde::{Serialize, Serializer};

use crate::{
    BankSnapshot, ReportStyle, Row, UnitSnapshot,
    context::named,
    report::{markdown_table, setting_rows, text_table},
};

/// The settings of the units side by side: first those that must be the same on all units, then all others.
///
/// Its `Display` is the text of [`to_text`](Self::to_text), without colours.
///
/// ```
/// use lvx_parallel::{BankSnapshot, Member, Questions, compare};
///
/// let members = ["sim:0".parse()?, "sim:1?float=53.0".parse()?];
/// let members = members.map(|address| Member::open(&address)).into();
/// let comparison = compare(&BankSnapshot::read_only(members, Questions::SETTINGS));
/// assert!(!comparison.matches());
/// assert!(comparison.verdict().starts_with("11/12 match"));
/// let differing = comparison.agreeing.iter().find(|row| row.is_marked());
/// assert_eq!(differing.map(|row| row.label.as_str()), Some("float voltage"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// Names of the units, the master first.
    pub units: Vec<String>,
    /// Serial number of each of [`units`](Self::units), if it is known.
    pub serial_numbers: Vec<Option<SerialNumber>>,
    /// The twelve settings that must agree.
    pub agreeing: Vec<Row>,
    /// All other settings except the clock.
    pub further: Vec<Row>,
    /// Names of the units whose settings could not be read.
    pub unread: Vec<String>,
}

/// Compares the settings of the units.
///
/// See [`Comparison`] for an example.
#[must_use]
pub fn compare(bank: &BankSnapshot) -> Comparison {
    let all_units = named(bank);
    let all = all_units.iter().map(Cow::as_ref);
    let (units, unread): (Vec<&UnitSnapshot>, Vec<&UnitSnapshot>) =
        all.partition(|unit| unit.rated.value().is_some());
    let names = |units: &[&UnitSnapshot]| units.iter().map(|unit| unit.name.clone()).collect();
    let is_agreeing = |row: &Row| {
        row.setting
            .as_deref()
            .and_then(Setting::from_key)
            .is_some_and(|setting| Setting::AGREEING.contains(&setting))
    };
    let rows = if units.is_empty() { Vec::new() } else { setting_rows(&units) };
    let (agreeing, further) = rows.into_iter().partition(is_agreeing);
    let serial_numbers = units.iter().map(|unit| unit.serial_number()).collect();
    Comparison { units: names(&units), serial_numbers, agreeing, further, unread: names(&unread) }
}

/// The content of the JSON comparison.
#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: u32,
    matches: bool,
    units: &'a [String],
    serial_numbers: &'a [Option<SerialNumber>],
    unread: &'a [String],
    agreeing: Part<'a>,
    further: Part<'a>,
}

#[derive(Serialize)]
struct Part<'a> {
    matching: usize,
    of: usize,
    settings: &'a [Row],
}

impl<'a> Part<'a> {
    fn of(rows: &'a [Row]) -> Self {
        Self { matching: matching(rows), of: rows.len(), settings: rows }
    }
}

impl Comparison {
    /// Returns whether all settings are the same on all units. Output modes may differ if the units feed
    /// different phases.
    #[must_use]
    pub fn matches(&self) -> bool {
        self.agreeing.iter().chain(&self.further).all(|row| !row.is_marked())
    }

    /// Returns the result in one line: `12/12 match, and 16/16 of the further settings`.
    #[must_use]
    pub fn verdict(&self) -> String {
        format!(
            "{}/{} match, and {}/{} of the further settings",
            matching(&self.agreeing),
            self.agreeing.len(),
            matching(&self.further),
            self.further.len()
        )
    }

    /// Writes the comparison as text: the twelve settings that must agree, the other settings that differ,
    /// and the verdict.
    #[must_use]
    pub fn to_text(&self, style: &ReportStyle) -> String {
        if self.units.is_empty() {
            return "nothing to compare: no unit was read\n".to_owned();
        }
        let mut out = text_table(&self.names(), &self.shown(), *style);
        out.push('\n');
        out.push_str(&self.verdict());
        out.push('\n');
        out
    }

    /// Writes the comparison in Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let table = markdown_table(&self.names(), &self.shown());
        format!("**{}**\n\n{table}", self.verdict())
    }

    /// Writes the comparison as indented JSON: `matches`, and for `agreeing` and `further` the number of
    /// matching settings and each setting with its cells.
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Member, compare};
    ///
    /// let members = ["sim:0".parse()?, "sim:1".parse()?].map(|address| Member::open(&address));
    /// let comparison = compare(&BankSnapshot::read(members.into()));
    /// let json: serde_json::Value = serde_json::from_str(&comparison.to_json())?;
    /// assert_eq!(json["matches"], true);
    /// assert_eq!((&json["agreeing"]["matching"], &json["agreeing"]["of"]), (&12.into(), &12.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        // This cannot fail: every key is a string and every number is finite.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    fn names(&self) -> Vec<&str> {
        self.units.iter().map(String::as_str).collect()
    }

    fn shown(&self) -> Vec<&Row> {
        let further = self.further.iter().filter(|row| row.is_marked());
        self.agreeing.iter().chain(further).collect()
    }
}

impl Serialize for Comparison {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let document = Document {
            format: "lvx-comparison",
            version: 1,
            matches: self.matches(),
            units: &self.units,
            serial_numbers: &self.serial_numbers,
            unread: &self.unread,
            agreeing: Part::of(&self.agreeing),
            further: Part::of(&self.further),
        };
        document.serialize(serializer)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(&ReportStyle::default()))
    }
}

fn matching(rows: &[Row]) -> usize {
    rows.iter().filter(|row| !row.is_marked()).count()
}
