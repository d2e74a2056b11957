//! `bank-size`: all units of the bank were given.
//!
//! Each unit reports in `PRIn` which units of its bank are present. If not all of them were given, faults of
//! the others are not seen, and sums are too small.
//!
//! Source: PI18, "PRIn".

use crate::{
    Finding, FindingKind, Severity,
    context::{Context, each},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "bank-size",
    "fewer units were given than the bank has",
    "PI18, \"PRIn\": a unit reports the other units of its bank",
    &[&UNITS_MISSING],
    check,
);

static UNITS_MISSING: FindingKind = FindingKind::new(
    Severity::Warning,
    "fewer units were given than the units report",
    "faults and differences of the other units are not seen, and sums are too small",
    &["give all units of the bank; the answer to PRI1 has the serial number of unit 1"],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let (known, given) = (context.known_size(), context.given.len());
    if known <= given {
        return Vec::new();
    }
    let values = each(&context.units, |unit| {
        let missing: Vec<_> =
            context.missing_numbers(unit).map(|number| number.to_string()).collect();
        let units = if missing.len() == 1 { "unit" } else { "units" };
        (!missing.is_empty()).then(|| format!("reporting {units} {}", missing.join(" and ")))
    });
    let what = format!("not all units of the bank were given, only {given} of {known}");
    vec![RULE.report(&UNITS_MISSING, what, values)]
}

#[cfg(test)]
mod tests {
    use crate::{
        Severity,
        rules::testing::{bank_of, findings, first_finding},
    };

    #[test]
    fn unit_not_given_is_reported() {
        let mut bank = bank_of(&["", "", ""]);
        assert_eq!(findings(&bank), []);
        bank.units.remove(1);
        assert_eq!(findings(&bank), [("bank-size", Severity::Warning)]);
        bank.units.remove(0);
        assert_eq!(findings(&bank), [("bank-size", Severity::Warning)]);
        assert_eq!(
            first_finding(&bank),
            "not all units of the bank were given, only 1 of 3: sim:2 reporting units 0 and 1"
        );
    }
}
