//! Profiles: settings for units, as a YAML file.
//!
//! A profile states some settings or all of them; settings that it does not state are not changed. It can
//! also name the units that it is for, and hold a battery guard with the range of the battery's cells.
//!
//! | file | content |
//! |---|---|
//! | `document` | the content of a profile, and the places of its keys |
//! | `key`, `field`, `unknown` | the keys, the values of keys that are not settings, hints for unknown keys |
//! | `read` | conversion of the tree to a profile, with all errors at once |
//! | `write`, `schema` | a profile as YAML, and its JSON schema |
//! | `validate` | checks of the values: by themselves, for a unit, for a bank |
//! | `diagnostic` | errors and warnings with underlined places |

pub(crate) mod diagnostic;
mod document;
mod field;
mod key;
mod read;
mod schema;
mod unknown;
mod validate;
mod write;

pub use diagnostic::{
    Diagnostic, DiagnosticKind, DiagnosticSeverity, DiagnosticStyle, Diagnostics, Label,
};
pub use document::{AppliesTo, ParsedProfile, Profile};
pub(crate) use key::{Key, Place, Places};
pub use schema::{ProfileSchema, profile_schema};
pub use validate::{BankDiagnostics, validate, validate_for, validate_for_bank};
