//! The scenes: addresses of the virtual units, what may be changed, and what happens after the first round.

use std::fmt::Write;

use pi18_transport::{Address, Error, sim};

use crate::args::Scene;

/// Returns the number of units in words.
pub(super) fn units(scene: Scene) -> &'static str {
    match scene {
        Scene::Single => "one unit",
        Scene::TwoBanks => "two banks of one unit",
        Scene::ThreePhase => "three units",
        Scene::Nine => "nine units",
        Scene::Packs => "two units and three battery packs",
        _ => "two units",
    }
}

/// Returns the configuration of a scene.
pub(super) fn configuration(scene: Scene, port: u16) -> String {
    let mut text = String::from("site: demo\nbanks:\n  - name: virtual\n    units:\n");
    for (number, address) in addresses(scene).iter().enumerate() {
        if scene == Scene::TwoBanks && number == 1 {
            text.push_str("  - name: barn\n    units:\n");
        }
        let serial = FIRST_SERIAL + number;
        let number = number + 1;
        let _ = writeln!(
            text,
            "      - {{name: lvx6048-{number}, serial: {serial}, address: \"{address}\"}}"
        );
    }
    if scene == Scene::Packs {
        text.push_str("    packs:\n");
        for pack in 0..3 {
            let number = pack + 1;
            let _ = writeln!(text, "      - {{name: pack-{number}, address: \"sim:pack{pack}\"}}");
        }
    }
    let _ = writeln!(text, "http: {{listen: \"127.0.0.1:{port}\"}}\nlease: off");
    if scene != Scene::ReadOnly {
        text.push_str("control: {allow: [output_priority, charger_priority, solar_priority]}\n");
    }
    // What is to be seen is there soon. Nine units need longer for their first answers.
    let warning = if scene == Scene::Nine { "60 s" } else { "10 s" };
    let _ = writeln!(text, "alerts: {{error_after: 1 s, warning_after: {warning}}}");
    text
}

/// Creates the virtual bank. The clock of a scene counts only if it is in the first address that is opened, and the
/// links of the bridge are opened at the same time.
pub(super) fn create_bank(scene: Scene) -> Result<(), Error> {
    let first: Option<Address> = addresses(scene).first().and_then(|text| text.parse().ok());
    first.map_or(Ok(()), |address| address.link().map(drop))
}

/// Returns the addresses of the units, with the switches of the virtual bank.
fn addresses(scene: Scene) -> Vec<String> {
    let two = |first: &str, second: &str| vec![format!("sim:0{first}"), format!("sim:1{second}")];
    let more = |modes: &[&str]| {
        let count = modes.len();
        let address = |(number, mode): (usize, &&str)| format!("sim:{number}?units={count}{mode}");
        modes.iter().enumerate().map(address).collect()
    };
    match scene {
        Scene::Day | Scene::ReadOnly | Scene::Gone | Scene::Packs => two("", ""),
        Scene::Stale => two("", "?timeout=60s"),
        Scene::Night => two("?clock=2026-06-21T23:30:00&load=900&soc=64", ""),
        Scene::Fault => two("", "?fault=83"),
        Scene::Starting => two("", "?pace=150&timeout=15s"),
        Scene::Pending => two("?lag=8s", "?lag=8s"),
        Scene::Refused => two("", "?refuse=1"),
        Scene::Single => vec!["sim:0?units=1".to_owned()],
        Scene::Nine => more(&[""; 9]),
        Scene::TwoBanks => more(&["&output-mode=0"; 2]),
        Scene::SplitPhase => more(&["&output-mode=5", "&output-mode=6"]),
        Scene::ThreePhase => more(&["&output-mode=2", "&output-mode=3", "&output-mode=4"]),
    }
}

/// Changes the virtual bank once all units were read.
pub(super) fn after_first_round(scene: Scene) {
    // The bank exists, because its units were read.
    let Ok(link) = sim::open("1") else { return };
    match scene {
        Scene::Gone => link.bank().with(|bank| bank.disconnect(1)),
        Scene::Stale => {
            // The switch is known, and so is the unit.
            let _ = link.bank().with(|bank| bank.switch(1, "pace=40"));
        }
        _ => {}
    }
}

/// Serial number of the first virtual unit; the others follow.
const FIRST_SERIAL: usize = 96_132_206_100_410;

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use lvx_bridge::config::{Config, read_secret};

    use super::*;

    #[test]
    fn every_scene_has_a_valid_configuration() {
        for &scene in Scene::value_variants() {
            let text = configuration(scene, 0);
            let config = Config::parse("demo", &text, &read_secret)
                .unwrap_or_else(|error| panic!("{scene:?}: {error}\n{text}"));
            assert_eq!(config.control.allow.is_empty(), scene == Scene::ReadOnly);
            assert_eq!(config.banks[0].packs.len(), if scene == Scene::Packs { 3 } else { 0 });
        }
    }
}
