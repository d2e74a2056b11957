//! Rules that are not built in.

use lvx_parallel::{
    Checks, Context, Finding, Member, Question, Questions, ReportStyle, Rule, RuleInfo, Severity,
};
use pi18_proto::GeneralStatus;

use crate::{read, shared};

/// Reports heat sinks that differ by more than a limit. Its texts are made at run time, as from a
/// configuration.
struct HeatSinks {
    info: RuleInfo,
    max: i16,
}

impl HeatSinks {
    fn new(id: &str, max: i16) -> Self {
        Self { info: RuleInfo::owned(id, format!("heat sinks differ by {max} °C"), "a test"), max }
    }
}

impl Rule for HeatSinks {
    fn info(&self) -> &RuleInfo {
        &self.info
    }

    fn needs(&self) -> Questions {
        Questions::one(Question::GeneralStatus)
    }

    fn evidence(&self) -> Questions {
        Questions::one(Question::FirmwareVersions)
    }

    fn check(&self, context: &Context<'_>) -> Vec<Finding> {
        let heat_sink = |status: &GeneralStatus| status.heat_sink_temperature;
        let Some((least, greatest)) = context.extremes(heat_sink) else { return Vec::new() };
        if greatest.0 - least.0 <= self.max || context.has_reported("battery-voltage") {
            return Vec::new();
        }
        let finding = Finding::new(&self.info, Severity::Error, "too hot", "a fan may be clogged");
        vec![finding.with_values(context.measured_values(heat_sink)).with_advice("clean the fans")]
    }
}

fn only_heat_sinks(max: i16) -> Checks {
    let checks = Checks::default().with_rule(HeatSinks::new("heat-sinks", max)).unwrap();
    checks.only(["heat-sinks"]).unwrap()
}

#[test]
fn added_rule_is_in_verdict_and_every_format() {
    let bank = read(&["slave=06126", "slave=06126"]);
    let checks = Checks::default().with_rule(HeatSinks::new("heat-sinks", -1)).unwrap();
    let report = checks.check(&bank);
    assert_eq!(report.verdict(), "not healthy: 2 units, 1 error, 0 warnings");
    assert_eq!(report.left_out, 0);
    let finding = &report.findings[0];
    assert_eq!((&*finding.rule, &*finding.source), ("heat-sinks", "a test"));
    let serials = finding.values.iter().map(|value| value.serial_number.unwrap().to_string());
    assert_eq!(serials.collect::<Vec<_>>(), ["96132206100410", "96132206100411"]);
    let text = report.to_text(&ReportStyle::default());
    assert!(text.contains("error: too hot: sim:0 + sim:1"), "{text}");
    assert!(report.to_markdown().contains("(`heat-sinks`)\n  - why: a fan may be clogged\n"));
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["findings"][0]["rule"], "heat-sinks");
    assert_eq!(json["healthy"], false);
}

#[test]
fn added_rule_is_chosen_by_its_id() {
    let bank = read(&["slave=06126", "slave=06126"]);
    let report = only_heat_sinks(-1).check(&bank);
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.left_out, RuleInfo::all().count());
    let checks = only_heat_sinks(-1).skip(["heat-sinks"]).unwrap();
    assert!(checks.check(&bank).findings.is_empty());
    assert_eq!(checks.check(&bank).left_out, RuleInfo::all().count() + 1);
}

#[test]
fn questions_of_added_rule_are_asked() {
    for (max, asked) in [(100, "PI, ID, GS"), (-1, "PI, ID, VFW, GS")] {
        let checks = only_heat_sinks(max);
        let links = shared(&["", ""]).concurrent_links();
        let bank = checks.read(links.into_iter().map(crate::member).collect::<Vec<Member<_>>>());
        assert_eq!(bank.units[0].asked().to_string(), asked, "{max}");
    }
    let bank = read(&["", ""]).only(Questions::ALWAYS);
    let report = only_heat_sinks(-1).check(&bank);
    assert_eq!(report.findings[0].to_string(), "some questions were not asked: sim:0 + sim:1 GS");
    assert!(report.findings[0].why.ends_with("judge only a part: heat-sinks"), "{report}");
}

#[test]
fn added_rule_knows_what_built_in_rules_reported() {
    let bank = read(&["slave=06126", "slave=06126&battery-offset=0.4"]);
    let checks = Checks::default().with_rule(HeatSinks::new("heat-sinks", -1)).unwrap();
    let rules: Vec<_> = checks.check(&bank).findings.into_iter().map(|each| each.rule).collect();
    assert_eq!(rules, ["battery-voltage"]);
}

#[test]
fn added_rule_needs_a_new_id() {
    let error = |id: &str| {
        let checks = Checks::default().with_rule(HeatSinks::new("mine", 0)).unwrap();
        checks.with_rule(HeatSinks::new(id, 0)).unwrap_err().to_string()
    };
    let in_use = "expected an id that no other rule has, found one that is in use";
    assert_eq!(error("fault"), format!("rule fault: {in_use}"));
    assert_eq!(error("mine"), format!("rule mine: {in_use}"));
    let letters = "rule: expected an id of lower-case letters, digits and hyphens";
    assert_eq!(error(""), format!("{letters}, found \"\""));
    assert_eq!(error("Heat\u{1b}"), format!("{letters}, found \"Heat\\u{{1b}}\""));
    let checks = Checks::default().with_rule(HeatSinks::new("heat-sinks", 0)).unwrap();
    let error = checks.only(["heat-sinkss"]).unwrap_err().to_string();
    assert_eq!(error, "heat-sinkss: expected the name of a rule, perhaps heat-sinks");
}
