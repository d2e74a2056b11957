//! The report in JSON, for programs. Its schema is `schema/report.schema.json`.

use pi18_proto::DateTime;
use serde::Serialize;

use super::{
    summary::{Report, ReportUnit},
    table::Row,
};
use crate::Finding;

/// The content of the JSON report.
#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: u32,
    verdict: String,
    healthy: bool,
    complete: bool,
    started: Option<DateTime>,
    skew_ms: Option<u64>,
    rules_left_out: usize,
    units: &'a [ReportUnit],
    table: &'a [Row],
    findings: &'a [Finding],
}

impl Report {
    /// The version of the JSON report. It changes when a key changes its meaning or is removed.
    pub const VERSION: u32 = 1;

    /// The JSON schema of what [`to_json`](Self::to_json) writes.
    pub const SCHEMA: &'static str = include_str!("../../schema/report.schema.json");

    /// Writes the report as indented JSON, for programs. Its schema is [`SCHEMA`](Self::SCHEMA).
    ///
    /// ```json
    /// {
    ///   "format": "lvx-report",
    ///   "version": 1,
    ///   "verdict": "healthy: 1 unit, no error, no warning",
    ///   "healthy": true,
    ///   "complete": true,
    ///   "started": "2026-11-27 13:43:48",
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
        let document = Document {
            format: "lvx-report",
            version: Self::VERSION,
            verdict: self.verdict(),
            healthy: self.is_healthy(),
            complete: self.complete,
            started: self.started,
            skew_ms: self.skew.map(|skew| u64::try_from(skew.as_millis()).unwrap_or(u64::MAX)),
            rules_left_out: self.left_out,
            units: &self.units,
            table: &self.rows,
            findings: &self.findings,
        };
        // This cannot fail: every key is a string and every number is finite.
        serde_json::to_string_pretty(&document).unwrap_or_default()
    }
}
