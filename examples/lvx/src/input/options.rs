//! Help for diagnostics that names commands and options of this program.

use lvx_settings::{Diagnostic, DiagnosticKind, Diagnostics, ObstacleKind};

use super::battery::battery_path;

/// Adds to each diagnostic the command or option that helps, if there is one.
pub(crate) fn with_options(found: Diagnostics) -> Diagnostics {
    found.with_help(option)
}

fn option(diagnostic: &Diagnostic) -> Option<String> {
    match diagnostic.kind {
        DiagnosticKind::UnknownSetting => {
            Some("lvx profile init UNIT prints such a profile".to_owned())
        }
        DiagnosticKind::Obstacle(ObstacleKind::NoBatteryGuard) => Some(format!(
            "the battery guard of all profiles can be set in {}; to write without a guard, use \
             --no-battery-guard with lvx apply or lvx set",
            battery_path().0.display()
        )),
        DiagnosticKind::Obstacle(ObstacleKind::PartOfBank) => Some(
            "to change only some units of a bank, use --one-unit with lvx apply or lvx set"
                .to_owned(),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use lvx_settings::{HostClock, Permissions, Profile, Unit, validate_for_bank};
    use pi18_transport::{
        Client,
        sim::{Bank, BankConfig, SharedBank},
    };

    use super::*;

    #[test]
    fn part_of_a_bank_is_explained_with_its_option() {
        let bank = Bank::new(BankConfig { units: 3, ..BankConfig::default() }).unwrap();
        let bank = SharedBank::virtual_time(bank);
        let units = [0, 1].map(|at| {
            let unit = Unit::read(&mut Client::new(bank.link(at)), &HostClock::system()).unwrap();
            (format!("sim:{at}"), unit)
        });
        let profile = Profile::parse("p.yaml", "output_priority: solar_utility_battery\n").unwrap();
        let found = validate_for_bank(&profile, &units, &Permissions::default()).together;
        let text = with_options(found).to_string();
        assert!(text.contains("use --one-unit with lvx apply or lvx set\n"), "{text}");
    }
}
