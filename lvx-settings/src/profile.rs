//! Profiles: settings for units, as a YAML file.
//!
//! A profile states some settings or all of them; settings that it does not state are left alone. It can
//! also name the units that it is for, and hold a battery guard: what the cells of the battery endure.

pub(crate) mod diagnostic;
mod document;
mod field;
mod key;
mod read;
mod schema;
mod tree;
mod unknown;
mod validate;
mod write;

pub use diagnostic::{Diagnostic, DiagnosticSeverity, DiagnosticStyle, Diagnostics, Label};
pub use document::{AppliesTo, ParsedProfile, Profile};
pub(crate) use key::{Key, Place, Places};
pub use schema::profile_schema;
pub use validate::{BankDiagnostics, validate, validate_for, validate_for_bank};
