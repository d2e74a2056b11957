//! Explanations of refusals and of unexpected values. A unit that refuses gives no reason, so the
//! reasons are inferred from its state.

use pi18_proto::{BatteryType, GeneralStatus, Model};

use crate::{Group, Settings, Unit};

/// The fact that a unit refused a set command.
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
            causes.push("its battery_type is not user; set battery_type first".to_owned());
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
            "no reason is known; {line} may not take the value, may not take it in its current \
             state, or may not know the command; try to set it on the display"
        ));
    }
    format!("{REFUSED}: {}", causes.join("; "))
}

/// Returns why a unit that charges takes no other maximum charge current, and what to do.
pub(super) fn charges(status: &GeneralStatus) -> String {
    format!(
        "it charges at {}, and LVX6048s refuse another max_charge_current while they charge \
         (observed); wait until it is idle (option wait_idle), or stop charging",
        status.charge_current
    )
}

/// Returns which settings have values that the run did not write.
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
