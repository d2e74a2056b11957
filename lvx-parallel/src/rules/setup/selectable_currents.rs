//! `selectable-currents`: all units offer the same charge currents.
//!
//! Compares the lists in `MCHGCR` and `MUCHGCR`. A current that only some units offer cannot be set on all
//! units. Different models have different lists, which are not compared.
//!
//! Source: PI18 2017 and 2022, "MCHGCR" and "MUCHGCR".

use pi18_proto::Currents;

use crate::{
    Finding, FindingKind, Severity, UnitSnapshot,
    context::{Context, differ, each},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "selectable-currents",
    "the charge currents that can be selected differ",
    "PI18 2017 and 2022, \"MCHGCR\" and \"MUCHGCR\"",
    &[&DIFFERENT],
    check,
);

static DIFFERENT: FindingKind = FindingKind::new(
    Severity::Warning,
    "the maximum charge currents, or the maximum AC charge currents, that can be selected differ",
    "a current that only one unit accepts cannot be set on all; the units may be of different models or \
     have different firmware",
    &["choose a current that all units offer"],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let finding = |what: &str, values| RULE.report(&DIFFERENT, what, values);
    let mut findings = Vec::new();
    let list = |unit: &UnitSnapshot| unit.charge_currents.value();
    if differ(&context.units, list) {
        let values = each(&context.units, |unit| Some(shown(&list(unit)?.currents)));
        findings.push(finding("the selectable maximum charge currents differ", values));
    }
    let list = |unit: &UnitSnapshot| unit.ac_charge_currents.value();
    if differ(&context.units, list) {
        let values = each(&context.units, |unit| Some(shown(&list(unit)?.currents)));
        findings.push(finding("the selectable maximum AC charge currents differ", values));
    }
    findings
}

/// Returns the currents as they are shown: `2/10/20 A`.
fn shown(currents: &Currents) -> String {
    let numbers: Vec<_> = currents.values().map(|current| current.0.to_string()).collect();
    format!("{} A", numbers.join("/"))
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Amperes, Currents};

    use crate::{Severity, rules::testing::found};

    fn with(amperes: &[u16]) -> Vec<(&'static str, Severity)> {
        let list: Vec<_> = amperes.iter().map(|&amperes| Amperes(amperes)).collect();
        found(|units| {
            units[1].charge_currents.value_mut().unwrap().currents = Currents::new(&list).unwrap();
        })
    }

    #[test]
    fn different_lists_are_reported() {
        assert_eq!(with(&[10, 20, 100]), [("selectable-currents", Severity::Warning)]);
        assert_eq!(with(&[10, 20, 30, 40, 50, 60, 70, 80]), []);
    }
}
