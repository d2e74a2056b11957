//! The configuration of a bridge.

mod model;
mod secret;

pub use self::{
    model::{
        AlertConfig, BankConfig, Config, ControlConfig, HomeAssistantConfig, HookConfig,
        HttpConfig, LeaseConfig, MqttConfig, PollConfig, Resume, TlsConfig, UnitConfig,
    },
    secret::Secret,
};
