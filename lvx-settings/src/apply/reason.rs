//! The reasons why a run failed, was refused, or left settings as they are.

use std::time::Duration;

use pi18_proto::{Amperes, Decivolts, Model, SerialNumber};
use pi18_transport::SetOutcome;
use serde::Serialize;

use super::{objection::Objection, report::SettingReport};
use crate::{BrokenRule, Difference, Group, Settings};

mod serialize;
mod text;

/// The reason why a run failed, was refused, or left settings as they are.
///
/// `Display` writes it for people. `Serialize` writes an object with the `kind` of the reason in snake case,
/// its data, and its `text`.
///
/// ```
/// use lvx_settings::{Action, Apply, HostClock, Options, Permissions, Plan, Profile, Reason, Unit};
/// use pi18_transport::Client;
///
/// let host = HostClock::system();
/// let units = vec![("sim:0".to_owned(), Unit::read(&mut Client::open("sim:0")?, &host)?)];
/// let profile = Profile::parse("night.yaml", "backlight: off\n")?;
/// let plan = Plan::for_profile(profile.profile(), units, &Permissions::default())?;
///
/// let mut apply = Apply::new(plan, Options::default());
/// apply.interrupt();
/// while apply.next_action() != Action::Done {
///     apply.handle(lvx_settings::Event::Stored(Ok(())), std::time::Instant::now());
/// }
/// let why = apply.report().unwrap().why.as_ref().unwrap();
/// assert_eq!(why, &Reason::Interrupted);
/// assert_eq!(why.to_string(), "the run was interrupted");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The run was interrupted between two steps, in a check, or while it waited for the confirmation.
    Interrupted,
    /// The new settings were not confirmed in time.
    NotConfirmed,
    /// The caller asked to undo an earlier run.
    EarlierRunUndone,
    /// A unit could not be read before the first write.
    Unread {
        /// Text of the error.
        error: String,
    },
    /// The present state of the units does not permit the plan.
    Objected(Vec<Objection>),
    /// A unit would refuse a write because it charges. A run with
    /// [`Options::wait_idle`](crate::Options::wait_idle) waits until it no longer charges.
    Charging {
        /// Serial number of the unit.
        unit: SerialNumber,
        /// Name of the unit: address and serial number.
        place: String,
        /// Charge current of the unit.
        current: Amperes,
    },
    /// The current settings could not be saved before the first write.
    NotSaved {
        /// Text of the error.
        error: String,
    },
    /// The journal could not be written.
    NotRecorded {
        /// Text of the error.
        error: String,
    },
    /// A unit did not take the new values of a step.
    NotTaken {
        /// Serial number of the unit.
        unit: SerialNumber,
        /// Group that the step writes; `None` if no single command writes its settings.
        group: Option<Group>,
        /// New values of the group.
        to: Settings,
        /// Cause of the failure.
        cause: Cause,
    },
    /// The new battery type of a unit replaced its voltages, and the voltages of the plan could not be set.
    VoltagesReplaced {
        /// Serial number of the unit.
        unit: SerialNumber,
        /// Voltages that could not be set.
        to: Settings,
        /// Cause of the failure.
        cause: Cause,
    },
    /// A unit could not be read after the last write.
    LastReading {
        /// Serial number of the unit.
        unit: SerialNumber,
        /// Cause of the failure.
        cause: Cause,
    },
    /// The last reading of a unit shows a value that this run did not write.
    Changed {
        /// Serial number of the unit.
        unit: SerialNumber,
        /// Setting with its old, its new and its present value.
        setting: SettingReport,
    },
    /// A step could not be undone.
    NotUndone {
        /// Serial number of the unit.
        unit: SerialNumber,
        /// Group that the step wrote; `None` if no single command writes its settings.
        group: Option<Group>,
        /// Values that the step wrote.
        to: Settings,
        /// Cause of the failure.
        cause: Cause,
    },
    /// A unit may have received a command for another unit, and its values could not be written back.
    NotWrittenBack {
        /// Serial number of the unit.
        unit: SerialNumber,
        /// Values that could not be written back.
        to: Settings,
        /// Cause of the failure.
        cause: Cause,
    },
}

/// The cause of the failure of one write, or of the last reading of a unit.
///
/// `Display` and `Serialize` write it as described for [`Reason`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// The run was interrupted.
    Interrupted,
    /// The journal could not be written.
    NotRecorded {
        /// Text of the error.
        error: String,
    },
    /// The link to the unit failed, or the unit did not reply.
    Link {
        /// Text of the error.
        error: String,
    },
    /// The device of the unit kept disappearing.
    Flapping,
    /// The unit could not be reached any more in an earlier step.
    Lost,
    /// The unit was not read.
    NotRead,
    /// Another unit answers on the link.
    OtherUnit {
        /// Serial number of the unit that answers.
        found: SerialNumber,
    },
    /// Another unit answered on the link after a command was sent.
    Swapped {
        /// Serial number of the unit that answers.
        found: SerialNumber,
        /// Cause for which the write had failed before, if it had.
        after: Option<Box<Cause>>,
    },
    /// The number of the unit in the bank changed after a command that names the unit by its number.
    Renumbered {
        /// Serial number of the unit that now has the number, if the bank reports it.
        found: Option<SerialNumber>,
        /// Cause for which the write had failed before, if it had.
        after: Option<Box<Cause>>,
    },
    /// The unit no longer has a number in its bank.
    NoNumber,
    /// The unit had values that this run did not write. In each difference, `from` is the value found, and
    /// `to` is the value expected.
    Changed(Vec<Difference>),
    /// Another program or the unit itself changed settings, so that the old values would break a rule.
    RuleBroken(BrokenRule),
    /// The write is outside the limits of the unit, or would break a rule.
    NotAllowed {
        /// The limit or the rule.
        why: String,
    },
    /// Battery type user replaced the voltages, and no voltages that keep the rules are known.
    NoVoltages(BrokenRule),
    /// Battery type user replaced the voltages, and the voltages of the plan could not be set.
    VoltagesReplaced {
        /// Voltages that could not be set.
        to: Settings,
        /// Cause of the failure.
        cause: Box<Cause>,
    },
    /// No command sets these values on this unit.
    NoCommand,
    /// The unit refused the command.
    Refused {
        /// Likely causes, the likeliest first. Units give no reason for a refusal.
        likely: Vec<RefusalCause>,
    },
    /// The unit still showed the old values when the time for the write had passed.
    NotShown {
        /// Outcome of the last attempt to send the command; [`SetOutcome::Accepted`] if any attempt was accepted.
        outcome: SetOutcome,
        /// Number of attempts.
        attempts: u32,
        /// Time for which the old values were still shown.
        within: Duration,
    },
    /// The command could not be sent.
    NotSent {
        /// Number of attempts.
        attempts: u32,
        /// Text of the last error of the link, if there was one.
        error: Option<String>,
    },
    /// The readings of the unit kept changing.
    Unsteady,
    /// A write that was sent may still change the settings of the unit.
    Pending,
    /// The unit was given up after a write that may have been carried out.
    InDoubt(Box<Cause>),
}

/// The likely cause of a refusal, inferred from the state of the unit.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefusalCause {
    /// The unit charges, and refuses to change its maximum charge current meanwhile. Observed on LVX6048s.
    Charging {
        /// Charge current of the unit.
        current: Amperes,
    },
    /// The battery type of the unit is not `user`, so its voltages cannot be set.
    NotUserType,
    /// The re-discharge voltage is above the float voltage. Observed on LVX6048s.
    AboveFloat {
        /// Float voltage of the unit.
        float: Decivolts,
    },
    /// The re-discharge voltage is 0, "until full". Observed on LVX6048s.
    UntilFull,
    /// The cause is not known.
    Unknown {
        /// Product line of the unit, if it reports one.
        model: Option<Model>,
    },
}

impl Reason {
    /// Returns the cause of the write or of the reading that failed, if the reason has one.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::NotTaken { cause, .. }
            | Self::VoltagesReplaced { cause, .. }
            | Self::LastReading { cause, .. }
            | Self::NotUndone { cause, .. }
            | Self::NotWrittenBack { cause, .. } => Some(cause),
            _ => None,
        }
    }

    /// Returns the serial number of the unit concerned, if the reason is about one unit.
    #[must_use]
    pub fn unit(&self) -> Option<SerialNumber> {
        match self {
            Self::Charging { unit, .. }
            | Self::NotTaken { unit, .. }
            | Self::VoltagesReplaced { unit, .. }
            | Self::LastReading { unit, .. }
            | Self::Changed { unit, .. }
            | Self::NotUndone { unit, .. }
            | Self::NotWrittenBack { unit, .. } => Some(*unit),
            _ => None,
        }
    }

    /// Returns the serial number of a unit that refused a write because it charges, or that would have refused
    /// it. A run with [`Options::wait_idle`](crate::Options::wait_idle) waits until it no longer charges.
    #[must_use]
    pub fn charging(&self) -> Option<SerialNumber> {
        let charges = match self {
            Self::Charging { .. } => true,
            _ => self.cause().is_some_and(Cause::is_charging),
        };
        self.unit().filter(|_| charges)
    }

    /// Returns whether the run failed because it was interrupted, at any time.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        match self {
            Self::Interrupted => true,
            _ => self.cause().is_some_and(|cause| *cause.first() == Cause::Interrupted),
        }
    }
}

impl Cause {
    /// Returns the cause for which the write failed first, without what became known about it later.
    fn first(&self) -> &Self {
        match self {
            Self::InDoubt(cause)
            | Self::Swapped { after: Some(cause), .. }
            | Self::Renumbered { after: Some(cause), .. } => cause.first(),
            cause => cause,
        }
    }

    /// Returns whether a unit refused the command because it charges.
    fn is_charging(&self) -> bool {
        match self.first() {
            Self::Refused { likely } => {
                likely.iter().any(|cause| matches!(cause, RefusalCause::Charging { .. }))
            }
            Self::VoltagesReplaced { cause, .. } => cause.is_charging(),
            _ => false,
        }
    }
}

/// Text for a value that this run did not write.
pub(super) const BY_OTHERS: &str = "changed by another program or by the unit itself";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_cause_is_found_behind_later_ones() {
        let unit = SerialNumber::new("96132206100410");
        let reason = |cause| {
            let (group, to) = (Some(Group::MaxChargeCurrent), Settings::default());
            unit.map(|unit| Reason::NotTaken { unit, group, to, cause })
        };
        let later = |cause: Cause| {
            let renumbered = Cause::Renumbered { found: None, after: Some(Box::new(cause)) };
            Cause::InDoubt(Box::new(renumbered))
        };
        let likely = vec![RefusalCause::Charging { current: Amperes(12) }];
        let refused = reason(later(Cause::Refused { likely }));
        assert_eq!(refused.map(|reason| reason.charging()), unit.map(Some));
        let interrupted = reason(later(Cause::Interrupted));
        assert_eq!(interrupted.map(|reason| reason.is_interrupted()), unit.map(|_| true));
        let lost = reason(later(Cause::Lost));
        assert_eq!(lost.map(|reason| reason.is_interrupted()), unit.map(|_| false));
    }
}
