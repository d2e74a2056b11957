//! The report for programs. Its form is `schema/report.schema.json`.

use pi18_proto::DateTime;
use serde::Serialize;

use super::{Report, ReportUnit, Row};
use crate::Finding;

/// As it stands in JSON.
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
    /// The version of the JSON report. It changes when something that was there changes or goes.
    pub const VERSION: u32 = 1;

    /// The JSON schema of [`to_json`](Self::to_json).
    pub const SCHEMA: &'static str = include_str!("../../schema/report.schema.json");

    /// The report for programs, indented.
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
        let written = serde_json::to_string_pretty(&document);
        // Its keys are texts and none of its numbers is infinite.
        written.unwrap_or_default()
    }
}
