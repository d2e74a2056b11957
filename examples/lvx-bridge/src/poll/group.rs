//! Question groups: how often each question is asked, and how old its answer may become.

use std::time::Duration;

use pi18_proto::Query;

use crate::config::PollConfig;

/// How often a question is asked.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Group {
    /// Measurements and mode.
    Fast,
    /// Faults, and what the units report about each other.
    Medium,
    /// Counters, settings, identity, clock.
    Slow,
}

impl Group {
    /// Returns the group of a question.
    #[must_use]
    pub fn of(query: Query) -> Self {
        match query {
            Query::GeneralStatus | Query::Mode => Self::Fast,
            Query::FaultsAndWarnings | Query::ParallelStatus(_) => Self::Medium,
            _ => Self::Slow,
        }
    }

    /// Returns the time between two questions of the group, at least 100 ms.
    #[must_use]
    pub fn period(self, config: &PollConfig) -> Duration {
        let period = match self {
            Self::Fast => config.fast,
            Self::Medium => config.medium,
            Self::Slow => config.slow,
        };
        period.clamp(MIN_PERIOD, DAY)
    }

    /// Returns the age at which an answer becomes stale.
    #[must_use]
    pub fn max_age(self, config: &PollConfig) -> Duration {
        self.period(config).saturating_mul(config.stale_after_periods.max(1))
    }
}

/// Time between two attempts of a question that the unit refused.
pub(super) const DAY: Duration = Duration::from_hours(24);

/// Shortest period, so that a wrong configuration does not make a thread spin.
const MIN_PERIOD: Duration = Duration::from_millis(100);
