//! Why a unit may have refused: it does not say, but its state does.

use pi18_proto::{BatteryType, GeneralStatus, Model};

use crate::{Group, Settings, Unit};

/// The likely reasons for a refusal, the likeliest first, and what to do.
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
            causes.push("its battery type is not user: set that first".to_owned());
        }
        Group::RechargeVoltages => {
            let above_float = to.redischarge_voltage > state.float_voltage;
            if let Some(float) = state.float_voltage.filter(|_| above_float) {
                causes.push(format!(
                    "redischarge_voltage is above float_voltage {float}, which LVX6048s refuse (observed)"
                ));
            }
            if to.redischarge_voltage.is_some_and(|voltage| voltage.0 == 0) {
                causes.push("LVX6048s refuse 0, \"until full\" (observed)".to_owned());
            }
        }
        _ => {}
    }
    if causes.is_empty() {
        let line = unit
            .model
            .map_or("an unnamed product line".to_owned(), |model: Model| model.to_string());
        causes.push(format!(
            "it does not say why: a value that {line} does not take, a state that forbids it, or a \
             command that it does not know; try it on the display"
        ));
    }
    format!("the unit refused (^0): {}", causes.join("; "))
}

/// Why a unit that charges takes no other maximum charge current, and what to do.
pub(super) fn charges(status: &GeneralStatus) -> String {
    format!(
        "it charges at {}, and LVX6048s refuse another max_charge_current while they charge \
         (observed): wait for an idle window (--wait-idle 12h), or stop charging",
        status.charge_current
    )
}

/// Something is neither as it was nor as it should be.
pub(super) fn foreign(found: &Settings, wanted: &Settings) -> String {
    let differences: Vec<_> = found
        .differences(wanted)
        .map(|change| {
            let found = change.from.map_or("nothing".to_owned(), |value| value.to_string());
            format!("{} is {found}, wanted {}", change.setting, change.to)
        })
        .collect();
    let differences = differences.join(", ");
    format!("another program, or the unit itself, changed it: {differences}")
}
