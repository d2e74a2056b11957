//! The settings of a group, their query and their risk.

use pi18_proto::{Query, Risk};

use super::setting::{Group, Setting};

impl Group {
    /// Returns the settings of the group, one or two.
    pub fn settings(self) -> impl Iterator<Item = Setting> {
        Setting::ALL.iter().copied().filter(move |setting| setting.group() == self)
    }

    /// Returns the query whose reply reports the settings of the group.
    #[must_use]
    pub fn query(self) -> Query {
        self.settings().next().map_or(Query::RatedInformation, Setting::query)
    }

    /// Returns whether the group has installation settings: a wrong value can interrupt the loads, stop
    /// the bank or violate grid rules.
    #[must_use]
    pub fn is_installation(self) -> bool {
        self.risk() >= Risk::Installation
    }
}

#[cfg(test)]
mod tests {
    use pi18_proto::{
        AcChargeWindow, AcLoadWindow, AnyReply, Clock, Count, DateTime, Flag, Flags,
        ParallelInstance, RatedInformation, Reply, SetCommand,
    };

    use super::*;
    use crate::Settings;

    /// Returns the settings of the sample replies, and the time of the sample clock.
    fn sample() -> (Settings, DateTime) {
        fn reply<R: Reply + Into<AnyReply>>() -> AnyReply {
            R::decode(R::SAMPLE.as_bytes()).unwrap().into()
        }
        let clock = Clock::decode(Clock::SAMPLE.as_bytes()).unwrap();
        let mut settings = Settings::default();
        for reply in [
            reply::<RatedInformation>(),
            reply::<Flags>(),
            reply::<AcChargeWindow>(),
            reply::<AcLoadWindow>(),
            clock.into(),
        ] {
            settings.take(&reply, Some(clock.time));
        }
        (settings, clock.time)
    }

    fn command(group: Group, instance: u16) -> Option<SetCommand> {
        let (settings, time) = sample();
        group.command(&settings, ParallelInstance::new(Count(instance)).unwrap(), Some(time))
    }

    #[test]
    fn settings_of_one_group_have_the_same_query() {
        for &setting in Setting::ALL {
            for other in setting.group().settings() {
                assert_eq!(other.query(), setting.query(), "{setting} and {other}");
            }
        }
    }

    #[test]
    fn mnemonics_and_risks_of_the_table_match_the_protocol() {
        for group in Setting::ALL.iter().map(|setting| setting.group()) {
            let Some(command) = command(group, 0) else { continue };
            assert_eq!(group.risk(), command.risk(), "{group:?}");
            let mnemonic = match command {
                SetCommand::EnableFlag { flag: Flag::FeedToGrid }
                | SetCommand::DisableFlag { flag: Flag::FeedToGrid } => "PEI",
                SetCommand::DisableFlag { .. } => "PE",
                _ => command.info().mnemonic,
            };
            assert_eq!(group.mnemonic(), mnemonic, "{group:?}");
        }
    }

    #[test]
    fn only_commands_that_name_the_unit_differ_between_instances() {
        for group in Setting::ALL.iter().map(|setting| setting.group()) {
            assert_eq!(command(group, 0) != command(group, 1), group.names_its_unit(), "{group:?}");
        }
    }

    #[test]
    fn five_settings_are_installation_settings() {
        let keys: Vec<_> = Setting::ALL
            .iter()
            .filter(|setting| setting.group().is_installation())
            .map(|setting| setting.key())
            .collect();
        let expected = [
            "machine_type",
            "output_voltage",
            "output_frequency",
            "output_mode",
            "regulation_state",
        ];
        assert_eq!(keys, expected);
    }

    #[test]
    fn destructive_commands_belong_to_no_setting() {
        for mnemonic in ["PF", "CLE", "ID", "LON", "MODBUS"] {
            assert!(Setting::ALL.iter().all(|setting| setting.group().mnemonic() != mnemonic));
        }
    }

    #[test]
    fn commands_write_the_values_of_the_replies() {
        let commands: Vec<_> = Setting::ALL
            .iter()
            .filter_map(|setting| command(setting.group(), 1))
            .map(|command| command.to_string())
            .collect();
        insta::assert_snapshot!(commands.join("\n"));
    }
}
