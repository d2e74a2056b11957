//! One battery pack in a snapshot.

use std::time::{Duration, Instant};

use lvx_parallel::{
    Gap,
    pack::{Label, Live},
};

use super::{Datum, LinkView, Value};
use crate::Name;

/// One battery pack: its name, its port, and its latest measurements.
#[derive(Clone, Debug, PartialEq)]
pub struct PackView {
    /// Name in the configuration.
    pub name: Name,
    /// Port of the pack, which identifies it.
    pub link: LinkView,
    /// Model and firmware; `None` if they were not read.
    pub label: Option<Label>,
    /// Last measurements, and the time at which they were read.
    pub live: Option<(Live, Instant)>,
    /// Why the last attempt to read them failed; `None` if it succeeded.
    pub failure: Option<Gap>,
    /// Limit of age: older measurements are stale.
    pub max_age: Duration,
}

impl PackView {
    /// Returns a value of the measurements, as fresh as they are. It is absent if `read` returns `None`: the pack does
    /// not have it, or its scale is not known.
    #[must_use]
    pub fn value(&self, read: impl FnOnce(&Live) -> Option<Datum>, now: Instant) -> Value {
        let Some((live, at)) = &self.live else {
            return self.failure.clone().map_or(Value::Absent, Value::Failed);
        };
        let age = now.saturating_duration_since(*at);
        match (age <= self.max_age, &self.failure, read(live)) {
            (false, Some(gap), _) => Value::Failed(gap.clone()),
            (_, _, None) => Value::Absent,
            (true, _, Some(datum)) => Value::Fresh { datum, age },
            (false, None, Some(datum)) => Value::Stale { datum, age },
        }
    }

    /// Returns whether the measurements are within their limit of age.
    #[must_use]
    pub fn is_fresh(&self, now: Instant) -> bool {
        let age = |at: &Instant| now.saturating_duration_since(*at);
        self.live.as_ref().is_some_and(|(_, at)| age(at) <= self.max_age)
    }
}
