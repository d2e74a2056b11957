//! Hints for unknown keys of a profile.

use super::key::Part;
use crate::model::value::{nearest, word};

/// The key of a part that was meant: nearly the same, or with a piece missing.
pub(super) fn similar(text: &str, part: Part) -> Option<&'static str> {
    let text = word(text);
    let has = |key: &&str| text.len() >= 4 && text.len() <= key.len() && key.contains(&text);
    nearest(&text, part.texts()).or_else(|| part.texts().filter(has).min_by_key(|key| key.len()))
}

/// Why what PI18 can set is no setting here.
pub(super) fn never(text: &str) -> Option<&'static str> {
    match text {
        "serial_number" | "serial" | "id" => Some(
            "no tool here writes a serial number; to say which units a profile is for: applies_to: {serials: …}",
        ),
        "model" => Some("to say which units a profile is for: applies_to: {models: …}"),
        "firmware" | "firmware_version" => {
            Some("to say which units a profile is for: applies_to: {main_firmware: …}")
        }
        "load_supply" | "load" | "loads" => Some("no profile switches the loads"),
        "clear_energy" | "restore_defaults" | "factory_defaults" => {
            Some("no tool here sends what cannot be taken back")
        }
        text if text.contains("buzzer") || text.contains("beep") => Some(
            "whether 1 silences the buzzer or opens it is not known, so no profile sets it: take the line out",
        ),
        text if text.starts_with("modbus") => {
            Some("no tool here sets Modbus: the unit might not be found again")
        }
        text if text.starts_with("led") => Some("LEDs are no setting of a profile"),
        _ => None,
    }
}
