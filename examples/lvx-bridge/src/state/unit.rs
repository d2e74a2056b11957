//! One unit in a snapshot.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use lvx_parallel::Gap;
use pi18_proto::{AnyReply, Query, SerialNumber};

use super::{Datum, Energy, LinkView, Value};
use crate::Name;

/// One unit: its identity, its link, and its latest answers.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitView {
    /// Name in the configuration.
    pub name: Name,
    /// Serial number, which identifies the unit.
    pub serial: SerialNumber,
    /// Link to the unit.
    pub link: LinkView,
    /// Latest answers, one per query.
    pub held: Vec<Held>,
    /// Energy.
    pub energy: Energy,
}

/// The latest answer to a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The query.
    pub query: Query,
    /// Last value, and the time at which it was read.
    pub reply: Option<(AnyReply, Instant)>,
    /// Why the last attempt failed; `None` if it succeeded.
    pub failure: Option<Gap>,
    /// Limit of age: an older value is stale.
    pub max_age: Duration,
}

impl Held {
    /// Returns the name of the question: its mnemonic, with the instance for `PRIn` and `PGSn`.
    #[must_use]
    pub fn question(&self) -> Cow<'static, str> {
        match self.query {
            Query::ParallelRating(_) | Query::ParallelStatus(_) => self.query.to_string().into(),
            query => query.info().mnemonic.into(),
        }
    }
}

impl UnitView {
    /// Returns the last reply to a query and its age, if it is within its limit of age.
    #[must_use]
    pub fn fresh(&self, mnemonic: &str, now: Instant) -> Option<(&AnyReply, Duration)> {
        let held = self.held(mnemonic)?;
        let (reply, at) = held.reply.as_ref()?;
        let age = now.saturating_duration_since(*at);
        (age <= held.max_age).then_some((reply, age))
    }

    /// Returns the latest answer to the query with this mnemonic.
    #[must_use]
    pub fn held(&self, mnemonic: &str) -> Option<&Held> {
        self.held.iter().find(|held| held.query.info().mnemonic == mnemonic)
    }

    /// Returns a field of a reply, such as `battery_voltage` of `GS`.
    #[must_use]
    pub fn value(&self, mnemonic: &str, field: &str, now: Instant) -> Value {
        let Some(held) = self.held(mnemonic) else { return Value::Absent };
        let Some((reply, at)) = &held.reply else {
            return held.failure.clone().map_or(Value::Absent, Value::Failed);
        };
        let mut datum = None;
        reply.visit(&mut |info, value| {
            if info.name == field {
                datum = Some(Datum::from(value));
            }
        });
        let Some(datum) = datum else { return Value::Absent };
        let age = now.saturating_duration_since(*at);
        match &held.failure {
            _ if age <= held.max_age => Value::Fresh { datum, age },
            Some(gap) => Value::Failed(gap.clone()),
            None => Value::Stale { datum, age },
        }
    }
}
