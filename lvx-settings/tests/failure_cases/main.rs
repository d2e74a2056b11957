//! Failures while a plan is carried out: edited plans, long waits, torn journals, swapped cables.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

#[path = "../bank/mod.rs"]
mod bank;
mod battery_types;
mod cables;
mod checks;
mod edited;
mod links;
mod numbers;
mod reports;
mod restores;
mod strays;
mod waits;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bank::{
    Fate, STATIC, apply_intercepted, apply_to, bank, client, host, idle_bank, is_set, other,
    plan_for, planned, profile, received,
    recorder::{Hook, Memory, Script},
    run_with, settings_of,
};
use lvx_settings::{
    Action, Apply, ApplyProgress, ApplyReport, Cause, Ending, Group, Journal, ObjectionKind,
    Options, Past, Permissions, Plan, Reason, Record, ResumeMode, Step, Unit, Units,
};
use pi18_proto::{Amperes, ChargerPriority, Decivolts, OutputMode, SolarPriority};
use pi18_transport::{Link, SetOutcome, sim::SharedBank};

fn switch(bank: &SharedBank, unit: usize, switches: &str) {
    bank.with(|bank| switches.split('&').try_for_each(|s| bank.switch(unit, s))).unwrap();
}

/// Carries out a run over links that work again once they are opened again.
fn run_script(bank: &SharedBank, apply: Apply, script: &mut Script) -> ApplyReport {
    let count = apply.plan().units.len();
    let clock = host(&mut client(bank, 0));
    let clients = (0..count).map(|at| client(bank, at)).collect();
    let mut units = Units::new(clients, clock).reopened_by(|unit| {
        bank.with(|bank| bank.reconnect(unit));
        Ok(client(bank, unit))
    });
    lvx_settings::run(apply, &mut units, script)
}
