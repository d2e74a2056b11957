//! The likely causes of a refusal. A unit gives no reason for a refusal, so they are inferred from its state.

use pi18_proto::{BatteryType, GeneralStatus};

use super::reason::RefusalCause;
use crate::{Group, Settings, Unit};

/// Returns the likely causes of a refusal, the likeliest first.
pub(super) fn refusal(
    group: Group,
    to: &Settings,
    state: &Settings,
    status: &GeneralStatus,
    unit: &Unit,
) -> Vec<RefusalCause> {
    let mut likely = Vec::new();
    match group {
        Group::MaxChargeCurrent if status.charge_current.0 > 0 => {
            likely.push(RefusalCause::Charging { current: status.charge_current });
        }
        Group::ChargeVoltages | Group::CutoffVoltage
            if state.battery_type.is_some_and(|present| present != BatteryType::USER) =>
        {
            likely.push(RefusalCause::NotUserType);
        }
        Group::RechargeVoltages => {
            let above_float = to.redischarge_voltage > state.float_voltage;
            let float = state.float_voltage.filter(|_| above_float);
            likely.extend(float.map(|float| RefusalCause::AboveFloat { float }));
            if to.redischarge_voltage.is_some_and(|voltage| voltage.0 == 0) {
                likely.push(RefusalCause::UntilFull);
            }
        }
        _ => {}
    }
    if likely.is_empty() {
        likely.push(RefusalCause::Unknown { model: unit.model });
    }
    likely
}
