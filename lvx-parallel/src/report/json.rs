//! The report in JSON, for programs. Its schema is `schema/report.schema.json`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{
    summary::{Report, ReportPack, ReportUnit},
    table::Row,
};
use crate::{Finding, FormatError, HostTime};

/// The content of the JSON report.
#[derive(Serialize, Deserialize)]
struct Document {
    format: String,
    version: u32,
    verdict: String,
    healthy: bool,
    complete: bool,
    #[serde(default, deserialize_with = "time_or_none")]
    started: Option<HostTime>,
    #[serde(default)]
    skew_ms: Option<u64>,
    #[serde(default)]
    rules_left_out: usize,
    units: Vec<ReportUnit>,
    #[serde(default)]
    table: Vec<Row>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    packs: Vec<ReportPack>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pack_table: Vec<Row>,
    findings: Vec<Finding>,
}

/// Reads a time. A form that a later version may write is not an error: the time is then not known.
fn time_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<HostTime>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

const FORMAT: &str = "lvx-report";

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Document::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Report {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Document::deserialize(deserializer)?.try_into().map_err(de::Error::custom)
    }
}

impl From<Report> for Document {
    fn from(report: Report) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: Report::VERSION,
            verdict: report.verdict,
            healthy: report.healthy,
            complete: report.complete,
            started: report.started,
            skew_ms: report.skew.map(|skew| u64::try_from(skew.as_millis()).unwrap_or(u64::MAX)),
            rules_left_out: report.left_out,
            units: report.units,
            table: report.rows,
            packs: report.packs,
            pack_table: report.pack_rows,
            findings: report.findings,
        }
    }
}

impl TryFrom<Document> for Report {
    type Error = FormatError;

    fn try_from(document: Document) -> Result<Self, FormatError> {
        if document.format != FORMAT || document.version == 0 {
            let found = format!("{} version {}", document.format.escape_debug(), document.version);
            let why = format!("expected {FORMAT} version 1 or later, found {found}");
            return Err(FormatError::new("format", why));
        }
        Ok(Self {
            started: document.started,
            skew: document.skew_ms.map(Duration::from_millis),
            complete: document.complete,
            units: document.units,
            rows: document.table,
            packs: document.packs,
            pack_rows: document.pack_table,
            findings: document.findings,
            left_out: document.rules_left_out,
            healthy: document.healthy,
            verdict: document.verdict,
        })
    }
}

impl Report {
    /// The version of the JSON report that is written. Later versions add keys and values; a format that this
    /// version cannot read gets another name.
    pub const VERSION: u32 = 2;

    /// The JSON schema of what [`to_json`](Self::to_json) writes.
    pub const SCHEMA: &'static str = include_str!("../../schema/report.schema.json");

    /// Writes the report as indented JSON, for programs. Its schema is [`SCHEMA`](Self::SCHEMA). A bank with battery
    /// packs has the keys `packs` and `pack_table` too.
    ///
    /// ```json
    /// {
    ///   "format": "lvx-report",
    ///   "version": 2,
    ///   "verdict": "healthy: 1 unit, no error, no warning",
    ///   "healthy": true,
    ///   "complete": true,
    ///   "started": "2026-11-27T13:43:48+01:00",
    ///   "skew_ms": null,
    ///   "rules_left_out": 0,
    ///   "units": [],
    ///   "table": [],
    ///   "findings": []
    /// }
    /// ```
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Member, check};
    ///
    /// let report = check(&BankSnapshot::read(vec![Member::open(&"sim:0?fault=02".parse()?)]));
    /// let json: serde_json::Value = serde_json::from_str(&report.to_json())?;
    /// assert_eq!((&json["format"], &json["healthy"]), (&"lvx-report".into(), &false.into()));
    /// let errors = json["findings"].as_array().into_iter().flatten();
    /// assert!(errors.into_iter().any(|finding| finding["rule"] == "fault"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        // This cannot fail: every key is a string and every number is finite.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Reads a report from JSON, of any version. Unknown keys, rules and severities are kept or ignored, never
    /// an error.
    ///
    /// # Errors
    /// If the text is not a report. The error has the line and the column.
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Member, Report, check};
    ///
    /// let report = check(&BankSnapshot::read(vec![Member::open(&"sim:0?fault=02".parse()?)]));
    /// let read = Report::parse(&report.to_json())?;
    /// assert_eq!(read, report);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let document: Document =
            serde_json::from_str(text).map_err(|error| FormatError::json(&error))?;
        document.try_into()
    }
}
