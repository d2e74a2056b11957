//! Units that feed the same output.

use pi18_proto::OutputMode;

use super::measured::Measured;

/// Units that feed the same output.
pub(crate) struct OutputGroup<'c, 'a> {
    /// The phase that they feed; `None` in a bank without phases.
    phase: Option<OutputMode>,
    pub(crate) units: Vec<&'c Measured<'a>>,
}

impl<'c, 'a> OutputGroup<'c, 'a> {
    /// Returns the group of a bank without phases.
    pub(super) fn all(units: &'c [Measured<'a>]) -> Self {
        Self { phase: None, units: units.iter().collect() }
    }

    /// Returns one group for each phase.
    pub(super) fn by_phase(units: &'c [Measured<'a>]) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for measured in units {
            let Some(mode) = measured.unit.output_mode() else { continue };
            let phase = Some(mode);
            match groups.iter_mut().find(|group| group.phase == phase) {
                Some(group) => group.units.push(measured),
                None => groups.push(Self { phase, units: vec![measured] }),
            }
        }
        groups
    }

    /// Keeps only the units for which `is_kept` returns true.
    pub(crate) fn only(mut self, is_kept: impl Fn(&'c Measured<'a>) -> bool) -> Self {
        self.units.retain(|measured| is_kept(measured));
        self
    }

    /// Returns the place of the group as findings show it: ` on phase 1 of 2`, ` on the first phase`, or
    /// an empty text if there is only one phase.
    pub(crate) fn place(&self) -> String {
        match self.phase {
            Some(phase) => format!(" on {phase}"),
            None if self.units.iter().any(|each| each.unit.shows_first_phase_only()) => {
                " on the first phase".to_owned()
            }
            None => String::new(),
        }
    }
}
