//! `charge-rate`: the bank does not charge its battery too fast.
//!
//! Adds up the charge currents of all units and compares the sum with the capacity of the battery, which
//! the caller gives ([`Checks::bank_ah`](crate::Checks::bank_ah)). Without it nothing is judged.
//!
//! Limit: `charge_rate`, 0.5 C. Source: a 300 Ah LFP bank was routinely charged with 110 A, 0.37 C;
//! makers of LFP packs commonly allow 0.5 C continuously.

use crate::{Finding, FindingKind, Severity, context::Context, rules::BuiltIn};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "charge-rate",
    "the charge current of the bank is high for its capacity (charge_rate; needs the capacity)",
    "a 300 Ah LFP bank charged with 110 A, 0.37 C, was normal; makers of LFP packs commonly allow 0.5 C continuously",
    &[&FAST],
    check,
);

static FAST: FindingKind = FindingKind::new(
    Severity::Warning,
    "the charge currents of all units together are above charge_rate of the capacity",
    "cells that are charged too fast age early, and a BMS may switch off to protect them, which raises battery \
     faults",
    &[
        "lower max_charge_current on all units alike",
        "look whether the BMS of each pack shows a current: fewer packs accept less current",
        "if a pack shows no current, look which reason its BMS shows; reset and close nothing before the reason is \
         known",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Some(capacity) = context.bank_ah().filter(|capacity| *capacity > 0) else {
        return Vec::new();
    };
    let sum: u64 =
        context.measured.iter().map(|each| u64::from(each.status.charge_current.0)).sum();
    let max = context.thresholds().charge_rate;
    let capacity = u64::from(capacity);
    if sum * 100 <= capacity * u64::from(max.0) {
        return Vec::new();
    }
    let rate = sum * 100 / capacity;
    let what = format!(
        "the bank charges with {sum} A, {}.{:02} C of {capacity} Ah, more than {}.{:02} C",
        rate / 100,
        rate % 100,
        max.0 / 100,
        max.0 % 100
    );
    let values =
        context.measured.iter().map(|each| each.value(each.status.charge_current)).collect();
    vec![RULE.report(&FAST, what, values)]
}

#[cfg(test)]
mod tests {
    use crate::{
        Checks, Severity,
        rules::testing::{bank_of, findings_of},
    };

    fn with(bank_ah: Option<u32>) -> Vec<(&'static str, Severity)> {
        let mut checks = Checks::default();
        checks.bank_ah = bank_ah;
        findings_of(&checks, &bank_of(&["", ""]))
    }

    #[test]
    fn rate_beyond_half_capacity_is_reported() {
        // 120 A
        assert_eq!(with(Some(239)), [("charge-rate", Severity::Warning)]);
        assert_eq!(with(Some(240)), []);
        assert_eq!(with(Some(300)), []);
        assert_eq!(with(None), []);
        let checks = Checks::default().with_bank_ah(100);
        assert_eq!(
            checks.check(&bank_of(&["", ""])).findings[0].to_string(),
            "the bank charges with 120 A, 1.20 C of 100 Ah, more than 0.50 C: sim:0 + sim:1 60 A"
        );
    }
}
