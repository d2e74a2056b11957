//! One unit.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use lvx_parallel::Gap;
use pi18_proto::{AnyReply, Query, Value as Field};
use pi18_transport::printable;

use super::{
    key::Key,
    value::{Datum, Held, Value},
};

/// A unit with its values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unit {
    /// Name for people.
    pub(crate) name: String,
    /// Serial number, if it is known.
    pub(crate) serial: Option<String>,
    /// Address, or the link behind the bridge.
    pub(crate) address: String,
    /// Number of the unit in its bank; 0 is the master.
    pub(crate) number: Option<u16>,
    /// Whether it answers.
    pub(crate) link: LinkState,
    /// Its values.
    values: BTreeMap<Key, Held>,
}

/// Whether a unit answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum LinkState {
    /// It was not asked yet.
    Starting,
    /// It answers.
    Up,
    /// It does not answer.
    Down {
        /// Why.
        why: String,
        /// Time since which it does not answer.
        since: Option<Timestamp>,
    },
}

impl Unit {
    /// Creates a unit without values.
    pub(crate) fn new(name: &str, address: &str) -> Self {
        Self {
            name: printable(name).into_owned(),
            serial: None,
            address: printable(address).into_owned(),
            number: None,
            link: LinkState::Starting,
            values: BTreeMap::new(),
        }
    }

    /// Takes the answer to a query: a reply with its time and its limit of age, or why there is none.
    pub(crate) fn take(
        &mut self,
        query: Query,
        answer: Result<(&AnyReply, Instant, Duration), &Gap>,
    ) {
        let mnemonic = query.info().mnemonic;
        let (reply, at, limit) = match answer {
            Ok(answer) => answer,
            Err(gap) => {
                let why = Held::Failed(reason(gap));
                let keys = Key::ALL.iter().filter(|key| key.info().query == mnemonic);
                self.values.extend(keys.map(|key| (*key, why.clone())));
                return;
            }
        };
        let mut put = |key, datum| {
            self.values.insert(key, Held::Read { datum, at, limit });
        };
        let mut warnings = Vec::new();
        reply.visit(&mut |info, field| {
            for key in Key::ALL {
                let of = key.info();
                if of.query == mnemonic && of.field == info.name {
                    put(*key, datum(*key, &field));
                }
            }
            if matches!(field, Field::Code { number: 1.., .. }) && info.name != "fault" {
                warnings.push(info.label);
            }
        });
        if mnemonic == Key::Warnings.info().query {
            let text = if warnings.is_empty() { "none".to_owned() } else { warnings.join(", ") };
            put(Key::Warnings, Datum::Text(text));
        }
        match reply {
            AnyReply::Identity(identity) => self.serial = Some(identity.serial_number.to_string()),
            AnyReply::GeneralStatus(status) => self.number = Some(status.parallel_instance.0),
            _ => {}
        }
    }

    /// Stores a value of another program.
    #[cfg(feature = "watch")]
    pub(super) fn put(&mut self, key: Key, held: Held) {
        self.values.insert(key, held);
    }

    /// Returns a value.
    pub(crate) fn value(&self, key: Key, now: Instant) -> Value<'_> {
        self.values.get(&key).map_or(Value::Absent, |held| held.value(now))
    }

    /// Returns a number if it is fresh.
    pub(crate) fn number(&self, key: Key, now: Instant) -> Option<f64> {
        match self.value(key, now) {
            Value::Fresh(Datum::Number { number, .. }) => Some(*number),
            _ => None,
        }
    }

    /// Returns a text if it is fresh.
    pub(crate) fn text(&self, key: Key, now: Instant) -> Option<String> {
        match self.value(key, now) {
            Value::Fresh(datum) => Some(datum.to_string()),
            _ => None,
        }
    }

    /// Returns the time at which the measurements were read.
    #[cfg(feature = "watch")]
    pub(crate) fn read_at(&self) -> Option<Instant> {
        match self.values.get(&Key::BatteryVoltage)? {
            Held::Read { at, .. } => Some(*at),
            Held::Failed(_) => None,
        }
    }

    /// Returns whether the measurements are fresh. Only such units are added up.
    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        self.number(Key::BatteryVoltage, now).is_some()
            && !matches!(self.link, LinkState::Down { .. })
    }

    /// Returns the current into the battery in amperes; negative while it is discharged.
    pub(crate) fn battery_current(&self, now: Instant) -> Option<f64> {
        Some(self.number(Key::ChargeCurrent, now)? - self.number(Key::DischargeCurrent, now)?)
    }

    /// Returns the power of both PV strings in watts.
    pub(crate) fn pv_power(&self, now: Instant) -> Option<f64> {
        Some(self.number(Key::Pv1Power, now)? + self.number(Key::Pv2Power, now)?)
    }

    /// Returns `master` or `slave`, if it is known.
    #[cfg(feature = "watch")]
    pub(crate) fn role(&self) -> Option<&'static str> {
        self.number.map(|number| if number == 0 { "master" } else { "slave" })
    }
}

/// Returns the value of a field as it is shown.
fn datum(key: Key, field: &Field<'_>) -> Datum {
    let info = key.info();
    match field {
        Field::Quantity { steps, decimals, unit } => match i32::try_from(*steps) {
            Ok(steps) => {
                let number = f64::from(steps) / 10_f64.powi((*decimals).into());
                Datum::Number { number, unit, decimals: *decimals }
            }
            Err(_) => Datum::text(&field.to_string()),
        },
        Field::Code { number, .. } if key == Key::FaultCode => {
            Datum::Number { number: (*number).into(), unit: info.unit, decimals: info.decimals }
        }
        Field::Code { name: Some(name), .. } => Datum::text(name),
        Field::Code { number, name: None, .. } => Datum::Text(format!("code {number}")),
        other => Datum::text(&other.to_string()),
    }
}

/// Returns why there is no answer.
pub(super) fn reason(gap: &Gap) -> String {
    if gap.text.is_empty() {
        format!("{:?}", gap.reason).to_lowercase()
    } else {
        printable(&gap.text).into_owned()
    }
}
