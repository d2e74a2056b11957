//! Settings of PI18 inverters (LVX6048, InfiniSolar V and relatives): read them, check them, and change
//! them safely on one unit or on all units of a bank.
//!
//! A unit is one inverter. Units that share a battery and feed the same loads, in parallel or one per
//! phase, are a bank. A site is an installation: its units and its battery.
//!
//! # Overview
//!
//! - [`Unit::read`] reads the state of a unit over a [`Client`](pi18_transport::Client). A [`Setting`]
//!   names something that can be set, such as the bulk voltage; a [`SettingValue`] is its value, and
//!   [`Settings`] hold the values of several settings.
//! - A [`Profile`] states settings in YAML. [`Profile::parse`] reports syntax errors and unknown keys;
//!   [`validate`], [`validate_for`] and [`validate_for_bank`] check the values. All return
//!   [`Diagnostics`], which underline every mistake in the text.
//! - [`Limits`] are the values that a unit accepts, each with its source. [`broken_rules`] returns the
//!   rules that settings break together, such as a float voltage above the bulk voltage.
//! - A [`Battery`] is a battery guard: chemistry, number of cells in series, and the voltage range of a
//!   cell. Charge voltages outside the range are not written. Without a complete guard none are written,
//!   unless [`Permissions::no_battery_guard`] is set. A guard may name its [`Packs`], from whose
//!   [`PackLimits`] it then follows.
//! - A [`Plan`] has the writes for all units, in an order in which no step breaks a rule. It can be saved
//!   as JSON and carried out later.
//! - [`Apply`] carries out a plan over [`Units`]. It records each write in a [`Journal`] before it sends it, verifies it
//!   by reading the setting back, and undoes all writes if one fails. A write without a reply is sent
//!   again only while the unit still shows the old values. `Apply` is a state machine without I/O;
//!   [`run`] drives it over real links.
//!
//! - An [`ApplyReport`] states how the run ended. Its [`Reason`] names the unit, the group and the [`Cause`] of a
//!   failure; [`Objection`] and [`PlanWarning`] are what a person should read before a run.
//!
//! Only [`run`], or your own driver that carries out [`Action::Write`], writes to units.
//!
//! # From a profile to a plan
//!
//! `sim:0` and `sim:1` are two virtual units of `pi18-transport` (feature `sim`). With hardware, use
//! addresses such as `/dev/hidraw0`. The [`HostClock`] is this computer's clock, to which the clocks of
//! the units are compared. The default [`Permissions`] allow no installation settings.
//!
//! ```
//! use lvx_settings::{HostClock, Permissions, Plan, Profile, Unit};
//! use pi18_transport::Client;
//!
//! let profile = Profile::parse("bank.yaml", "
//! battery: {chemistry: lfp, cells: 16, max_cell_voltage: 3.60 V, min_cell_voltage: 2.80 V}
//! bulk_voltage: 56.0 V
//! ")?;
//! let host = HostClock::system();
//! let mut units = Vec::new();
//! for address in ["sim:0", "sim:1"] {
//!     units.push((address.to_owned(), Unit::read(&mut Client::open(address)?, &host)?));
//! }
//! let plan = Plan::for_profile(profile.profile(), units, &Permissions::default())?;
//! assert_eq!(plan.steps.len(), 2);
//! let text = plan.to_string();
//! assert!(text.starts_with("  1  96132206100410  MCHGV   bulk_voltage 56.4 V -> 56.0 V"), "{text}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`run`] carries out the plan; its documentation has a program.
//!
//! If a plan cannot be made, the error lists all obstacles at once. Here, a charge voltage has no battery
//! guard, the output mode is not permitted, and the other unit of the bank is missing:
//!
//! ```
//! use lvx_settings::{HostClock, ObstacleKind, Permissions, Plan, Profile, Unit};
//! use pi18_transport::Client;
//!
//! let profile = Profile::parse("bank.yaml", "float_voltage: 57 V\noutput_mode: single\n")?;
//! let unit = Unit::read(&mut Client::open("sim:0")?, &HostClock::system())?;
//! let units = [("sim:0".to_owned(), unit)];
//! let obstacles =
//!     Plan::for_profile(profile.profile(), units, &Permissions::default()).unwrap_err();
//! let kinds: Vec<_> = obstacles.iter().map(|obstacle| obstacle.kind).collect();
//! assert!(kinds.contains(&ObstacleKind::NoBatteryGuard));
//! assert!(kinds.contains(&ObstacleKind::Installation));
//! assert!(kinds.contains(&ObstacleKind::PartOfBank));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Three kinds of settings
//!
//! One command writes one or two settings, its [`Group`]. The [risk](Group::risk) of the group decides
//! what a plan requires:
//!
//! - Everyday settings, such as priorities, time windows and the backlight, require no permission.
//! - Battery settings, such as charge voltages and currents, must fit the battery guard.
//! - Installation settings, such as the output mode, can interrupt the loads or stop a bank. Each must be
//!   named in [`Permissions::allow_installation`].
//!
//! Twelve settings ([`Setting::AGREEING`]) must be equal on all units of a bank. A plan that changes them
//! on some units only is refused unless [`Permissions::part_of_bank`] is set.
//!
//! # Features
//!
//! With `tracing`, each write, its verification, each undo and the end of a run is an event with the target
//! `lvx_settings`.
//!
//! # Files
//!
//! | file | type | format |
//! |---|---|---|
//! | profile | [`Profile`] | YAML, for people; [`profile_schema`] helps editors |
//! | battery guard of a site | [`Battery`] | YAML, the keys under `battery` in a profile |
//! | plan | [`Plan`] | JSON, `"format": "lvx-plan-1"` |
//! | journal of a run | written by [`Journal`], read by [`Past`] | JSON lines, `"format": "lvx-journal-1"` |
//!
//! Plans and journals may have fields of later versions, which are ignored, except in the battery guard: a limit
//! that this version does not know is an error. In a profile, every unknown key is an error.
//!
//! [`yaml`] is the reader of profiles for other files that people write: [`Diagnostics`] for their mistakes.
//!
//! Files name settings by their [keys](Setting::key), such as `max_charge_current`. The keys are the field
//! names of `pi18-proto`. Former keys ([`Setting::aliases`]) are still read.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod apply;
mod error;
mod model;
mod plan;
mod profile;
pub mod yaml;

pub use apply::{
    Action, Apply, ApplyProgress, ApplyReport, Audit, Cause, Clock, Command, Ending, Event, Hooks,
    Journal, Objection, ObjectionKind, Options, Past, PendingCorrection, Reason, Record, Recorder,
    RefusalCause, ResumeMode, RunDirection, SettingReport, SettingState, Stray, StrayCause,
    StrayReport, Trouble, UnitReport, Units, Write, run,
};
pub use error::Error;
pub use model::{
    Allowed, Battery, BrokenRule, Chemistry, ClockOffset, Code, Difference, Group, GuardError,
    HostClock, Limit, LimitError, Limits, Millivolts, OutputModeConflict, PackLimitInfo,
    PackLimits, PackModel, PackOverrides, Packs, ParseError, Setting, SettingValue, Settings,
    Shape, Unit, ValueError, Window, are_phases, broken_rules, output_mode_conflict,
};
pub use plan::{
    LeftOut, Obstacle, ObstacleKind, Obstacles, Permissions, Plan, PlanWarning, PlanWarningKind,
    PlannedUnit, Step,
};
pub use profile::{
    AppliesTo, BankDiagnostics, Diagnostic, DiagnosticKind, DiagnosticSeverity, DiagnosticStyle,
    Diagnostics, Label, ParsedProfile, Profile, ProfileSchema, profile_schema, validate,
    validate_for, validate_for_bank,
};

/// Holds the README, so that its program is compiled and run as a doctest.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
