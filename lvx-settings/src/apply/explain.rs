//! Explanations of refusals and of unexpected values. A unit gives no reason for a refusal, so likely reasons
//! are inferred from its state.

use pi18_proto::{BatteryType, GeneralStatus, Model};

use crate::{Group, Settings, Unit};

/// Text for a set command that a unit refused.
pub(super) const REFUSED: &str = "the unit refused the command (^0)";

/// Returns the likely reasons for a refusal, the likeliest first, and what to do.
pub(super) fn refusal(
    group: Group,
    to: &Settings,
    state: &Settings,
    status: &GeneralStatus,
    unit: &Unit,
) -> String {
    let mut causes = Vec::new();
    match group {
        Group::MaxChargeCurrent if status.charge_current.0 > 0 => causes.push(charges(status)),
        Group::ChargeVoltages | Group::CutoffVoltage
            if state.battery_type.is_some_and(|present| present != BatteryType::USER) =>
        {
            causes
                .push("the battery_type of the unit is not user; set it to user first".to_owned());
        }
        Group::RechargeVoltages => {
            let above_float = to.redischarge_voltage > state.float_voltage;
            if let Some(float) = state.float_voltage.filter(|_| above_float) {
                causes.push(format!(
                    "LVX6048s refuse a redischarge_voltage above float_voltage, which is {float} \
                     (observed)"
                ));
            }
            if to.redischarge_voltage.is_some_and(|voltage| voltage.0 == 0) {
                causes.push(
                    "LVX6048s refuse a redischarge_voltage of 0, \"until full\" (observed)"
                        .to_owned(),
                );
            }
        }
        _ => {}
    }
    if causes.is_empty() {
        let line = unit.model.map_or("this unit".to_owned(), |model: Model| model.to_string());
        causes.push(format!(
            "the reason is not known; {line} may not accept this value, may not accept it in its \
             current state, or may not have this command; try to set the value on the display"
        ));
    }
    format!("{REFUSED}: {}", causes.join("; "))
}

/// Returns the reason why a unit that charges refuses another maximum charge current, and what to do.
pub(super) fn charges(status: &GeneralStatus) -> String {
    format!(
        "the unit charges at {}, and LVX6048s refuse to change max_charge_current while they charge \
         (observed); wait until the unit no longer charges, or stop the charging",
        status.charge_current
    )
}

/// Returns the text for settings with values that this run did not write.
pub(super) fn foreign(found: &Settings, expected: &Settings) -> String {
    let differences: Vec<_> = found
        .differences(expected)
        .map(|change| {
            let found = change.from.map_or("no value".to_owned(), |value| value.to_string());
            format!("expected {} {}, found {found}", change.setting, change.to)
        })
        .collect();
    format!("changed by another program or by the unit itself: {}", differences.join(", "))
}
