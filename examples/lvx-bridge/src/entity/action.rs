//! The rows of what a bank can be asked to do, apart from changes of settings.

/// One thing that a bank can be asked to do. It changes nothing on a unit.
#[derive(Debug)]
pub struct Action {
    /// Key in commands and identifiers, such as `test_alert`. No setting and no value of a bank has it.
    pub key: &'static str,
    /// Short name for people, without the name of the device.
    pub name: &'static str,
    /// What the bridge does.
    pub task: Task,
    /// Whether it is for finding faults rather than for daily use.
    pub diagnostic: bool,
}

/// What the bridge does when it is asked to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Task {
    /// Acknowledges all alerts that are raised.
    AcknowledgeAlerts,
    /// Raises a test alert, which clears after a minute.
    TestAlert,
}

/// Everything that a bank can be asked to do. The value of such a command is [`Action::PRESS`].
pub const ACTIONS: &[Action] = &[
    Action {
        key: "acknowledge_alerts",
        name: "Acknowledge alerts",
        task: Task::AcknowledgeAlerts,
        diagnostic: false,
    },
    Action { key: "test_alert", name: "Test alert", task: Task::TestAlert, diagnostic: true },
];

impl Action {
    /// The value of a command that asks for an action.
    pub const PRESS: &'static str = "press";

    /// Returns the action with a key.
    #[must_use]
    pub fn of(key: &str) -> Option<&'static Self> {
        ACTIONS.iter().find(|action| action.key == key)
    }
}
