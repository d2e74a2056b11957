//! Plans of changes: what would be written, shown before it is asked for a second time.
//!
//! A plan is used once, by the client that asked for it, within a minute, and only while all units have the values that
//! it showed.

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use pi18_proto::SerialNumber;

use super::{
    Refusal,
    access::Access,
    digest::{Digest, random_hex},
};
use crate::{Name, control::ControlItem};

/// Plans that were shown and not yet used.
#[derive(Debug, Default)]
pub(super) struct Plans(Mutex<Vec<Shown>>);

/// What a plan is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Plan {
    /// The client.
    pub(super) access: Access,
    /// Bank.
    pub(super) bank: Name,
    /// Key of the setting.
    pub(super) key: String,
    /// New value.
    pub(super) to: String,
    /// Value of each unit.
    pub(super) values: Vec<(SerialNumber, Option<String>)>,
}

#[derive(Debug)]
struct Shown {
    id: Digest,
    plan: Plan,
    expires: Instant,
}

impl Plan {
    /// Makes the plan of a change, if it is possible now.
    pub(super) fn new(
        access: Access,
        bank: Name,
        item: &ControlItem,
        from: Option<&str>,
        to: &str,
    ) -> Result<Self, Refusal> {
        let refused = |text: String| Err(Refusal::new(StatusCode::CONFLICT, text));
        let key = item.setting.key().to_owned();
        if let Some(why) = &item.blocked {
            return refused(format!("{key}: {why}"));
        }
        if !item.options.iter().any(|option| option == to) {
            let options = item.options.join(", ");
            return refused(format!("{key}: expected one of {options}, found {to:?}"));
        }
        if from.is_some() && from != item.value.as_deref() {
            let now = item.value.as_deref().unwrap_or("different values");
            let from = from.unwrap_or_default();
            return refused(format!("{key}: expected the present value {now}, found {from}"));
        }
        Ok(Self { access, bank, key, to: to.to_owned(), values: item.values.clone() })
    }
}

impl Plans {
    /// Keeps a plan, and returns its digest. The oldest plan is dropped if there are too many.
    pub(super) fn show(&self, plan: Plan, now: Instant) -> io::Result<String> {
        let id = random_hex()?;
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plans.retain(|shown| now < shown.expires);
        if plans.len() >= MAX_PLANS {
            plans.remove(0);
        }
        plans.push(Shown { id: Digest::of(&id), plan, expires: now + MAX_AGE });
        Ok(id)
    }

    /// Uses a plan up. It must be the same as the change that is asked for now.
    pub(super) fn take(&self, id: &str, change: &Plan, now: Instant) -> Result<(), Refusal> {
        let id = Digest::of(id);
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plans.retain(|shown| now < shown.expires);
        let place = plans.iter().position(|shown| shown.id == id);
        let shown = place.map(|place| plans.remove(place));
        let refused = |text: &str| Err(Refusal::new(StatusCode::CONFLICT, text));
        match shown {
            None => refused(
                "plan: expected a plan that was shown in the last minute and not used yet; ask for a new one",
            ),
            Some(shown) if shown.plan == *change => Ok(()),
            Some(shown) if shown.plan.values != change.values => {
                refused("plan: a value has changed since the plan was shown; ask for a new one")
            }
            Some(_) => {
                refused("plan: expected the plan of this change by this client; ask for a new one")
            }
        }
    }
}

/// Time in which a plan can be used.
pub(super) const MAX_AGE: Duration = Duration::from_mins(1);
/// Greatest number of plans.
const MAX_PLANS: usize = 32;

#[cfg(test)]
mod tests {
    use lvx_settings::Setting;

    use super::*;
    use crate::http::Scope;

    fn item() -> ControlItem {
        let serial = SerialNumber::new("96132206100410").unwrap();
        ControlItem {
            setting: Setting::ALL[0],
            options: vec!["a".to_owned(), "b".to_owned()],
            values: vec![(serial, Some("a".to_owned()))],
            value: Some("a".to_owned()),
            blocked: None,
        }
    }

    fn access(name: &str) -> Access {
        Access { scope: Scope::Control, name: name.to_owned(), token: None, session: None }
    }

    fn plan(name: &str, item: &ControlItem, to: &str) -> Plan {
        Plan::new(access(name), "garage".parse().unwrap(), item, None, to).unwrap()
    }

    #[test]
    fn plan_is_used_once() {
        let (plans, now) = (Plans::default(), Instant::now());
        let plan = plan("phone", &item(), "b");
        let id = plans.show(plan.clone(), now).unwrap();
        assert_eq!(plans.take(&id, &plan, now), Ok(()));
        assert!(plans.take(&id, &plan, now).is_err());
    }

    #[test]
    fn plan_of_another_client_value_or_time_is_refused() {
        let (plans, now) = (Plans::default(), Instant::now());
        let shown = plan("phone", &item(), "b");
        let mut changed = item();
        changed.values[0].1 = None;
        let other_session = Access { session: Some(Digest::of("x")), ..access("phone") };
        let other_bank = Plan { bank: "attic".parse().unwrap(), ..shown.clone() };
        for (other, later) in [
            (plan("page", &item(), "b"), Duration::ZERO),
            (Plan { access: other_session, ..shown.clone() }, Duration::ZERO),
            (plan("phone", &item(), "a"), Duration::ZERO),
            (plan("phone", &changed, "b"), Duration::ZERO),
            (other_bank, Duration::ZERO),
            (shown.clone(), MAX_AGE),
        ] {
            let id = plans.show(shown.clone(), now).unwrap();
            assert!(plans.take(&id, &other, now + later).is_err(), "{other:?}");
            assert!(plans.take(&id, &shown, now).is_err(), "used up");
        }
    }

    #[test]
    fn impossible_change_has_no_plan() {
        let bank: Name = "garage".parse().unwrap();
        let plan = |item: &ControlItem, from, to| {
            Plan::new(access("phone"), bank.clone(), item, from, to).unwrap_err().text
        };
        let key = item().setting.key();
        assert_eq!(plan(&item(), None, "c"), format!("{key}: expected one of a, b, found \"c\""));
        let text = format!("{key}: expected the present value a, found b");
        assert_eq!(plan(&item(), Some("b"), "b"), text);
        let blocked = ControlItem { blocked: Some("unit-2 does not answer".to_owned()), ..item() };
        assert_eq!(plan(&blocked, None, "b"), format!("{key}: unit-2 does not answer"));
    }

    #[test]
    fn number_of_plans_is_bounded() {
        let (plans, now) = (Plans::default(), Instant::now());
        for _ in 0..100 {
            plans.show(plan("phone", &item(), "b"), now).unwrap();
        }
        assert_eq!(plans.0.lock().unwrap().len(), MAX_PLANS);
    }
}
