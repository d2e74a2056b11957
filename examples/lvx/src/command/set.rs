//! `lvx set`: applies settings from the command line.

use std::io::Write;

use lvx_settings::{Profile, Setting};

use crate::{
    args,
    input::with_options,
    terminal::{Failure, Status},
    writing::{Target, apply_target, check_terminal},
};

pub(crate) fn run(args: &args::Set, out: &mut impl Write) -> Result<Status, Failure> {
    check_terminal(&args.options.consent)?;
    let (settings, units): (Vec<_>, Vec<_>) =
        args.words.iter().cloned().partition(|word| is_setting(word));
    if let Some(key) = units.iter().find(|word| Setting::from_key(word).is_some()) {
        return Err(Failure::usage(format_args!("{key}: expected {key}=VALUE, found no value")));
    }
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
    let profile = Profile::from_words("command line", &settings).map_err(with_options)?;
    apply_target(Target::Profile(Box::new(profile)), &units, &args.options, out)
}

/// Returns whether a word is meant as a setting: in an address, no equals sign precedes a colon or slash.
/// An unknown key is reported as an unknown setting.
fn is_setting(word: &str) -> bool {
    word.split_once('=').is_some_and(|(key, _)| !key.contains([':', '/']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_with_equals_sign_is_a_setting_unless_it_is_an_address() {
        for setting in ["bulk_voltage=55.2", "Bulk_voltage=55.2", "BULK=3", "=3", "clock=12:30"] {
            assert!(is_setting(setting), "{setting}");
        }
        for unit in ["sim:0?frozen=on", "/dev/ttyUSB0?baud=2400", "tcp:a:1?tries=2", "sim:0"] {
            assert!(!is_setting(unit), "{unit}");
        }
    }
}
