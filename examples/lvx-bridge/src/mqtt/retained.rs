//! Which retained messages the broker may hold, from this run and earlier ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

use tokio::sync::Mutex;

use super::{Error, Topics};
use crate::{Name, config::Config, home_assistant, storage::Storage};

/// Retained topics by the bank that publishes or deletes them. All banks share one file, so that the topics of a bank
/// that left the configuration are found.
pub(super) struct Retained {
    topics: Mutex<ByBank>,
    storage: Arc<dyn Storage>,
}

type ByBank = BTreeMap<String, BTreeSet<String>>;

impl Retained {
    /// Loads what earlier runs left at the broker.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn load(config: &Config, storage: &Arc<dyn Storage>) -> Result<Self, Error> {
        let saved = storage
            .load(FILE)
            .map_err(|source| Error::Storage { name: FILE.to_owned(), source })?
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let topics = Mutex::new(assign(config, saved));
        Ok(Self { topics, storage: Arc::clone(storage) })
    }

    /// Returns the topics of a bank.
    pub(super) async fn of(&self, bank: &Name) -> BTreeSet<String> {
        self.topics.lock().await.get(bank.as_str()).cloned().unwrap_or_default()
    }

    /// Saves the topics of a bank, on another thread: the disk can be slow.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) async fn save(&self, bank: &Name, topics: BTreeSet<String>) -> io::Result<()> {
        // Other banks wait, so that the newest content is written last.
        let mut all = self.topics.lock().await;
        all.insert(bank.to_string(), topics);
        let content = serde_json::to_vec(&*all).unwrap_or_default();
        let storage = Arc::clone(&self.storage);
        let saved = tokio::task::spawn_blocking(move || storage.save(FILE, &content)).await;
        saved.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

impl std::fmt::Debug for Retained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Retained").finish_non_exhaustive()
    }
}

/// Gives each topic to the bank that publishes it now. The others stay with their bank, or go to the first one if
/// theirs left the configuration; that bank deletes them.
fn assign(config: &Config, saved: ByBank) -> ByBank {
    let mut assigned = ByBank::new();
    for (bank, topics) in saved {
        let bank = config.banks.iter().find(|it| it.name.as_str() == bank);
        let Some(bank) = bank.or(config.banks.first()) else { break };
        for topic in topics {
            let owner = owner(config, &topic).unwrap_or(&bank.name);
            assigned.entry(owner.to_string()).or_default().insert(topic);
        }
    }
    assigned
}

/// Returns the bank that publishes a topic; `None` if no bank of the configuration does.
fn owner<'a>(config: &'a Config, topic: &str) -> Option<&'a Name> {
    let home_assistant = config.mqtt.as_ref().and_then(|mqtt| mqtt.home_assistant.as_ref());
    let owner = config.banks.iter().find(|bank| {
        let topics = Topics::new(&config.site, &bank.name);
        let is_below = topic.strip_prefix(topics.root()).is_some_and(|rest| rest.starts_with('/'));
        is_below
            || home_assistant.is_some_and(|it| {
                let is_topic = |id: String| home_assistant::topic(it, &id) == topic;
                is_topic(home_assistant::bank_id(&config.site, &bank.name))
                    || bank.units.iter().any(|unit| is_topic(home_assistant::unit_id(unit.serial)))
                    || bank.packs.iter().any(|pack| {
                        is_topic(home_assistant::pack_id(&config.site, &bank.name, &pack.name))
                    })
            })
    });
    owner.map(|bank| &bank.name)
}

const FILE: &str = "mqtt-retained";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::read_secret, storage::MemoryStorage};

    const LEFT: &str = "homeassistant/device/lvx_96132206100410/config";
    const RIGHT: &str = "homeassistant/device/lvx_96132206100411/config";

    fn config(banks: &str) -> Config {
        let text = format!(
            "site: cabin\nbanks: [{banks}]\nmqtt: {{host: localhost, home_assistant: on}}\n"
        );
        Config::parse("bridge.yaml", &text, &read_secret).unwrap()
    }

    #[tokio::test]
    async fn topics_of_a_bank_that_was_renamed_are_deleted_by_the_first_bank() {
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::default());
        let (main, garage): (Name, Name) = ("main".parse().unwrap(), "garage".parse().unwrap());
        let own = "homeassistant/device/lvx_cabin_garage/config";
        let findings = "lvx/v1/cabin/garage/findings";
        let left = "{name: main, units: [{name: left, serial: 96132206100410}]}";
        let before =
            format!("{left}, {{name: garage, units: [{{name: right, serial: 96132206100411}}]}}");
        let retained = Retained::load(&config(&before), &storage).unwrap();
        retained.save(&main, BTreeSet::from([LEFT.to_owned()])).await.unwrap();
        let topics = [own, findings, RIGHT].map(str::to_owned);
        retained.save(&garage, topics.clone().into()).await.unwrap();

        let again = Retained::load(&config(&before), &storage).unwrap();
        assert_eq!(again.of(&garage).await, topics.into());
        assert_eq!(again.of(&main).await, BTreeSet::from([LEFT.to_owned()]));

        let shed: Name = "shed".parse().unwrap();
        let after =
            format!("{left}, {{name: shed, units: [{{name: right, serial: 96132206100411}}]}}");
        let renamed = Retained::load(&config(&after), &storage).unwrap();
        assert_eq!(renamed.of(&main).await, [own, findings, LEFT].map(str::to_owned).into());
        assert_eq!(renamed.of(&shed).await, BTreeSet::from([RIGHT.to_owned()]));
    }

    #[test]
    fn unit_that_moved_is_not_deleted_by_its_former_bank() {
        let moved = config(
            "{name: main, units: [{name: left, serial: 96132206100410}]}, \
             {name: garage, units: [{name: right, serial: 96132206100411}]}",
        );
        let topics = BTreeSet::from([LEFT.to_owned(), RIGHT.to_owned()]);
        let assigned = assign(&moved, BTreeMap::from([("main".to_owned(), topics)]));
        assert_eq!(assigned["main"], BTreeSet::from([LEFT.to_owned()]));
        assert_eq!(assigned["garage"], BTreeSet::from([RIGHT.to_owned()]));
    }
}
