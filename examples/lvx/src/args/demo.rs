//! Scenes of the virtual bank of `lvx bridge --demo`.

use clap::ValueEnum;

/// What the virtual bank shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Scene {
    /// Two units at noon
    Day,
    /// Night: the battery supplies the loads
    Night,
    /// A unit is unplugged after the first round
    Gone,
    /// A unit has fault 83
    Fault,
    /// A unit answers too slowly after the first round
    Stale,
    /// A unit answers so slowly that the first round takes minutes
    Starting,
    /// Settings that the units take over only after a while
    Pending,
    /// A unit that refuses settings
    Refused,
    /// No setting may be changed
    ReadOnly,
    /// One unit
    Single,
    /// Nine units
    Nine,
    /// Two banks of one unit
    TwoBanks,
    /// Two units on two phases
    SplitPhase,
    /// Three units on three phases
    ThreePhase,
    /// Two units and three battery packs
    Packs,
}
