//! Which entities were published, for their removal after they leave the configuration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::device::Device;
use crate::storage::Storage;

/// Platforms of all entities that were ever published, by device and key.
///
/// A device that is not in the bank any more is forgotten: an empty payload removes it with all its entities.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Published(BTreeMap<String, BTreeMap<String, Platform>>);

/// Platforms that the bridge uses.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Platform {
    Sensor,
    BinarySensor,
    Select,
    Button,
}

impl Platform {
    const ALL: [Self; 4] = [Self::Sensor, Self::BinarySensor, Self::Select, Self::Button];

    const fn name(self) -> &'static str {
        match self {
            Self::Sensor => "sensor",
            Self::BinarySensor => "binary_sensor",
            Self::Select => "select",
            Self::Button => "button",
        }
    }
}

impl Published {
    /// Loads the set. If it cannot be read, nothing was published: old entities then stay until someone deletes them.
    pub(super) fn load(storage: &dyn Storage, file: &str) -> Self {
        let read = || -> Result<Self, Box<dyn std::error::Error>> {
            let content = storage.load(file)?;
            Ok(content.map_or_else(|| Ok(Self::default()), |text| serde_json::from_slice(&text))?)
        };
        read().unwrap_or_else(|error| {
            tracing::warn!(
                "home assistant: {file} cannot be read: {error}; entities that left the configuration stay in Home \
                 Assistant"
            );
            Self::default()
        })
    }

    /// Saves the set.
    pub(super) fn save(&self, storage: &dyn Storage, file: &str) {
        let result =
            serde_json::to_vec(self).map_err(Into::into).and_then(|text| storage.save(file, &text));
        if let Err(error) = result {
            tracing::warn!("home assistant: {file} cannot be written: {error}");
        }
    }

    /// Adds the entities of devices, and forgets other devices. Returns whether the set has changed.
    pub(super) fn add(&mut self, devices: &[Device]) -> bool {
        let before = self.clone();
        self.0.retain(|id, _| devices.iter().any(|device| device.id == *id));
        for device in devices {
            let keys = self.0.entry(device.id.clone()).or_default();
            for (key, component) in &device.components {
                let name = component.get("platform").and_then(|name| name.as_str());
                let platform = Platform::ALL.into_iter().find(|it| Some(it.name()) == name);
                keys.extend(platform.map(|platform| (key.clone(), platform)));
            }
        }
        *self != before
    }

    /// Returns key and platform of all entities of a device that were ever published.
    pub(super) fn of(&self, id: &str) -> impl Iterator<Item = (&str, &'static str)> {
        let keys = self.0.get(id).into_iter().flatten();
        keys.map(|(key, platform)| (key.as_str(), platform.name()))
    }
}
