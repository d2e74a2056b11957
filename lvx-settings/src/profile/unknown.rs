//! Hints for unknown keys of a profile.

use super::key::Part;
use crate::model::value::{nearest, word};

/// Returns the key of a level that was probably meant: a similar one, or one that contains the text.
pub(super) fn similar(text: &str, part: Part) -> Option<&'static str> {
    let text = word(text);
    let has = |key: &&str| text.len() >= 4 && text.len() <= key.len() && key.contains(&text);
    nearest(&text, part.texts()).or_else(|| part.texts().filter(has).min_by_key(|key| key.len()))
}

/// Returns the reason why a command of PI18 is no setting of a profile.
pub(super) fn never(text: &str) -> Option<&'static str> {
    match text {
        "serial_number" | "serial" | "id" => Some(
            "profiles do not set serial numbers; to limit a profile to units, write applies_to: {serials: …}",
        ),
        "model" => Some("to limit a profile to models, write applies_to: {models: …}"),
        "firmware" | "firmware_version" => {
            Some("to limit a profile to firmware versions, write applies_to: {main_firmware: …}")
        }
        "load_supply" | "load" | "loads" => Some("profiles do not switch the loads"),
        "clear_energy" | "restore_defaults" | "factory_defaults" => {
            Some("profiles do not send commands that cannot be undone")
        }
        text if text.contains("buzzer") || text.contains("beep") => Some(
            "profiles do not set the buzzer, because the meaning of its flag is not known; remove the line",
        ),
        text if text.starts_with("modbus") => {
            Some("profiles do not set Modbus, because the unit might become unreachable")
        }
        text if text.starts_with("led") => Some("profiles do not set the LEDs"),
        _ => None,
    }
}
