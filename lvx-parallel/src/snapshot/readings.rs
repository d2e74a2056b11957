//! The table of questions to a unit: one row per question.

/// Expands to `$declare! { … }` around the table of questions, so that each fact about a question is
/// written once.
///
/// `PRIn` and `PGSn` are asked once for each unit of the bank and are not in the table.
macro_rules! readings {
    (
        // The macro that turns the rows into items.
        $declare:ident
    ) => {
        $declare! {
            // Answers that do not change by themselves.
            static {
                // Content of the answer.
                // Field of `UnitSnapshot`: type of the reply.
                /// `PI`: the protocol that the unit uses.
                protocol: ProtocolId;
                /// `ID`: the serial number.
                identity: Identity;
                /// `GMN`: the product line. Older units refuse this question.
                model: MachineModel;
                /// `VFW`: the firmware versions.
                firmware: FirmwareVersions;
                /// `T`: the clock.
                clock: Clock;
                /// `PIRI`: the ratings and most of the settings.
                rated: RatedInformation;
                /// `FLAG`: the flags.
                flags: Flags;
                /// `DI`: the factory defaults.
                defaults: Defaults;
                /// `MCHGCR`: the maximum charge currents that can be selected.
                charge_currents: MaxChargeCurrents;
                /// `MUCHGCR`: the maximum AC charge currents that can be selected.
                ac_charge_currents: MaxAcChargeCurrents;
                /// `ACCT`: the time window in which AC may charge the battery.
                ac_charge_window: AcChargeWindow;
                /// `ACLT`: the time window in which AC may supply the loads.
                ac_load_window: AcLoadWindow;
            }
            // Answers that change by themselves.
            dynamic {
                /// `FWS`: the fault and the warnings.
                faults: FaultsAndWarnings;
                /// `MOD`: the working mode.
                mode: Mode;
                /// `GS`: the measurements.
                status: GeneralStatus;
            }
        }
    };
}

pub(super) use readings;
