//! Values of settings as the arguments of their commands.

use pi18_proto::{
    Decihertz, Decivolts, Flag, MachineType, OutputFrequency, OutputVoltage, SetCommand, Switch,
};

/// Returns the command that switches a flag; `None` if the switch has neither of its two values.
pub(super) fn switch_flag(flag: Flag, switch: Switch) -> Option<SetCommand> {
    match switch {
        Switch::ON => Some(SetCommand::EnableFlag { flag }),
        Switch::OFF => Some(SetCommand::DisableFlag { flag }),
        _ => None,
    }
}

/// Returns the command that sets the machine type, by the flag that permits feeding the grid.
pub(super) fn switch_machine(machine_type: MachineType) -> Option<SetCommand> {
    let switch = match machine_type {
        MachineType::GRID_TIE => Switch::ON,
        MachineType::OFF_GRID => Switch::OFF,
        _ => return None,
    };
    switch_flag(Flag::FeedToGrid, switch)
}

/// Returns the output voltage that a unit can be set to and that equals `voltage`.
pub(super) fn output_voltage(voltage: Decivolts) -> Option<OutputVoltage> {
    OutputVoltage::ALL.iter().copied().find(|known| known.number() == voltage.0)
}

/// Returns the output frequency that a unit can be set to and that equals `frequency`.
pub(super) fn output_frequency(frequency: Decihertz) -> Option<OutputFrequency> {
    OutputFrequency::ALL.iter().copied().find(|known| known.number() * 10 == frequency.0)
}
