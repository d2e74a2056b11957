//! `lvx sync-check`: checks whether a bank is healthy.

use std::io::Write;

use lvx_parallel::{Checks, Severity, Thresholds};
use pi18_proto::Version;

use crate::{
    args::{self, ReportFormat},
    input,
    terminal::{Failure, Status, Stdout, add_commands, style},
    units::{read_bank, saved_bank},
};

pub(crate) fn run(args: &args::SyncCheck, out: &mut Stdout) -> Result<Status, Failure> {
    if args.list_rules {
        return list(out);
    }
    let checks = checks(args)?;
    let bank = read_bank(&args.bank, |units, packs| checks.read_with_packs(units, packs))?;
    let mut report = checks.check(&bank);
    report.findings.iter_mut().for_each(|finding| add_commands(&mut finding.advice));
    // For live units, the time of reading is the present.
    if let (Some(_), Some(started), ReportFormat::Table) =
        (&args.bank.from, report.started, args.format)
    {
        writeln!(out, "read {started}\n")?;
    }
    match args.format {
        ReportFormat::Table => out.write_styled(&report.to_text(&style()))?,
        ReportFormat::Json => writeln!(out, "{}", report.to_json())?,
        ReportFormat::Markdown => write!(out, "{}", report.to_markdown())?,
    }
    Ok(match (report.complete, report.is_healthy()) {
        (false, _) => Status::Unread,
        (true, false) => Status::Findings,
        (true, true) => Status::Ok,
    })
}

fn checks(args: &args::SyncCheck) -> Result<Checks, Failure> {
    let expected = args.expect_firmware.as_ref().map(|text| {
        Version::new(text).ok_or_else(|| {
            let expected = "expected a version such as 06306";
            Failure::usage(format_args!("--expect-firmware: {expected}, found {text:?}"))
        })
    });
    let unknown = |option| move |error| Failure::usage(format_args!("{option} {error}"));
    let mut checks = Checks::default().with_thresholds(thresholds(args)?);
    checks.expected_firmware = expected.transpose()?;
    checks.bank_ah = args.bank_ah;
    let checks = checks.only(&args.only).map_err(unknown("--only"))?;
    let mut checks = checks.skip(&args.skip).map_err(unknown("--skip"))?;
    checks.baseline = args.baseline.as_ref().map(|path| saved_bank(path)).transpose()?;
    if checks.baseline.is_some() && !checks.applies("baseline") {
        return Err(Failure::usage(
            "--baseline: the rule `baseline` is excluded by --only or --skip",
        ));
    }
    if checks.rules().any(|info| checks.applies(&info.id)) {
        Ok(checks)
    } else {
        Err(Failure::usage("--only and --skip exclude all rules"))
    }
}

fn thresholds(args: &args::SyncCheck) -> Result<Thresholds, Failure> {
    let mut thresholds = match &args.thresholds {
        None => Thresholds::default(),
        Some(path) => Thresholds::parse(&input::read_text(path, Thresholds::MAX_BYTES)?)
            .map_err(|error| Failure::usage(format_args!("{}: {error}", path.display())))?,
    };
    for text in &args.threshold {
        let (key, value) = text.split_once('=').ok_or_else(|| {
            let expected = "expected KEY=VALUE such as battery_voltage_spread=0.3";
            Failure::usage(format_args!("--threshold: {expected}, found {text:?}"))
        })?;
        thresholds
            .set(key, value)
            .map_err(|error| Failure::usage(format_args!("--threshold {error}")))?;
    }
    Ok(thresholds)
}

fn list(out: &mut impl Write) -> Result<Status, Failure> {
    writeln!(out, "Rules (--only, --skip), each with its greatest severity:")?;
    let style = style().at_most(80);
    let checks = Checks::default();
    for rule in checks.each_rule() {
        let (info, severities) = (rule.info(), rule.severities());
        let severity = severities.first().map(Severity::to_string).unwrap_or_default();
        write!(out, "{}", style.wrap(&format!("  {:<20} {severity:<8} ", info.id), &info.summary))?;
    }
    writeln!(out, "\nThresholds (--threshold KEY=VALUE, --thresholds FILE):")?;
    for (info, (key, value)) in Thresholds::LIST.iter().zip(Thresholds::default().values()) {
        write!(out, "{}", style.wrap(&format!("  {key:<25} {value:>7}  "), info.summary))?;
    }
    Ok(Status::Ok)
}
