//! The settings of PI18 inverters: what can be set, within which limits, and how to get there safely.
//!
//! - A [`Setting`] is something that can be read and set, a [`SettingValue`] what it can hold, [`Settings`]
//!   some of them together. One table says where each is read, what writes it and what a profile
//!   calls it.
//! - A [`Unit`] is what a unit says of itself. Its [`Limits`] say what it can be set to, and who says
//!   so; [`broken`] names the rules that settings break together.
//! - A [`Profile`] is what somebody wants, as YAML; [`validate_for`] tells what is wrong with it, each
//!   place underlined.
//! - A [`Battery`] is a guard: no voltage is written that its cells do not take. Charge voltages are
//!   written only under a complete one, of the profile or of the site, or with an explicit waiver in
//!   [`Permissions`].
//! - A [`Plan`] is an order of writes in which every state is sound. It is a file (JSON).
//! - [`Apply`] carries a plan out: it announces each write in a [`Journal`], sends it once, proves it by
//!   reading back, and undoes everything if something goes wrong. It is a state machine without I/O;
//!   [`run`] drives it over real links.
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
//! let shown = plan.to_string();
//! assert!(shown.starts_with("  1  96132206100410  MCHGV   bulk_voltage 56.4 V -> 56.0 V"), "{shown}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing here writes to a unit but [`run`], and whatever else carries out an [`Action::Write`].

mod apply;
mod error;
mod model;
mod plan;
mod profile;

pub use apply::{
    Action, Apply, ApplyProgress, ApplyReport, Astray, Audit, Clock, Command, Ending, Event,
    Journal, Options, Owed, Past, Record, Recorder, ResumeMode, RunDirection, SettingReport,
    SettingState, Stray, StrayReport, Trouble, UnitReport, Units, Write, run,
};
pub use error::Error;
pub use model::{
    Allowed, Battery, Broken, Chemistry, ClockOffset, Code, Difference, Group, GuardError,
    HostClock, Limit, LimitError, Limits, Millivolts, OutputModeConflict, Setting, SettingValue,
    Settings, Shape, Unit, ValueError, Window, are_phases, broken, output_mode_conflict,
};
pub use plan::{LeftOut, Obstacle, ObstacleKind, Obstacles, Permissions, Plan, PlannedUnit, Step};
pub use profile::{
    AppliesTo, BankDiagnostics, Diagnostic, DiagnosticSeverity, DiagnosticStyle, Diagnostics,
    Label, ParsedProfile, Profile, profile_schema, validate, validate_for, validate_for_bank,
};
