//! `pack-silent`: every battery pack answers on its own port.
//!
//! Packs that are chained by their link ports elect a first one, and the others fall silent on their own ports: this
//! is the most likely cause if a pack falls silent after work on the wiring, so it is named first.
//!
//! Source: stated by owners of LP4 v2 packs: all packs answered again after the chain was removed.

use crate::{
    Finding, FindingKind, Observed, PackSnapshot, Reason, Severity, context::Context,
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pack-silent",
    "a battery pack could not be read",
    "stated by owners of EG4 LifePower4 v2 packs: chained packs fall silent on their own ports",
    &[&SILENT, &GONE, &UNREADABLE, &OLD],
    check,
);

const WHY: &str = "cells, temperatures and protections of this pack were not judged";

static SILENT: FindingKind = FindingKind::new(
    Severity::Warning,
    "a pack did not answer on its port",
    WHY,
    &[
        "look for cables between the link ports of the packs, and pull them: packs in a chain fall silent on their \
         own ports, and all answer again without it",
        "look whether the pack is on, and whether its adapter is plugged into its RS485 port",
        "check speed and address of the pack: 9600 baud and 64 if all its address switches are on",
    ],
);

static GONE: FindingKind = FindingKind::new(
    Severity::Warning,
    "the port of a pack could not be opened, or disappeared",
    WHY,
    &["check the adapter of the pack at the computer, and whether another program uses it"],
);

static UNREADABLE: FindingKind = FindingKind::new(
    Severity::Warning,
    "a pack sent a reply that cannot be read, or refused the request",
    WHY,
    &["check the address of the pack, and whether its model is one with this protocol"],
);

static OLD: FindingKind = FindingKind::new(
    Severity::Warning,
    "the measurements of a pack are older than max_age",
    WHY,
    &["read the packs again"],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let packs = context.packs();
    let missing: Vec<_> = packs.iter().filter_map(|pack| Some((*pack, kind(pack)?))).collect();
    let kinds = [
        (&SILENT, "silent: chained packs fall silent on their own ports"),
        (&GONE, "without a port"),
        (&UNREADABLE, "not readable"),
        (&OLD, "not read recently"),
    ];
    let finding = |(kind, what): (&'static FindingKind, &str)| {
        let found = missing.iter().filter(|(_, other)| *other == kind);
        let values: Vec<_> = found
            .map(|(pack, _)| Observed::of_pack(pack, pack.missing().unwrap_or_default()))
            .collect();
        if values.is_empty() {
            return None;
        }
        let count = values.len();
        let verb = if count == 1 { "is" } else { "are" };
        let what = format!("{count} of {} battery packs {verb} {what}", packs.len());
        Some(RULE.report(kind, what, values))
    };
    kinds.into_iter().filter_map(finding).collect()
}

/// Returns the kind of finding about a pack; `None` if it was read, or answered for a chain.
fn kind(pack: &PackSnapshot) -> Option<&'static FindingKind> {
    if pack.live.is_some() || pack.is_aggregate {
        return None;
    }
    Some(match pack.lost.as_ref()?.reason {
        Reason::Silent => &SILENT,
        Reason::Refused | Reason::Unreadable => &UNREADABLE,
        Reason::Old => &OLD,
        _ => &GONE,
    })
}
