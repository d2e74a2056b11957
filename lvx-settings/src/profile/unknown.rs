//! Hints for unknown keys of a profile.

use super::key::Part;
use crate::model::value::{nearest, word};

/// Returns the key of a level that the text probably means: a similar key, or one that contains the text.
pub(super) fn similar(text: &str, part: Part) -> Option<&'static str> {
    let text = word(text);
    let has = |key: &&str| text.len() >= 4 && text.len() <= key.len() && key.contains(&text);
    nearest(&text, part.texts()).or_else(|| part.texts().filter(has).min_by_key(|key| key.len()))
}

/// Returns the reason why a quantity or a command of PI18 is not a setting of a profile.
pub(super) fn excluded(text: &str) -> Option<&'static str> {
    match text {
        "serial_number" | "serial" | "id" => Some(
            "a profile cannot set serial numbers; to limit a profile to units, write applies_to: {serials: …}",
        ),
        "model" => Some("to limit a profile to models, write applies_to: {models: …}"),
        "firmware" | "firmware_version" => {
            Some("to limit a profile to firmware versions, write applies_to: {main_firmware: …}")
        }
        "load_supply" | "load" | "loads" => Some("a profile cannot switch the loads"),
        "clear_energy" | "restore_defaults" | "factory_defaults" => {
            Some("a profile cannot send commands that cannot be undone")
        }
        text if text.contains("buzzer") || text.contains("beep") => Some(
            "a profile cannot set the buzzer, because the meaning of its flag is not known; remove the line",
        ),
        text if text.starts_with("modbus") => {
            Some("a profile cannot set Modbus, because the unit might become unreachable")
        }
        text if text.starts_with("led") => Some("a profile cannot set the LEDs"),
        _ => None,
    }
}
