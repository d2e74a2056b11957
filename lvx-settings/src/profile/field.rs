//! The values of the keys of a profile that are not settings.

use std::str::FromStr;

use pi18_proto::{Amperes, Model, SerialNumber, Version};

use super::Key;
use crate::{
    Chemistry, Millivolts, PackModel, Packs,
    model::value::{nearest, quantity, word},
};

/// Returns the expected form of a key's value, for an error message.
pub(super) fn expected(key: Key) -> String {
    match key {
        Key::Name => "a name".to_owned(),
        Key::AppliesTo => APPLIES_TO.to_owned(),
        Key::Serials => SERIAL.to_owned(),
        Key::Models => MODEL.to_owned(),
        Key::MainFirmware => VERSION.to_owned(),
        Key::Battery => BATTERY.to_owned(),
        Key::Chemistry => "lfp, nmc or lead_acid".to_owned(),
        Key::Cells => CELLS.to_owned(),
        Key::MaxCellVoltage | Key::MinCellVoltage => CELL_VOLTAGE.to_owned(),
        Key::MaxBankChargeCurrent => BANK_CURRENT.to_owned(),
        Key::Packs => PackModel::ALL.map(PackModel::word).join(" or "),
        Key::Count => format!("a number of packs from 1 to {}", Packs::MAX_COUNT),
        Key::PackLimits | Key::PackLimit(_) => PACK_LIMITS.to_owned(),
        Key::Setting(setting) => setting.shape().expected(),
    }
}

/// Reads a serial number; the error is a hint.
pub(super) fn serial(text: &str) -> Result<SerialNumber, String> {
    SerialNumber::new(text)
        .ok_or_else(|| "the serial number is printed on the label of the unit".into())
}

/// Reads a firmware version; the error is a hint.
pub(super) fn version(text: &str) -> Result<Version, String> {
    Version::new(text).ok_or_else(|| "the version is in the reply to VFW".into())
}

/// Reads the name of a model, or its number on the wire.
pub(super) fn model(text: &str) -> Result<Model, String> {
    let names = || (0..=u8::MAX).filter_map(|number| Some((Model(number), Model(number).name()?)));
    if let Some((model, _)) = names().find(|(_, name)| word(name) == word(text)) {
        return Ok(model);
    }
    if text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map(Model).map_err(|_| String::new());
    }
    let lvx = word(text).contains("lvx").then(|| word(Model::V2_LV.name().unwrap_or_default()));
    let words: Vec<_> = names().map(|(_, name)| word(name)).collect();
    let near = || nearest(&word(text), words.iter().map(String::as_str)).map(str::to_owned);
    Err(match (lvx, near()) {
        (Some(lvx), _) => format!("an LVX6048 is {lvx}"),
        (None, Some(near)) => format!("did you mean {near}?"),
        (None, None) => format!("known models are {}", words.join(", ")),
    })
}

/// Reads a chemistry; the error is a hint.
pub(super) fn chemistry(text: &str) -> Result<Chemistry, String> {
    let known = Chemistry::ALL.into_iter().find(|known| known.word() == word(text));
    known.ok_or_else(|| match word(text).as_str() {
        "agm" | "gel" | "flooded" | "lead" | "pb" => {
            "AGM, gel and flooded are lead_acid".to_owned()
        }
        other => match nearest(other, Chemistry::ALL.iter().map(|known| known.word())) {
            Some(near) => format!("did you mean {near}?"),
            None => {
                "LiFePO4 is lfp; other lithium cells are nmc; AGM, gel and flooded are lead_acid"
                    .to_owned()
            }
        },
    })
}

/// Reads the number of cells in series; the error is a hint.
pub(super) fn cells(text: &str) -> Result<u16, String> {
    let hint = || "count the cells in series: a 48 V LFP bank has 15 or 16".to_owned();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|cells| digits && *cells > 0).ok_or_else(hint)
}

/// Reads the voltage of one cell; the error is a hint.
pub(super) fn cell_voltage(text: &str) -> Result<Millivolts, String> {
    let hint = || "write the voltage of one cell in V, not that of the battery".to_owned();
    Millivolts::from_str(text).map_err(|_| hint())
}

/// Reads the model of packs; the error is a hint.
pub(super) fn packs(text: &str) -> Result<PackModel, String> {
    text.parse().map_err(|_| "the battery may have other packs: state its cells instead".to_owned())
}

/// Reads a number of packs in parallel; the error is a hint.
pub(super) fn pack_count(text: &str) -> Result<u16, String> {
    let hint = || "count the packs in parallel".to_owned();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let count = text.parse().ok().filter(|count| (1..=Packs::MAX_COUNT).contains(count));
    count.filter(|_| digits).ok_or_else(hint)
}

/// Reads a charge current of a bank, above 0 A; the error is a hint.
pub(super) fn bank_current(text: &str) -> Result<Amperes, String> {
    let hint = |hint: Option<String>| {
        hint.unwrap_or_else(|| "write the current of all units together in A".to_owned())
    };
    let amperes = quantity(text, Amperes::UNIT, Amperes::DECIMALS).map_err(hint)?;
    if amperes == 0 { Err(hint(None)) } else { Ok(Amperes(amperes)) }
}

pub(super) const APPLIES_TO: &str = "serials, models or main_firmware";
pub(super) const BATTERY: &str =
    "chemistry, cells, max_cell_voltage, min_cell_voltage, max_bank_charge_current or packs";
pub(super) const PACK_LIMITS: &str = "limits of a pack such as max_charge_current: 80 A";
pub(super) const SERIAL: &str = "a serial number of up to 20 characters";
pub(super) const MODEL: &str = "a model such as infinisolar_v_ii_lv, or its number such as 05";
pub(super) const VERSION: &str = "a version such as 06306";
const CELLS: &str = "a number of cells such as 16";
const CELL_VOLTAGE: &str = "a cell's voltage such as 3.60 V";
const BANK_CURRENT: &str = "a current such as 120 A";
