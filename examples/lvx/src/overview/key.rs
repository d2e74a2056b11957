//! The values of a unit that are shown.

/// Where a value is from, and how it is called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyInfo {
    /// Key in the API of the bridge; `warnings` is not in it.
    pub(crate) api: &'static str,
    /// Mnemonic of the query.
    pub(crate) query: &'static str,
    /// Name of the field in the reply; empty if the value is made of several fields.
    pub(crate) field: &'static str,
    /// Name for people.
    #[cfg(feature = "watch")]
    pub(crate) label: &'static str,
    /// Unit of measurement; empty for a text.
    pub(crate) unit: &'static str,
    /// Digits after the decimal point.
    pub(crate) decimals: u8,
}

macro_rules! keys {
    ($(
        // Name, key in the API, query and field, label, unit and digits after the decimal point.
        $name:ident = $api:literal, $query:literal $field:literal, $label:literal, $unit:literal $decimals:literal;
    )*) => {
        /// A value of a unit.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub(crate) enum Key { $($name),* }

        impl Key {
            /// All values, in the order in which they are listed.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Returns where the value is from.
            pub(crate) const fn info(self) -> KeyInfo {
                match self {
                    $(Self::$name => KeyInfo {
                        api: $api,
                        query: $query,
                        field: $field,
                        #[cfg(feature = "watch")]
                        label: $label,
                        unit: $unit,
                        decimals: $decimals,
                    },)*
                }
            }
        }
    };
}

keys! {
    Mode = "mode", "MOD" "working_mode", "Mode", "" 0;
    FaultCode = "fault_code", "FWS" "fault", "Fault code", "" 0;
    Fault = "fault", "FWS" "fault", "Fault", "" 0;
    Warnings = "warnings", "FWS" "", "Warnings", "" 0;
    Pv1Power = "pv1_power", "GS" "pv1_power", "PV 1 power", "W" 0;
    Pv1Voltage = "pv1_voltage", "GS" "pv1_voltage", "PV 1 voltage", "V" 1;
    Pv2Power = "pv2_power", "GS" "pv2_power", "PV 2 power", "W" 0;
    Pv2Voltage = "pv2_voltage", "GS" "pv2_voltage", "PV 2 voltage", "V" 1;
    PvToday = "pv_energy_today", "ED" "energy", "PV energy today", "Wh" 0;
    BatteryVoltage = "battery_voltage", "GS" "battery_voltage", "Battery voltage", "V" 1;
    ChargeCurrent = "charge_current", "GS" "charge_current", "Charge current", "A" 0;
    DischargeCurrent = "discharge_current", "GS" "discharge_current", "Discharge current", "A" 0;
    StateOfCharge = "state_of_charge", "GS" "battery_capacity", "State of charge", "%" 0;
    LoadPower = "active_power", "GS" "active_power", "Output power", "W" 0;
    ApparentPower = "apparent_power", "GS" "apparent_power", "Apparent power", "VA" 0;
    Load = "load", "GS" "load", "Load", "%" 0;
    OutputVoltage = "output_voltage", "GS" "output_voltage", "Output voltage", "V" 1;
    OutputFrequency = "output_frequency", "GS" "output_frequency", "Output frequency", "Hz" 1;
    GridVoltage = "grid_voltage", "GS" "grid_voltage", "Grid voltage", "V" 1;
    GridFrequency = "grid_frequency", "GS" "grid_frequency", "Grid frequency", "Hz" 1;
    Line = "line_direction", "GS" "line_direction", "Line direction", "" 0;
    HeatSink = "heat_sink_temperature", "GS" "heat_sink_temperature", "Heat sink", "°C" 0;
    Mppt1Heat = "mppt1_temperature", "GS" "mppt1_temperature", "MPPT 1 heat", "°C" 0;
    Mppt2Heat = "mppt2_temperature", "GS" "mppt2_temperature", "MPPT 2 heat", "°C" 0;
    Firmware = "firmware_main", "VFW" "main", "Main firmware", "" 0;
    MaxChargeCurrent = "max_charge_current", "PIRI" "max_charge_current", "Max. charge current", "A" 0;
    OutputPriority = "output_priority", "PIRI" "output_priority", "Output priority", "" 0;
    ChargerPriority = "charger_priority", "PIRI" "charger_priority", "Charger priority", "" 0;
}

#[cfg(test)]
mod tests {
    use pi18_proto::Query;

    use super::*;

    #[test]
    fn every_field_exists() {
        for key in Key::ALL.iter().filter(|key| !key.info().field.is_empty()) {
            let info = key.info();
            let query = Query::LIST.iter().find(|query| query.mnemonic == info.query).unwrap();
            assert!(query.fields.iter().any(|field| field.name == info.field), "{info:?}");
        }
    }
}
