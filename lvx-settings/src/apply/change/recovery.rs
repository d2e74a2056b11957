//! Links in trouble, and units that refuse because they charge.

use std::time::Instant;

use pi18_proto::{AnyReply, SerialNumber};

use super::{Change, Failure, Flow, Stage, Verdict};
use crate::{
    Group, Unit,
    apply::{Options, Trouble, action::later, explain, link_budget::LinkBudget},
};

/// What is left of the time for waiting.
#[derive(Debug)]
pub(super) struct Recovery {
    pub(super) link: LinkBudget,
    /// The end of waiting for an idle window.
    pub(super) patience: Option<Instant>,
    /// How often it was sent because the unit had become idle: a unit that refuses all the same has
    /// another reason.
    idle_tries: u32,
    /// Idle windows may be waited for.
    pub(super) may_wait_idle: bool,
    /// Somebody interrupted while it waited, or more than once: no link is waited for.
    pub(super) hurried: bool,
}

impl Recovery {
    pub(super) fn new(options: &Options, patience: Option<Instant>) -> Self {
        Self {
            link: LinkBudget::new(options.away),
            patience,
            idle_tries: 0,
            may_wait_idle: true,
            hurried: false,
        }
    }
}

impl Change {
    pub(super) fn unreadable(&mut self, trouble: Trouble, now: Instant) -> Flow {
        if self.stage == Stage::Trace {
            return self.end();
        }
        self.sending.last = None;
        // Even in a hurry a device that is gone is opened once.
        let used_up = self.recovery.link.fails(now) || (self.recovery.hurried && !trouble.gone);
        // A question is asked several times anyway; before a write nothing is lost by giving up.
        let before_the_first =
            matches!(self.stage, Stage::Identify | Stage::Inspect | Stage::Number)
                && self.sending.attempts == 0;
        if before_the_first && !trouble.gone {
            return Flow::Break(self.failed(trouble.text));
        }
        if used_up {
            return Flow::Break(self.lose(&trouble.text));
        }
        if trouble.gone {
            return Flow::Continue(Stage::Away);
        }
        Flow::Continue(match self.stage {
            Stage::Ask => Stage::Idle,
            Stage::ReadBack => Stage::Settle,
            stage => stage,
        })
    }

    /// The link may be there again, with the same unit or another one.
    pub(super) fn reopened(
        &mut self,
        found: Result<Box<Unit>, String>,
        other: Option<SerialNumber>,
        now: Instant,
    ) -> Flow {
        let is_it = |unit: &Unit| unit.serial_number == self.target.serial_number();
        let stranger = found.as_ref().ok().filter(|unit| !is_it(unit));
        let stranger = stranger.map(|unit| unit.serial_number).or(other);
        if let Some(stranger) = stranger.filter(|_| self.sending.doubts.unattested) {
            return self.another_unit(stranger, now);
        }
        let why = match found {
            Ok(unit) if unit.serial_number == self.target.serial_number() => {
                let Some(instance) = unit.instance() else {
                    return Flow::Break(self.lose("it has no number in its bank any more"));
                };
                // It may have another number in its bank after a restart.
                self.target.take(*unit, instance);
                self.recovery.link.works(now);
                self.pending = None;
                self.sending.deadline = Some(later(now, self.options.within));
                let sent = self.sending.doubts.may_be_done;
                return Flow::Continue(if sent { Stage::Settle } else { Stage::Identify });
            }
            // Devices change places when a hub is reset, and change back.
            Ok(other) => format!("unit {} is there now", other.serial_number),
            Err(why) => why,
        };
        if self.recovery.link.fails(now) || self.recovery.hurried {
            return Flow::Break(self.lose(&why));
        }
        Flow::Continue(Stage::Away)
    }

    /// What the unit is doing, after it refused.
    pub(super) fn asked(&mut self, reply: &AnyReply, now: Instant) -> Flow {
        let AnyReply::GeneralStatus(status) = reply else {
            let failed = self.failed("the unit refused (^0)");
            return self.conclude(failed);
        };
        if self.other_number(reply).is_none() {
            self.sending.doubts.unnumbered = None;
        }
        let charging = status.charge_current.0 > 0;
        let waiting_helps =
            self.goal.group == Group::MaxChargeCurrent && self.recovery.may_wait_idle;
        if let Some(patience) = self.options.wait_idle.filter(|_| waiting_helps) {
            let until = *self.recovery.patience.get_or_insert(later(now, patience));
            if !charging && self.recovery.idle_tries < self.options.attempts {
                // Much may have happened meanwhile: it is looked at from the beginning.
                self.recovery.idle_tries += 1;
                self.sending.answer = None;
                return Flow::Continue(Stage::Identify);
            }
            if charging && now < until {
                return Flow::Continue(Stage::Idle);
            }
        }
        let state = self.sending.last.unwrap_or_default();
        let (group, to) = (self.goal.group, &self.goal.to);
        let failed = self.failed(explain::refusal(group, to, &state, status, &self.target.unit));
        self.conclude(failed)
    }

    /// The unit cannot be reached any more.
    pub(super) fn lose(&self, why: &str) -> Verdict {
        let doubt = if self.sending.doubts.may_be_done {
            "; the last write may have been carried out"
        } else {
            ""
        };
        Verdict::Failed(Failure { lost: true, ..self.failure(format!("{why}{doubt}")) })
    }
}
