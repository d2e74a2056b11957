//! Settings of PI18 inverters (LVX6048, InfiniSolar V and relatives): read them, check them, and change
//! them safely on one unit or on all units of a parallel bank.
//!
//! # Overview
//!
//! - [`Unit::read`] reads the state of a unit over a [`Client`](pi18_transport::Client). A [`Setting`]
//!   names one value of it, a [`SettingValue`] is that value, and [`Settings`] are several of them.
//! - A [`Profile`] states settings in YAML. [`validate`], [`validate_for`] and [`validate_for_bank`]
//!   return [`Diagnostics`], which underline every mistake in the text.
//! - [`Limits`] are the values that a unit accepts, each with its source. [`broken_rules`] returns the
//!   rules that settings break together, such as a float voltage above the bulk voltage.
//! - A [`Battery`] is a guard with the range of the battery's cells. Charge voltages are written only
//!   under a complete guard, or with an explicit waiver in [`Permissions`].
//! - A [`Plan`] is an order of writes in which no step breaks a rule. It is a file (JSON).
//! - [`Apply`] carries out a plan. It announces each write in a [`Journal`], sends it once, verifies it by
//!   reading it back, and undoes all writes if one fails. It is a state machine without I/O; [`run`]
//!   drives it over real links.
//!
//! Only [`run`] writes to units, or a driver of yours that carries out [`Action::Write`].
//!
//! # From a profile to a plan
//!
//! `sim:0` and `sim:1` are the virtual bank of `pi18-transport` (feature `sim`): two units that need no
//! hardware. With an address such as `/dev/hidraw0` the program is the same.
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
//! If a plan cannot be made, the error lists all obstacles at once:
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
//! The [`Group`] of a setting tells its [risk](Group::risk):
//!
//! - Everyday settings, such as priorities, windows and the backlight, need no permission.
//! - Battery settings, such as charge voltages and currents, must fit the battery guard.
//! - Installation settings, such as the output mode, can take down a load or break a bank. Each must be
//!   named in [`Permissions::allow_installation`].
//!
//! Twelve settings ([`Setting::AGREEING`]) must be equal on all units of a bank. A plan changes them on
//! all units, or is refused unless [`Permissions::part_of_bank`] is set.
//!
//! # Files
//!
//! | file | type | format |
//! |---|---|---|
//! | profile | [`Profile`] | YAML, for people; [`profile_schema`] helps editors |
//! | battery guard of a site | [`Battery`] | YAML, the keys under `battery` in a profile |
//! | plan | [`Plan`] | JSON, `"format": "lvx-plan-1"` |
//! | journal | [`Journal`], [`Past`] | JSON lines, `"format": "lvx-journal-1"` |
//!
//! Files use the keys of settings, which are the field names of `pi18-proto`, such as
//! `max_charge_current`. Former keys ([`Setting::aliases`]) are still read.

mod apply;
mod error;
mod model;
mod plan;
mod profile;

pub use apply::{
    Action, Apply, ApplyProgress, ApplyReport, Audit, Clock, Command, Ending, Event, Journal,
    Options, Past, PendingCorrection, Record, Recorder, ResumeMode, RunDirection, SettingReport,
    SettingState, Stray, StrayCause, StrayReport, Trouble, UnitReport, Units, Write, run,
};
pub use error::Error;
pub use model::{
    Allowed, Battery, BrokenRule, Chemistry, ClockOffset, Code, Difference, Group, GuardError,
    HostClock, Limit, LimitError, Limits, Millivolts, OutputModeConflict, Setting, SettingValue,
    Settings, Shape, Unit, ValueError, Window, are_phases, broken_rules, output_mode_conflict,
};
pub use plan::{LeftOut, Obstacle, ObstacleKind, Obstacles, Permissions, Plan, PlannedUnit, Step};
pub use profile::{
    AppliesTo, BankDiagnostics, Diagnostic, DiagnosticSeverity, DiagnosticStyle, Diagnostics,
    Label, ParsedProfile, Profile, profile_schema, validate, validate_for, validate_for_bank,
};

/// Compiles and runs the program in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
