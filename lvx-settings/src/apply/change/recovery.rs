//! Links that fail, refusals, and waits for an idle window.

use std::time::Instant;

use pi18_proto::{AnyReply, GeneralStatus, SerialNumber};

use super::{
    machine::Change,
    stage::{Flow, Stage},
};
use crate::{
    Group, Unit,
    apply::{action::Trouble, explain, options::later, reason::Cause},
};

impl Change {
    /// Handles a query that was not answered.
    pub(super) fn unreadable(&mut self, trouble: Trouble, now: Instant) -> Flow {
        if self.stage == Stage::TraceNumber {
            return self.end();
        }
        self.sending.last = None;
        // Even after a second interrupt, a device that disappeared is opened once.
        let used_up = self.waits.link.fails(now) || (self.waits.hurried && !trouble.gone);
        // The client has already repeated the query. Before the first write, nothing needs to be undone.
        let before_the_first =
            matches!(self.stage, Stage::Identify | Stage::Inspect | Stage::ReadNumber)
                && self.sending.attempts == 0;
        if before_the_first && !trouble.gone {
            return Flow::Break(self.failed(Cause::Link { error: trouble.text }));
        }
        if used_up {
            return Flow::Break(self.lose(Cause::Link { error: trouble.text }));
        }
        if trouble.gone {
            return Flow::Continue(Stage::Away);
        }
        Flow::Continue(match self.stage {
            Stage::ReadStatus => Stage::WaitIdle,
            Stage::ReadBack => Stage::Settle,
            stage => stage,
        })
    }

    /// Handles [`Stage::Reopen`]. The link may work again, and lead to the same unit or to another one.
    pub(super) fn reopened(
        &mut self,
        found: Result<Box<Unit>, String>,
        other: Option<SerialNumber>,
        now: Instant,
    ) -> Flow {
        let serial = self.target.serial_number();
        let is_target = |unit: &Unit| unit.serial_number == serial;
        let stranger = found.as_ref().ok().filter(|unit| !is_target(unit));
        let stranger = stranger.map(|unit| unit.serial_number).or(other);
        if let Some(stranger) = stranger.filter(|_| self.sending.doubts.unidentified) {
            return self.another_unit(stranger, now);
        }
        let why = match found {
            Ok(unit) if is_target(&unit) => {
                let Some(instance) = unit.instance() else {
                    return Flow::Break(self.lose(Cause::NoNumber));
                };
                // After a restart, the unit may have another number in its bank.
                self.target.update(*unit, instance);
                self.waits.link.works(now);
                self.pending = None;
                self.sending.deadline = Some(later(now, self.options.within));
                let sent = self.sending.doubts.may_be_done;
                return Flow::Continue(if sent { Stage::Settle } else { Stage::Identify });
            }
            // When a hub is reset, devices can swap their paths, and swap them back later.
            Ok(other) => Cause::OtherUnit { found: other.serial_number },
            Err(error) => Cause::Link { error },
        };
        if self.waits.link.fails(now) || self.waits.hurried {
            return Flow::Break(self.lose(why));
        }
        Flow::Continue(Stage::Away)
    }

    /// Handles [`Stage::ReadStatus`]. The status of a unit that refused shows whether a wait may help.
    pub(super) fn status_read(&mut self, reply: &AnyReply, now: Instant) -> Flow {
        let AnyReply::GeneralStatus(status) = reply else {
            let failed = self.failed(Cause::Refused { likely: Vec::new() });
            return self.conclude(failed);
        };
        if self.changed_number(reply).is_none() {
            self.sending.doubts.unchecked_number = None;
        }
        if let Some(stage) = self.wait_for_idle(status, now) {
            return Flow::Continue(stage);
        }
        let state = self.sending.last.unwrap_or_default();
        let (group, to) = (self.goal.group, &self.goal.to);
        let likely = explain::refusal(group, to, &state, status, &self.target.unit);
        let failed = self.failed(Cause::Refused { likely });
        self.conclude(failed)
    }

    /// Returns the next stage if the unit may accept the write after it stops charging; `None` to give up.
    fn wait_for_idle(&mut self, status: &GeneralStatus, now: Instant) -> Option<Stage> {
        let time = self
            .options
            .wait_idle
            .filter(|_| self.goal.group == Group::MaxChargeCurrent && self.waits.may_wait_idle)?;
        let until = *self.waits.idle_until.get_or_insert(later(now, time));
        if status.charge_current.0 > 0 {
            return (now < until).then_some(Stage::WaitIdle);
        }
        if self.waits.idle_tries >= self.options.attempts {
            return None;
        }
        // Cables and settings may have changed during the wait, so all checks are repeated.
        self.waits.idle_tries += 1;
        self.sending.answer = None;
        Some(Stage::Identify)
    }
}
