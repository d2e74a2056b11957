//! All units offer the same charge currents.

use super::{Rule, ratings};
use crate::{
    Finding, Severity,
    context::{Context, differ, each},
};

pub(super) static RULE: Rule = Rule::new(
    "selectable-currents",
    "the charge currents that can be selected differ",
    "PI18 2017 and 2022, \"MCHGCR\" and \"MUCHGCR\"",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    if ratings::differs(context) {
        return Vec::new();
    }
    let why = "a current that one unit takes and another does not cannot be set on all; the units may \
               be of different make or firmware";
    let finding = |what: &str, values| {
        RULE.finding(Severity::Warning, what, values, why)
            .advise(&["choose a current that all of them offer"])
    };
    let mut findings = Vec::new();
    let list = |unit: &crate::UnitSnapshot| unit.charge_currents.value();
    if differ(&context.units, list) {
        let values = each(&context.units, |unit| Some(shown(&list(unit)?.currents)));
        findings.push(finding("the selectable maximum charge currents differ", values));
    }
    let list = |unit: &crate::UnitSnapshot| unit.ac_charge_currents.value();
    if differ(&context.units, list) {
        let values = each(&context.units, |unit| Some(shown(&list(unit)?.currents)));
        findings.push(finding("the selectable maximum AC charge currents differ", values));
    }
    findings
}

/// `2, 10, 20 A`
fn shown(currents: &pi18_proto::Currents) -> String {
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
    fn lists_that_differ_are_told() {
        assert_eq!(with(&[10, 20, 100]), [("selectable-currents", Severity::Warning)]);
        assert_eq!(with(&[10, 20, 30, 40, 50, 60, 70, 80]), []);
    }
}
