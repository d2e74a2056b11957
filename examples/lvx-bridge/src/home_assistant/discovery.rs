//! Makes the payloads of all devices of a bank.

use std::{fmt, sync::Arc, time::Duration};

use super::{device, published::Published, select::Controls};
use crate::{Snapshot, config::HomeAssistantConfig, mqtt::Topics, storage::Storage};

/// Makes the discovery payloads of one bank.
pub struct Discovery {
    config: HomeAssistantConfig,
    controls: Controls,
    expire_after: Duration,
    storage: Arc<dyn Storage>,
    published: Option<Published>,
}

impl Discovery {
    /// Creates a maker of payloads. Home Assistant shows a live value as unavailable if no message has arrived for
    /// `expire_after`. `storage` keeps the set of entities that were published.
    #[must_use]
    pub fn new(
        config: HomeAssistantConfig,
        controls: Controls,
        expire_after: Duration,
        storage: Arc<dyn Storage>,
    ) -> Self {
        Self { config, controls, expire_after, storage, published: None }
    }

    /// Returns topic and payload of each device: the bank first, because the units name it. They are retained, with
    /// quality of service 1.
    ///
    /// An entity that was published earlier, and is not in the configuration any more, has a stub in its place. A
    /// select has none while its setting may be changed: its options are not known before the units were read, and a
    /// stub would delete it from Home Assistant at each start of the bridge.
    pub fn payloads(&mut self, snapshot: &Snapshot, topics: &Topics) -> Vec<(String, Vec<u8>)> {
        let devices =
            device::all(snapshot, &self.config, &self.controls, topics, self.expire_after);
        let file = format!("home-assistant-{}-{}.json", snapshot.site, snapshot.bank);
        let published =
            self.published.get_or_insert_with(|| Published::load(self.storage.as_ref(), &file));
        if published.add(&devices) {
            published.save(self.storage.as_ref(), &file);
        }
        let payload = |device: device::Device| {
            let id = device.id.clone();
            let topic = topic(&self.config, &id);
            let is_removed = |(key, _): &(&str, &str)| {
                !self.controls.has_select(key)
                    || self.config.leave_out.iter().any(|left_out| left_out == key)
            };
            (topic, device.into_payload(published.of(&id).filter(is_removed)))
        };
        devices.into_iter().map(payload).collect()
    }
}

/// Returns the topic of the payload of a device.
pub(crate) fn topic(config: &HomeAssistantConfig, id: &str) -> String {
    format!("{}/device/{id}/config", config.discovery_prefix)
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discovery").field("config", &self.config).finish_non_exhaustive()
    }
}
