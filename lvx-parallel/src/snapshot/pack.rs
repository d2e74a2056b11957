//! The answers of one battery pack.

mod stored;

use lvx_settings::PackLimits;
use pi18_transport::Error;

use super::answer::{Gap, Reading, Reason};
use crate::pack::{Family, Label, Live, MapError, OtherMap};

/// Everything that one battery pack reports, with the time at which it was read, or the reason why it could not be
/// read.
///
/// [`BankSnapshot::read_with_packs`](crate::BankSnapshot::read_with_packs) fills it over a port. To fill it in another
/// way, put one reading after another in with [`take`](Self::take): rules that need history compare the last one with
/// those before.
///
/// ```
/// use std::time::Duration;
///
/// use lvx_parallel::{
///     BankSnapshot, PackSnapshot, Reading, check,
///     pack::{Family, Live, Registers},
/// };
///
/// let mut words = vec![0; 39];
/// (words[0], words[24], words[36]) = (5376, 91, 16);
/// words[2..18].fill(3360);
/// let live = Live::from_registers(&Registers::new(0, words), &Family::LP4_V2.scales)?;
///
/// let mut pack = PackSnapshot::new("/dev/ttyUSB0");
/// pack.take(Ok(Reading::new(live, Duration::ZERO)));
/// let bank = BankSnapshot::default().with_packs([pack]);
/// assert!(check(&bank).is_healthy());
/// # Ok::<(), lvx_parallel::pack::MapError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PackSnapshot {
    /// Name of the pack in reports, which identifies it: the port at which it was read.
    pub name: String,
    /// Reason why the pack could not be read the last time.
    pub lost: Option<Gap>,
    /// Whether the port answered the last time with the sums of a chain of packs, and not as one pack.
    pub is_aggregate: bool,
    /// Model and firmware, if they were read.
    pub label: Option<Label>,
    /// Last measurements; `None` if the pack could not be read the last time.
    pub live: Option<Reading<Live>>,
    /// Earlier measurements, the oldest first; at most [`MAX_EARLIER`](Self::MAX_EARLIER).
    pub earlier: Vec<Reading<Live>>,
}

impl PackSnapshot {
    /// The largest number of earlier measurements that are kept.
    pub const MAX_EARLIER: usize = 4;

    /// Returns a pack that was not read.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Stores the outcome of reading the pack again. The measurements before become
    /// [`earlier`](Self::earlier).
    pub fn take(&mut self, outcome: Result<Reading<Live>, &Error>) {
        if let Some(before) = self.live.take() {
            self.earlier.push(before);
            let excess = self.earlier.len().saturating_sub(Self::MAX_EARLIER);
            self.earlier.drain(..excess);
        }
        (self.lost, self.is_aggregate) = (None, false);
        match outcome {
            // A stored reading has whole milliseconds.
            Ok(reading) => self.live = Some(Reading::whole_millis(reading)),
            Err(error) => {
                self.lost = Some(Gap::from(error));
                self.is_aggregate = is_aggregate(error);
            }
        }
    }

    /// Returns the family of the pack, if its label is known.
    #[must_use]
    pub fn family(&self) -> Option<&'static Family> {
        self.label.as_ref().and_then(Family::of)
    }

    /// Returns the limits that the maker of the pack states, if its family is known.
    #[must_use]
    pub fn limits(&self) -> Option<PackLimits> {
        self.family().and_then(Family::limits)
    }

    /// Returns the reason why the pack was not read, in a word or two; `None` if it was read.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        let reason = self.lost.as_ref()?.reason;
        Some(match reason {
            _ if self.is_aggregate => "sums of a chain",
            Reason::Silent => "no answer",
            Reason::Refused => "refused",
            Reason::Unreadable => "not readable",
            Reason::Old => "too old",
            _ => "no port",
        })
    }

    /// Returns whether the pack was asked and did not answer.
    pub(crate) fn is_silent(&self) -> bool {
        self.lost.as_ref().is_some_and(|gap| gap.reason == Reason::Silent)
    }

    /// Returns all measurements, the last one first.
    pub(crate) fn readings(&self) -> impl Iterator<Item = &Live> {
        let readings = self.live.iter().chain(self.earlier.iter().rev());
        readings.map(|reading| &reading.value)
    }

    /// Removes the last measurements because they are too old.
    pub(crate) fn discard(&mut self) {
        self.live = None;
        self.lost = Some(Gap::new(Reason::Old, ""));
    }
}

/// Returns whether a pack answered with the sums of a chain.
fn is_aggregate(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    let map = source.and_then(|source| source.downcast_ref::<MapError>());
    matches!(map, Some(MapError::OtherMap(OtherMap::Growatt)))
}
