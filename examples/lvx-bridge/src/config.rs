//! The configuration of a bridge: a YAML file.
//!
//! | file | content |
//! |---|---|
//! | `model` | what can be configured |
//! | `keys`, `form` | the keys of the file, one row each; the forms of their values |
//! | `check`, `build` | a file as a [`Config`], with all mistakes at once |
//! | `schema`, `reference` | the JSON schema for editors, and the reference for people |
//! | `file` | files whose owner and mode are checked, and secrets |
//! | `change` | what a reload may change |

mod build;
mod change;
mod check;
mod file;
mod form;
mod keys;
mod model;
mod reference;
mod schema;
mod secret;
#[cfg(test)]
mod tests;

pub(crate) use self::file::read_key;
pub use self::{
    build::ReadSecret,
    change::{Change, changes},
    file::{ConfigFile, FileError, read_secret},
    model::{
        AlertConfig, BankConfig, Config, ControlConfig, HistoryConfig, HomeAssistantConfig,
        HookConfig, HttpConfig, LeaseConfig, MqttConfig, PackConfig, PollConfig, Resume, TlsConfig,
        UnitConfig,
    },
    reference::reference,
    schema::schema,
    secret::Secret,
};
