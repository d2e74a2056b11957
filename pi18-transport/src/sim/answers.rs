//! What a unit says: to a request, and to each query.

use pi18_proto::{
    ACCEPTED, AcChargeWindow, AcLoadWindow, AnyReply, Clock, Count, Currents, DayEnergy,
    Deciamperes, Defaults, Edition, FaultsAndWarnings, Flags, GeneralStatus2, Identity, MAX_FRAME,
    MachineModel, MachineType, MaxAcChargeCurrents, MaxChargeCurrents, Mode, Model, MonthEnergy,
    NOT_UNDERSTOOD, PaddedSerial, ParallelRating, ParallelStatus, Presence, ProtocolId, Query,
    REFUSED, RatedInformation, Reply, Request, SetCommand, Switch, Topology, TotalEnergy,
    TwinOutput, VoltAmperes, Watts, YearEnergy,
};

use super::{
    bank::Bank,
    day, limits,
    line::{Pi30, UnitInput},
    settings::{Settings, Window},
    switches::{Dialects, Pi30Answer, ShortLength},
    unit::Unit,
};

impl Bank {
    /// The bytes that answer what a unit heard; nothing if it stays silent.
    pub(super) fn reply(&mut self, unit: usize, heard: UnitInput) -> Option<Vec<u8>> {
        let (is_set, has_checksum) = match heard {
            UnitInput::Request { request, has_checksum, .. } => {
                (matches!(request, Request::Set(_)), has_checksum)
            }
            UnitInput::Unknown { is_set, has_checksum } => (is_set, has_checksum),
            UnitInput::RatingOfNone | UnitInput::StatusOfNone => (false, true),
            UnitInput::NoHeader(request) => return Some(self.units.get(unit)?.pi30(request)),
            UnitInput::Noise => return None,
        };
        let asked = self.units.get_mut(unit)?;
        let dialect = asked.switches.quirks.dialect;
        let garbled = asked.switches.quirks.pop_garbled;
        asked.sets.received += u64::from(is_set);
        if is_set && !has_checksum && dialect == Dialects::Checksum {
            return None;
        }
        // The two bytes too many spoil a value.
        if is_set && has_checksum && dialect == Dialects::NoChecksum {
            return Some(REFUSED.to_vec());
        }
        let mut reply = match heard {
            UnitInput::Request { request: Request::Query(query), wrong_length, .. } => {
                let asked = self.units.get(unit)?;
                let answer = self.answer(asked, query);
                let answer =
                    answer.filter(|_| !(wrong_length && asked.switches.quirks.strict_length));
                answer.and_then(|reply| asked.frame(&reply)).unwrap_or_else(|| REFUSED.to_vec())
            }
            UnitInput::Request { request: Request::Set(command), .. } => {
                let accepted = self.set_or_not(unit, command);
                self.units.get_mut(unit)?.sets.accepted += u64::from(accepted);
                let mut verdict = if accepted { ACCEPTED } else { REFUSED }.to_vec();
                let is_priority = matches!(command, SetCommand::OutputPriority { .. });
                if accepted && garbled && is_priority {
                    verdict.iter_mut().skip(2).take(1).for_each(|byte| *byte ^= 0x40);
                }
                verdict
            }
            UnitInput::RatingOfNone => {
                let rating = ParallelRating::decode(RATING_OF_NONE).ok()?;
                self.units.get(unit)?.frame(&rating.into())?
            }
            UnitInput::StatusOfNone => {
                let status = ParallelStatus::decode(STATUS_OF_NONE).ok()?;
                self.units.get(unit)?.frame(&status.into())?
            }
            _ => REFUSED.to_vec(),
        };
        if has_checksum && dialect == Dialects::NoChecksum {
            // Observed for GS.
            reply.truncate(reply.len() / 2);
        }
        Some(reply)
    }

    /// The reply to a query; `None` if the unit refuses it.
    pub(super) fn answer(&self, unit: &Unit, query: Query) -> Option<AnyReply> {
        let quirks = &unit.switches.quirks;
        if query.info().since > quirks.edition {
            return None;
        }
        let clock = || day::shifted(self.clock(), unit.clock_offset);
        Some(match query {
            Query::ProtocolId => ProtocolId::PI18.into(),
            Query::MachineModel => {
                let model = unit.switches.state.model.unwrap_or(Model::V2_LV);
                MachineModel { model }.into()
            }
            Query::Identity => Identity { serial_number: unit.serial? }.into(),
            Query::FirmwareVersions => unit.versions()?.into(),
            Query::Clock => Clock { time: day::to_wire(clock())? }.into(),
            Query::TotalEnergy => TotalEnergy { energy: unit.energy.total() }.into(),
            Query::YearEnergy(year) => YearEnergy { energy: unit.energy.of_year(year) }.into(),
            Query::MonthEnergy(month) => MonthEnergy { energy: unit.energy.of_month(month) }.into(),
            Query::DayEnergy(day) => DayEnergy { energy: unit.energy.of_day(day) }.into(),
            Query::RatedInformation => unit.rated_information(&unit.shown(self.now())).into(),
            Query::GeneralStatus => self.general_status(unit).into(),
            Query::GeneralStatus2 => zeros::<GeneralStatus2>()?.into(),
            Query::Mode => Mode { working_mode: unit.mode }.into(),
            Query::FaultsAndWarnings => self.faults_and_warnings(unit)?.into(),
            Query::Flags => unit.flags().into(),
            Query::Defaults => unit.defaults()?.into(),
            Query::MaxChargeCurrents => {
                let currents = limits::charge_currents(quirks.charge_currents);
                MaxChargeCurrents { currents: Currents::new(&currents)? }.into()
            }
            Query::MaxAcChargeCurrents => {
                MaxAcChargeCurrents { currents: Currents::new(limits::AC_CHARGE_CURRENTS)? }.into()
            }
            Query::ParallelRating(instance) => {
                let target = self.by_instance(unit.index, instance);
                match target.and_then(|target| self.units.get(target)) {
                    Some(target) => target.parallel_rating(&target.shown(self.now()))?.into(),
                    None => ParallelRating::decode(NO_RATING).ok()?.into(),
                }
            }
            Query::ParallelStatus(instance) => {
                let target = self.by_instance(unit.index, instance);
                match target.and_then(|target| self.units.get(target)) {
                    Some(target) => self.parallel_status(target).into(),
                    None => zeros::<ParallelStatus>()?.into(),
                }
            }
            Query::AcChargeWindow => {
                let Window { start, end } = unit.extras.ac_charge;
                AcChargeWindow { start, end }.into()
            }
            Query::AcLoadWindow => {
                let Window { start, end } = unit.extras.ac_load;
                AcLoadWindow { start, end }.into()
            }
            Query::ModbusSettings => unit.extras.modbus.into(),
            Query::LedSettings => unit.extras.led.into(),
            Query::TwinOutput => TwinOutput::decode(TwinOutput::SAMPLE.as_bytes()).ok()?.into(),
            Query::SocLimits => unit.extras.soc.into(),
        })
    }

    fn faults_and_warnings(&self, unit: &Unit) -> Option<FaultsAndWarnings> {
        let load = self.general_status(unit).load_percent.0;
        let own = [
            ("line_fail", !self.grid()),
            ("battery_under", unit.stage.empty),
            ("overload", load > 100),
        ];
        let raised = |name: &str| {
            own.contains(&(name, true)) || unit.switches.state.warnings.contains(&name)
        };
        let warnings = FaultsAndWarnings::FIELDS.iter().skip(1);
        let mut row = format!("{:02}", unit.fault().0);
        for info in warnings.filter(|info| unit.follows_2022() || !info.optional) {
            row.push_str(if raised(info.name) { ",1" } else { ",0" });
        }
        FaultsAndWarnings::decode(row.as_bytes()).ok()
    }
}

impl Unit {
    fn follows_2022(&self) -> bool {
        self.switches.quirks.edition == Edition::Pi18_2022
    }

    fn rated_information(&self, settings: &Settings) -> RatedInformation {
        let power = self.switches.state.rated.power();
        let current = f64::from(power) / settings.output_voltage.in_unit();
        let current = Deciamperes(super::short(current * 10.0));
        let current = self.switches.quirks.rated_current.unwrap_or(current);
        RatedInformation {
            input_voltage: settings.output_voltage,
            input_current: current,
            output_voltage: settings.output_voltage,
            output_frequency: settings.output_frequency,
            output_current: current,
            output_apparent_power: VoltAmperes(power),
            output_active_power: Watts(power),
            battery_rated_voltage: self.switches.state.rated.voltage(),
            recharge_voltage: settings.recharge,
            redischarge_voltage: settings.redischarge,
            cutoff_voltage: settings.cutoff,
            bulk_voltage: settings.bulk,
            float_voltage: settings.float,
            battery_type: settings.battery_type,
            max_ac_charge_current: settings.max_ac_charge,
            max_charge_current: settings.max_charge,
            input_range: settings.input_range,
            output_priority: settings.output_priority,
            charger_priority: settings.charger_priority,
            parallel_max: Count(9),
            machine_type: settings.machine_type,
            topology: Topology::TRANSFORMERLESS,
            output_mode: settings.output_mode,
            solar_priority: settings.solar_priority,
            mppt_strings: Count(2),
            regulation: self.follows_2022().then_some(settings.regulation),
        }
    }

    fn parallel_rating(&self, settings: &Settings) -> Option<ParallelRating> {
        let serial = self.serial?;
        Some(ParallelRating {
            presence: Presence::PRESENT,
            serial_length: Count(serial.as_str().len().try_into().ok()?),
            serial_padded: PaddedSerial::from(serial),
            charger_priority: settings.charger_priority,
            max_charge_current: settings.max_charge,
            max_ac_charge_current: settings.max_ac_charge,
            output_mode: settings.output_mode,
        })
    }

    fn flags(&self) -> Flags {
        let count = self.switches.quirks.flags;
        let feeds = self.follows_2022() && self.settings.machine_type == MachineType::GRID_TIE;
        let flags = self.extras.flags;
        Flags {
            feed_to_grid: Some(if feeds { Switch::ON } else { Switch::OFF }),
            lithium_turn_on: flags.lithium_turn_on.filter(|_| count >= 10),
            lithium_auto_turn_on: flags.lithium_auto_turn_on.filter(|_| count >= 11),
            ..flags
        }
    }

    /// A reply as this unit writes it.
    fn frame(&self, reply: &AnyReply) -> Option<Vec<u8>> {
        let mut buffer = [0; MAX_FRAME];
        let len = reply.encode(&mut buffer).ok()?;
        let mut data = buffer.get(..len)?.to_vec();
        // The sheet of 2017 has two digits there.
        let ac_charge_current = match reply {
            AnyReply::RatedInformation(_) => Some(14),
            AnyReply::ParallelRating(_) => Some(5),
            _ => None,
        };
        if let Some(field) = ac_charge_current.filter(|_| !self.follows_2022()) {
            data = with_two_digits(&data, field);
        }
        let is_short = match self.switches.quirks.short_length {
            ShortLength::Off => false,
            ShortLength::Piri => matches!(reply, AnyReply::RatedInformation(_)),
            ShortLength::All => true,
        };
        let stated = data.len() + AFTER_DATA - usize::from(is_short);
        Some(sealed([format!("^D{stated:03}").as_bytes(), &data].concat()))
    }

    fn pi30(&self, request: Pi30) -> Vec<u8> {
        match (self.switches.quirks.pi30, request, self.serial) {
            (Pi30Answer::Refuse, ..) => REFUSED.to_vec(),
            (Pi30Answer::Answer, Pi30::Protocol, _) => sealed(b"(PI30".to_vec()),
            (Pi30Answer::Answer, Pi30::SerialNumber, Some(serial)) => {
                sealed(format!("({serial}").into_bytes())
            }
            _ => NOT_UNDERSTOOD.to_vec(),
        }
    }

    /// A captured reply, changed to what `PF` brings back here.
    fn defaults(&self) -> Option<Defaults> {
        let settings = Settings::factory(self.switches.state.rated);
        Some(Defaults {
            output_voltage: settings.output_voltage,
            output_frequency: settings.output_frequency,
            cutoff_voltage: settings.cutoff,
            float_voltage: settings.float,
            bulk_voltage: settings.bulk,
            recharge_voltage: settings.recharge,
            redischarge_voltage: settings.redischarge,
            ..Defaults::decode(Defaults::SAMPLE.as_bytes()).ok()?
        })
    }
}

/// Data whose field at this place has two digits if it can.
fn with_two_digits(data: &[u8], place: usize) -> Vec<u8> {
    let fields = data.split(|&byte| byte == b',').enumerate();
    let fields: Vec<_> = fields
        .map(|(at, field)| match field {
            [b'0', digits @ ..] if at == place && digits.len() == 2 => digits,
            _ => field,
        })
        .collect();
    fields.join(&b',')
}

/// Bytes behind the data: checksum and carriage return.
const AFTER_DATA: usize = 3;

/// A frame with its checksum and carriage return.
fn sealed(mut frame: Vec<u8>) -> Vec<u8> {
    let checksum = pi18_proto::checksum(&frame);
    frame.extend(checksum);
    frame.push(b'\r');
    frame
}

/// The reply whose fields are all 0.
fn zeros<R: Reply>() -> Option<R> {
    R::decode(vec!["0"; R::FIELDS.len()].join(",").as_bytes()).ok()
}

const NO_RATING: &[u8] = b"0,00,00000000000000000000,0,000,000,0";

/// Observed: memory that happens to be there.
const RATING_OF_NONE: &[u8] = b"1,00,02  .               ,0,000,000,0";

/// Observed: 17.1 Hz and 337 A; the other fields are made up.
const STATUS_OF_NONE: &[u8] =
    b"1,0,00,0000,171,0002,000,0000,0000,00000,00000,000,000,000,337,000,000,\
    000,0000,0000,0000,0000,0,0,0,0,0,0,000";
