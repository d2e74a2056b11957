//! Properties of saved banks and of rules.

use std::time::Duration;

use lvx_parallel::{
    BankSnapshot, Checks, Gap, Reading, Reason, Report, ReportStyle, UnitSnapshot, check, compare,
};
use pi18_proto::Query;

/// Parses a saved bank.
///
/// A valid bank round-trips in YAML and in JSON, and the rules can check it.
///
/// # Panics
/// If the property is violated.
pub fn snapshot(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match BankSnapshot::parse(text) {
        Ok(mut bank) => {
            // What another version wrote is not saved again.
            bank.newer_format = None;
            assert_eq!(BankSnapshot::parse(&bank.to_yaml()).as_ref(), Ok(&bank));
            assert_eq!(BankSnapshot::parse(&bank.to_json()).as_ref(), Ok(&bank));
            check_bank(&bank);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Checks a bank with changed sample replies.
///
/// The first byte of `data` selects the number of units. The bytes after it select the changes and the
/// time of each reply.
///
/// # Panics
/// If a rule panics, or the report contradicts itself.
pub fn rules(data: &[u8]) {
    let mut bytes = data.iter().copied();
    let count = usize::from(bytes.next().unwrap_or_default()) % 10;
    let units = (0..count).map(|unit| {
        let name = if unit % 4 == 3 { "sim:0".to_owned() } else { format!("sim:{unit}") };
        UnitSnapshot::from_answers(name, |query| answer(query, &mut bytes))
    });
    let mut bank = BankSnapshot::new(units);
    if let (Some(3), Some(unit)) = (bytes.next(), bank.units.first_mut()) {
        unit.lost = Some(Gap::new(Reason::Gone, "\u{1b}[2J"));
    }
    check_bank(&bank);
}

/// Returns a sample reply with up to three digits changed, or no reply.
fn answer(
    query: Query,
    bytes: &mut impl Iterator<Item = u8>,
) -> Result<Reading<pi18_proto::AnyReply>, Gap> {
    let mut next = || bytes.next().unwrap_or_default();
    let mut data = query.info().sample.as_bytes().to_vec();
    let head = next();
    if head % 16 == 15 {
        return Err(Gap::new(Reason::Refused, ""));
    }
    for _ in 0..head % 4 {
        let place = usize::from(next()) % data.len().max(1);
        let digit = b'0' + next() % 10;
        if let Some(byte) = data.get_mut(place).filter(|byte| byte.is_ascii_digit()) {
            *byte = digit;
        }
    }
    let at = Duration::from_millis(u64::from(head / 16) * 500);
    match query.parse_reply(&data) {
        Ok((value, _)) => Ok(Reading::new(value, at)),
        Err(error) => Err(Gap::new(Reason::Unreadable, error.to_string())),
    }
}

fn check_bank(bank: &BankSnapshot) {
    let checks = Checks::default().with_bank_ah(100).with_baseline(bank.clone());
    check_report(bank, &checks.check(bank));
    let mut reversed = bank.clone();
    reversed.units.reverse();
    let found = |bank: &BankSnapshot| {
        let report = check(bank);
        let found = report.findings.into_iter();
        found.map(|finding| (finding.rule, finding.severity)).collect::<Vec<_>>()
    };
    assert_eq!(found(&reversed), found(bank));
    let comparison = compare(bank);
    assert_eq!(comparison.units.len() + comparison.unread.len(), bank.units.len());
    assert!(!comparison.to_string().is_empty() && !comparison.to_markdown().is_empty());
}

fn check_report(bank: &BankSnapshot, report: &Report) {
    assert_eq!(report.units.len(), bank.units.len());
    for finding in &report.findings {
        assert!(!finding.what.is_empty() && !finding.why.is_empty());
    }
    let style = ReportStyle::default().wide(80);
    let text = report.to_text(&style);
    assert!(!text.contains('\u{1b}') && text.ends_with('\n'));
    assert!(report.to_text(&style.coloured(true)).len() > text.len());
    assert!(report.to_markdown().starts_with("**"));
    assert!(report.to_json().starts_with('{'));
    assert_eq!(report.is_healthy(), report.verdict().starts_with("healthy"));
}
