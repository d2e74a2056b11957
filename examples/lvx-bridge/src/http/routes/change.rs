//! Routes that change settings, in two steps: a plan, and the change that carries its digest.

use axum::{Extension, Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value as Json_, json};
use tokio::sync::oneshot;

use super::{body::Body, place::Place, write::received};
use crate::{
    Request, Snapshot,
    control::{Command, ControlItem},
    http::{
        Refusal,
        access::Access,
        app::{self, Shared},
        digest::random_hex,
        document,
        plan::{MAX_AGE, Plan},
        policy::Visitor,
    },
};

/// Body of a request for a plan.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// Value that the client saw.
    #[serde(default)]
    from: Option<String>,
    /// New value.
    to: String,
}

/// Body of a change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// Value that the client saw.
    #[serde(default)]
    from: Option<String>,
    /// New value.
    to: String,
    /// Digest of the plan.
    plan: String,
}

/// Answers with what would be written. Nothing is written.
pub(super) async fn plan(
    State(app): State<Shared>,
    Extension(access): Extension<Option<Access>>,
    place: Place,
    Body(wish): Body<Wish>,
) -> Result<Json<Json_>, Refusal> {
    let now = app::now();
    let bank = place.bank(&app)?.handle.snapshot();
    let plan = planned(&bank, access, &place, wish.from.as_deref(), &wish.to)?;
    let names =
        |serial| bank.units.iter().find(|unit| unit.serial == serial).map(|unit| &unit.name);
    let units: Vec<_> = plan
        .values
        .iter()
        .map(|(serial, from)| json!({ "name": names(*serial), "serial": serial, "from": from, "to": plan.to }))
        .collect();
    let mut answer = json!({
        "key": plan.key,
        "to": plan.to,
        "units": units,
        "expires": document::unix(now.wall + MAX_AGE),
    });
    let digest = app.plans.show(plan, now.instant)?;
    if let Some(members) = answer.as_object_mut() {
        members.insert("plan".to_owned(), digest.into());
    }
    Ok(Json(answer))
}

/// Sends a change whose plan was shown to the core. Its progress and result are in the document of the bank.
pub(super) async fn change(
    State(app): State<Shared>,
    Extension(access): Extension<Option<Access>>,
    Extension(visitor): Extension<Visitor>,
    place: Place,
    Body(change): Body<Change>,
) -> Result<(StatusCode, Json<Json_>), Refusal> {
    let now = app::now();
    let feed = place.bank(&app)?;
    let bank = feed.handle.snapshot();
    let id = random_hex()?;
    let mut command = Command {
        id: id.clone(),
        key: place.part("key")?.to_owned(),
        from: change.from,
        seen: Vec::new(),
        to: change.to,
        by: principal(access.as_ref(), &visitor),
        expires: Some(now.wall + MAX_AGE),
    };
    let taken = planned(&bank, access, &place, command.from.as_deref(), &command.to)
        .and_then(|plan| app.plans.take(&change.plan, &plan, now.instant).map(|()| plan.values));
    command.seen = match taken {
        Ok(values) => values,
        Err(refusal) => {
            feed.handle.record_refusal(command, &refusal.text);
            return Err(refusal);
        }
    };
    tracing::info!(target: "lvx::audit", by = command.by, id, key = command.key, to = command.to, "change");
    // The common value that the plan showed.
    command.from.clone_from(&value(&bank, &place)?.value);
    let (reply, answer) = oneshot::channel();
    feed.handle.send(Request::Control { command, reply })?;
    received(answer).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id }))))
}

/// Returns who asks: the name of the token, and the address.
fn principal(access: Option<&Access>, visitor: &Visitor) -> String {
    let name = access.map_or("nobody", |access| access.name.as_str());
    match visitor.ip {
        Some(ip) => format!("{name} at {ip}"),
        None => format!("{name} on the Unix socket"),
    }
}

/// Makes the plan of a change.
fn planned(
    bank: &Snapshot,
    access: Option<Access>,
    place: &Place,
    from: Option<&str>,
    to: &str,
) -> Result<Plan, Refusal> {
    let access =
        access.ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, "expected a token"))?;
    Plan::new(access, bank.bank.clone(), value(bank, place)?, from, to)
}

/// Returns the setting that the path names.
fn value<'bank>(bank: &'bank Snapshot, place: &Place) -> Result<&'bank ControlItem, Refusal> {
    let key = place.part("key")?;
    let item = bank.control.items.iter().find(|item| item.setting.key() == key);
    item.ok_or_else(|| {
        let known: Vec<_> = bank.control.items.iter().map(|item| item.setting.key()).collect();
        let text = if known.is_empty() {
            "control is off; name settings under control.allow in the configuration".to_owned()
        } else {
            format!("expected one of {}, found {key:?}", known.join(", "))
        };
        Refusal::new(StatusCode::NOT_FOUND, text)
    })
}
