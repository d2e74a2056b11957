//! The combinations of output modes that units of one bank can have.

use std::fmt;

use pi18_proto::OutputMode;

/// A conflict between the output modes of the units of a bank.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OutputModeConflict {
    /// A unit that is set to work alone.
    Single,
    /// One of three phases without a unit.
    PhaseOfThree,
    /// One of two phases without a unit.
    PhaseOfTwo,
    /// Parallel units beside phases, or phases of two beside phases of three.
    Mixed,
}

/// Returns the conflict between the output modes of the units of one bank; `None` if all are parallel, or
/// if every phase of three or of two has a unit.
///
/// `is_whole` states whether `modes` has the modes of all units of the bank. Only then is a phase without
/// a unit an error.
///
/// ```
/// use lvx_settings::{OutputModeConflict, output_mode_conflict};
/// use pi18_proto::OutputMode;
///
/// let twice = [OutputMode::PHASE_1_OF_2, OutputMode::PHASE_1_OF_2];
/// assert_eq!(output_mode_conflict(&twice, true), Some(OutputModeConflict::PhaseOfTwo));
/// ```
#[must_use]
pub fn output_mode_conflict(modes: &[OutputMode], is_whole: bool) -> Option<OutputModeConflict> {
    let has = |mode: &OutputMode| modes.contains(mode);
    let lacks_one = |phases: &[OutputMode]| is_whole && !phases.iter().all(has);
    if has(&OutputMode::SINGLE) {
        Some(OutputModeConflict::Single)
    } else if modes.iter().all(|mode| *mode == OutputMode::PARALLEL) {
        None
    } else if modes.iter().all(|mode| THREE.contains(mode)) {
        lacks_one(&THREE).then_some(OutputModeConflict::PhaseOfThree)
    } else if modes.iter().all(|mode| TWO.contains(mode)) {
        lacks_one(&TWO).then_some(OutputModeConflict::PhaseOfTwo)
    } else {
        Some(OutputModeConflict::Mixed)
    }
}

/// Returns whether these are all phases of three or all phases of two, so that the outputs of the units
/// differ in phase.
#[must_use]
pub fn are_phases(modes: &[OutputMode]) -> bool {
    modes.iter().all(|mode| THREE.contains(mode)) || modes.iter().all(|mode| TWO.contains(mode))
}

impl fmt::Display for OutputModeConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single => "a unit of this bank is set to single",
            Self::PhaseOfThree => "one of three phases has no unit",
            Self::PhaseOfTwo => "one of two phases has no unit",
            Self::Mixed => "output modes do not fit together",
        })
    }
}

const THREE: [OutputMode; 3] =
    [OutputMode::PHASE_1_OF_3, OutputMode::PHASE_2_OF_3, OutputMode::PHASE_3_OF_3];
const TWO: [OutputMode; 2] = [OutputMode::PHASE_1_OF_2, OutputMode::PHASE_2_OF_2];
