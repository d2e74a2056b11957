//! Names of topics.

use crate::Name;

/// Topics of one bank, all below `lvx/v1/<site>/<bank>/`.
///
/// ```
/// use lvx_bridge::mqtt::Topics;
///
/// let topics = Topics::new(&"cabin".parse()?, &"main".parse()?);
/// assert_eq!(topics.state(), "lvx/v1/cabin/main/state");
/// assert_eq!(topics.unit_availability(&"left".parse()?), "lvx/v1/cabin/main/unit/left/availability");
/// # Ok::<(), lvx_bridge::NameError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Topics {
    root: String,
}

impl Topics {
    /// Returns the topics of a bank.
    #[must_use]
    pub fn new(site: &Name, bank: &Name) -> Self {
        Self { root: format!("lvx/v1/{site}/{bank}") }
    }

    /// Returns the common beginning of all topics, without a slash at the end.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Returns the topic of live values: one message per round, not retained, with an expiry.
    ///
    /// A value is at `units['<unit name>'].<entity key>`, one of a battery pack at `packs['<pack name>'].<entity key>`,
    /// a value of the bank at `derived.<entity key>`. Keys of
    /// all entities with [`Message::State`](crate::entity::Message::State) are always there: a value that is not
    /// fresh is `null`. An enum is its name, a flag `true` or `false`, a quantity a number in the entity's unit.
    #[must_use]
    pub fn state(&self) -> String {
        self.below("state")
    }

    /// Returns the topic of identity, settings and counters: retained, on change and every 15 minutes.
    ///
    /// It has the form of [`state`](Self::state), with the entities of
    /// [`Message::Static`](crate::entity::Message::Static). Settings that can be changed are at `control.<key>`: the
    /// proved `value` (`null` while the units differ), `units`, `pending`, `blocked`, and the `failure` of the last
    /// change.
    #[must_use]
    pub fn statics(&self) -> String {
        self.below("static")
    }

    /// Returns the topic of findings and alerts: the full set, retained, on change and every 5 minutes.
    #[must_use]
    pub fn findings(&self) -> String {
        self.below("findings")
    }

    /// Returns the topic that says whether the bridge is connected: `{"state": "online"}` or `offline`, retained.
    #[must_use]
    pub fn availability(&self) -> String {
        self.below("availability")
    }

    /// Returns the topic that says whether a unit answers: `{"state": "online"}` or `offline`, retained.
    #[must_use]
    pub fn unit_availability(&self, unit: &Name) -> String {
        self.below(&format!("unit/{unit}/availability"))
    }

    /// Returns the topic that says whether a battery pack answers: `{"state": "online"}` or `offline`, retained.
    #[must_use]
    pub fn pack_availability(&self, pack: &Name) -> String {
        self.below(&format!("pack/{pack}/availability"))
    }

    /// Returns the topic of events: alerts that were raised or cleared, units and packs that came or
    /// went.
    #[must_use]
    pub fn event(&self) -> String {
        self.below("event")
    }

    /// Returns the topic of commands, the only topic of the bridge that others write to.
    #[must_use]
    pub fn command(&self) -> String {
        self.below("cmd")
    }

    /// Returns the topic of the results of commands.
    #[must_use]
    pub fn command_result(&self) -> String {
        self.below("cmd/result")
    }

    /// Returns whether a sender of a command may ask for its result on this topic: the topic of results, or one
    /// level below it, of at most 64 characters `a` to `z`, `0` to `9` and `-`.
    #[must_use]
    pub fn is_response(&self, topic: &str) -> bool {
        let Some(rest) = topic.strip_prefix(&self.command_result()) else { return false };
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        rest.is_empty()
            || rest
                .strip_prefix('/')
                .is_some_and(|name| (1..=64).contains(&name.len()) && name.chars().all(is_word))
    }

    fn below(&self, name: &str) -> String {
        format!("{}/{name}", self.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_topic_is_confined_to_the_results_of_the_bank() {
        let topics = Topics::new(&"cabin".parse().unwrap(), &"main".parse().unwrap());
        for good in ["lvx/v1/cabin/main/cmd/result", "lvx/v1/cabin/main/cmd/result/panel-2"] {
            assert!(topics.is_response(good), "{good}");
        }
        for bad in [
            "",
            "lvx/v1/cabin/main/cmd",
            "lvx/v1/cabin/main/cmd/results",
            "lvx/v1/cabin/main/cmd/result/",
            "lvx/v1/cabin/main/cmd/result/+",
            "lvx/v1/cabin/main/cmd/result/a/b",
            "lvx/v1/cabin/other/cmd/result",
            "homeassistant/device/x/config",
        ] {
            assert!(!topics.is_response(bad), "{bad}");
        }
    }
}
