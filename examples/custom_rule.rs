//! Adds a rule to the health check of a bank: the battery keeps a reserve for a power cut.
//!
//! The verdict and the report treat it like a built-in rule. Without addresses, checks the virtual units
//! `sim:0` and `sim:1`.
//!
//! `cargo run -p pi18-examples --example custom_rule -- /dev/hidraw0 /dev/hidraw1`
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;

use lvx_parallel::{
    Checks, Context, Finding, Member, Question, Questions, Rule, RuleInfo, Severity,
};
use pi18_proto::Percent;
use pi18_transport::Address;

struct Reserve {
    least: Percent,
}

static INFO: RuleInfo = RuleInfo::new("reserve", "the battery has no reserve", "site policy");

impl Rule for Reserve {
    fn info(&self) -> &RuleInfo {
        &INFO
    }

    fn needs(&self) -> Questions {
        Questions::one(Question::GeneralStatus)
    }

    fn check(&self, context: &Context<'_>) -> Vec<Finding> {
        let low = context.values(|unit| {
            let capacity = unit.status.value()?.battery_capacity;
            (capacity < self.least).then_some(capacity)
        });
        if low.is_empty() {
            return Vec::new();
        }
        let what = format!("the battery is below its reserve of {}", self.least);
        let finding = Finding::new(&INFO, Severity::Warning, what, "a power cut may come any time");
        vec![finding.with_values(low).with_advice("charge from the grid until the reserve is full")]
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut units: Vec<String> = std::env::args().skip(1).collect();
    if units.is_empty() {
        units.extend(["sim:0?soc=40", "sim:1"].map(str::to_owned));
    }
    let addresses = units.iter().map(|unit| unit.parse()).collect::<Result<Vec<Address>, _>>()?;
    let checks = Checks::default().with_rule(Reserve { least: Percent(50) })?.skip(["clock"])?;
    let report = checks.check(&checks.read(addresses.iter().map(Member::open).collect()));
    report.findings.iter().for_each(|finding| println!("{}: {finding}", finding.severity));
    println!("{}", report.verdict());
    Ok(())
}
