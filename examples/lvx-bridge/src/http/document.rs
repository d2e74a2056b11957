//! The JSON of a bank.

use std::time::{Duration, Instant};

use jiff::{Timestamp, tz::TimeZone};
use lvx_parallel::Gap;
use serde_json::{Map, Value as Json, json};

use super::patch::without_nulls;
use crate::{
    Now, Snapshot,
    alert::Alert,
    control::{CommandView, ControlItem},
    entity::{self, Entity, Kind},
    state::{Held, LinkState, LinkView, PackView, UnitView, Value},
    verdict::Verdict,
};

/// Version of the API, which increases when a member changes its meaning or is removed.
pub(super) const API: u32 = 1;

/// Converts monotonic times to Unix seconds with one offset, so that the same moment is always the same number, until
/// the wall clock was set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Now);

impl Clock {
    /// Starts with the present time.
    pub(super) fn new(now: Now) -> Self {
        Self(now)
    }

    /// Takes over the wall clock if it was set.
    pub(super) fn adjust(&mut self, now: Now) {
        let expected = self.0.wall + now.instant.saturating_duration_since(self.0.instant);
        if now.wall.duration_since(expected).unsigned_abs() > MAX_DRIFT {
            *self = Self(now);
        }
    }

    /// Returns a moment in Unix seconds, in steps of a tenth.
    pub(super) fn unix(&self, at: Instant) -> Json {
        let Now { instant, wall } = self.0;
        let wall = match at.checked_duration_since(instant) {
            Some(later) => wall.checked_add(later),
            None => wall.checked_sub(instant.saturating_duration_since(at)),
        };
        wall.map_or(Json::Null, unix)
    }
}

/// Returns the whole document of a bank, without its sequence number. Members that are not known are left out.
pub(super) fn bank(bank: &Snapshot, now: Now, clock: &Clock) -> Json {
    let verdict = Verdict::of(bank, now);
    let units: Map<_, _> = (1..)
        .zip(&bank.units)
        .map(|(number, view)| (view.serial.to_string(), unit(number, view, now, clock)))
        .collect();
    let (raised, cleared): (Vec<_>, Vec<_>) =
        bank.alerts.iter().partition(|alert| alert.is_raised());
    let mut document = json!({
        "api": API,
        "now": unix(now.wall),
        "utc_offset": TimeZone::system().to_offset(now.wall).seconds(),
        "time_zone": TimeZone::system().iana_name(),
        "site": bank.site,
        "bank": { "name": bank.bank, "units": bank.units.len() },
        "bridge": {
            "state": if bank.findings.is_some() { "running" } else { "starting" },
            "version": env!("CARGO_PKG_VERSION"),
            "session": bank.session,
            "since": unix(bank.started.wall),
        },
        "verdict": {
            "level": verdict.level,
            "title": verdict.title,
            "detail": verdict.detail,
            "step": verdict.step,
            "finding": verdict.finding,
            "since": unix(verdict.since),
        },
        "values": values(entity::BANK.iter().map(|row| value_json(row, row.value(bank, now), now, None))),
        "order": bank.units.iter().map(|unit| unit.serial).collect::<Vec<_>>(),
        "units": units,
        "judged_at": bank.judged_at.map(|at| clock.unix(at)),
        "findings": raised.into_iter().map(finding).collect::<Vec<_>>(),
        "cleared": cleared.into_iter().map(finding).collect::<Vec<_>>(),
        "settings": {
            "control": !bank.control.items.is_empty(),
            "items": bank.control.items.iter().map(item).collect::<Vec<_>>(),
        },
        "command": bank.control.command.as_ref().map(command),
        "results": bank.control.results.iter().map(command).collect::<Vec<_>>(),
    });
    if let (Json::Object(members), false) = (&mut document, bank.packs.is_empty()) {
        let packs = (1..).zip(&bank.packs);
        let packs: Map<_, _> = packs
            .map(|(number, view)| (view.name.to_string(), pack(number, view, now, clock)))
            .collect();
        members.insert("packs".to_owned(), packs.into());
    }
    without_nulls(&mut document);
    document
}

/// Returns the settings of a bank.
pub(super) fn settings(bank: &Snapshot) -> Json {
    let mut settings = json!({
        "control": !bank.control.items.is_empty(),
        "items": bank.control.items.iter().map(item).collect::<Vec<_>>(),
        "command": bank.control.command.as_ref().map(command),
        "results": bank.control.results.iter().map(command).collect::<Vec<_>>(),
    });
    without_nulls(&mut settings);
    settings
}

/// Returns an entry of the list of banks.
pub(super) fn summary(bank: &Snapshot, now: Now) -> Json {
    let verdict = Verdict::of(bank, now);
    json!({
        "site": bank.site,
        "name": bank.bank,
        "units": bank.units.len(),
        "level": verdict.level,
        "title": verdict.title,
    })
}

/// Returns the table of values: what each key means.
pub(super) fn entities() -> Json {
    fn row<T>(row: &Entity<T>) -> (String, Json) {
        let kind = match row.kind {
            Kind::Measurement => "measurement",
            Kind::Number => "number",
            Kind::Counter => "counter",
            Kind::Daily => "daily",
            Kind::Enum => "enum",
            Kind::Flag => "flag",
            Kind::Text => "text",
        };
        let entry =
            json!({ "name": row.name, "unit": row.unit, "decimals": row.decimals, "kind": kind });
        (row.key.to_owned(), entry)
    }
    json!({
        "unit": entity::UNIT.iter().map(row).collect::<Map<_, _>>(),
        "pack": entity::PACK.iter().map(row).collect::<Map<_, _>>(),
        "bank": entity::BANK.iter().map(row).collect::<Map<_, _>>(),
    })
}

fn unit(number: usize, unit: &UnitView, now: Now, clock: &Clock) -> Json {
    let rows =
        entity::UNIT.iter().map(|row| value_json(row, row.value(unit, now), now, Some(clock)));
    json!({
        "n": number,
        "name": unit.name,
        "serial": unit.serial,
        "link": link(&unit.link),
        "groups": unit.held.iter().map(|held| group(held, now, clock)).collect::<Map<_, _>>(),
        "values": values(rows),
        "energy": unit.energy,
    })
}

/// Returns a battery pack.
fn pack(number: usize, pack: &PackView, now: Now, clock: &Clock) -> Json {
    let rows =
        entity::PACK.iter().map(|row| value_json(row, row.value(pack, now), now, Some(clock)));
    json!({
        "n": number,
        "name": pack.name,
        "link": link(&pack.link),
        "values": values(rows),
    })
}

/// Returns the link to a unit or pack.
fn link(link: &LinkView) -> Json {
    let (state, why, retry_at) = match &link.state {
        LinkState::Starting => ("starting", None, None),
        LinkState::Up => ("up", None, None),
        LinkState::Down { why, retry_at } => ("down", Some(why), *retry_at),
    };
    json!({
        "state": state,
        "address": link.address,
        "since": unix(link.since),
        "why": why,
        "retry_at": retry_at.map(unix),
        "latency_ms": link.latency.map(|latency| rounded(latency.as_secs_f64() * 1e3, 10.0)),
        "counts": link.counts,
    })
}

/// Returns the state of a question.
fn group(held: &Held, now: Now, clock: &Clock) -> (String, Json) {
    let at = held.reply.as_ref().map(|(_, at)| *at);
    let is_fresh = at.is_some_and(|at| now.instant.saturating_duration_since(at) <= held.max_age);
    let status = match (is_fresh, &held.failure, at) {
        (true, ..) => "fresh",
        (false, Some(_), _) => "failed",
        (false, None, Some(_)) => "stale",
        (false, None, None) => "absent",
    };
    let group = json!({
        "what": held.query.info().summary,
        "status": status,
        "at": at.map(|at| clock.unix(at)),
        "limit": rounded(held.max_age.as_secs_f64(), 10.0),
        "why": held.failure.as_ref().map(reason),
    });
    (held.question().into_owned(), group)
}

fn values(rows: impl Iterator<Item = (String, Json)>) -> Map<String, Json> {
    rows.collect()
}

/// Returns the key of a row, and its value: the status, the value if there is one, and the time at which it was read. Values
/// of a bank have none: they are computed from many answers.
fn value_json<T>(row: &Entity<T>, value: Value, now: Now, clock: Option<&Clock>) -> (String, Json) {
    let status = value.status();
    let json = match value {
        Value::Fresh { datum, age } | Value::Stale { datum, age } => {
            // A value that is computed for each document has no time of its own.
            let at = now.instant.checked_sub(age).filter(|_| !age.is_zero());
            let at = at.zip(clock).map(|(at, clock)| clock.unix(at));
            json!({ "status": status, "value": row.json(&datum), "at": at })
        }
        Value::Absent => json!({ "status": status }),
        Value::Failed(gap) => json!({ "status": status, "why": reason(&gap) }),
    };
    (row.key.to_owned(), json)
}

/// Returns why there is no answer.
fn reason(gap: &Gap) -> Json {
    if gap.text.is_empty() { json!(gap.reason) } else { json!(gap.text) }
}

fn finding(alert: &Alert) -> Json {
    let acknowledged = alert.acknowledged.as_ref();
    let mut finding = json!({
        "id": alert.id,
        "rule": alert.rule,
        "level": alert.severity,
        "title": alert.title,
        "why": alert.why,
        "do": alert.advice,
        "values": alert.values,
        "units": alert.units,
        "since": unix(alert.since),
        "raised": unix(alert.raised),
        "cleared": alert.cleared.map(unix),
        "ack": acknowledged.map(|ack| json!({ "by": ack.by, "at": unix(ack.at) })),
    });
    // Members of arrays are compared as a whole, but a reader expects the same rule everywhere.
    without_nulls(&mut finding);
    finding
}

fn item(item: &ControlItem) -> Json {
    let values: Map<_, _> =
        item.values.iter().map(|(serial, value)| (serial.to_string(), json!(value))).collect();
    let mut item = json!({
        "key": item.setting.key(),
        "label": item.setting.label(),
        "options": item.options,
        "value": item.value,
        "values": values,
        "blocked": item.blocked,
    });
    without_nulls(&mut item);
    item
}

fn command(command: &CommandView) -> Json {
    let units: Map<_, _> =
        command.units.iter().map(|(serial, text)| (serial.to_string(), json!(text))).collect();
    let mut command = json!({
        "id": command.id,
        "key": command.key,
        "from": command.from,
        "to": command.to,
        "by": command.by,
        "at": unix(command.at),
        "state": command.state,
        "why": command.why,
        "units": units,
    });
    without_nulls(&mut command);
    command
}

/// Returns a time in Unix seconds, in steps of a tenth.
pub(super) fn unix(at: Timestamp) -> Json {
    rounded(at.as_duration().as_secs_f64(), 10.0).into()
}

fn rounded(number: f64, steps: f64) -> f64 {
    (number * steps).round() / steps
}

/// Difference of the clocks from which the wall clock was set, rather than that it drifted.
const MAX_DRIFT: Duration = Duration::from_secs(1);
