//! Publishes the snapshots of all banks, and takes commands.

use std::{
    collections::BTreeSet,
    io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
    time::{sleep, sleep_until, timeout},
};

use super::{
    Error, Topics,
    command::{Commands, Refusal},
    connection::{Arrival, Connection, Failure, Options},
    counts::Meter,
    discovery::{Discovery, Make},
    message::{Answer, Message, Received, Undelivered},
    outbox::Outbox,
    payload, permission,
    retained::Retained,
    retry::Retry,
};
use crate::{
    Handle, Now, Request, RequestError, Snapshot,
    config::{Config, MqttConfig},
    control::Command,
    entity::{Action, Task},
    home_assistant,
    storage::Storage,
};

/// Time that the last messages have at the end.
const FAREWELL: Duration = Duration::from_secs(3);

/// Number of commands that wait for the answer of the core.
const MAX_ASKED: usize = 8;

/// Number of topics that the broker does not take and that are remembered, to report each once.
const MAX_REJECTED: usize = 256;

/// Publishes the snapshots of all banks until `stop` is true or its sender is gone. Each bank has its own connection,
/// because a connection has one last will.
///
/// Losing the broker is not an error: the connection is made again.
///
/// # Errors
/// If the configuration cannot work, so that waiting does not help.
pub async fn run(
    config: &Config,
    banks: Vec<Handle>,
    storage: Arc<dyn Storage>,
    stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let Some(mqtt) = &config.mqtt else { return Ok(()) };
    let takes_commands = permission::may_command(config, mqtt);
    let has_many = banks.len() > 1;
    let file = Arc::new(Retained::load(config, &storage)?);
    let mut publishers = Vec::new();
    for bank in banks {
        let retained = file.of(&bank.snapshot().bank).await;
        let permissions = (has_many, takes_commands);
        let publisher =
            Publisher::new(config, mqtt, bank, permissions, &storage, (&file, retained));
        publishers.push(publisher?);
    }
    let mut tasks = JoinSet::new();
    for publisher in publishers {
        tasks.spawn(publisher.run(stop.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended
            && error.is_panic()
        {
            // Ends the other publishers, too, so that all are started again.
            std::panic::resume_unwind(error.into_panic());
        }
    }
    Ok(())
}

/// Publishes the snapshots of one bank.
struct Publisher {
    bank: Handle,
    meter: Meter,
    topics: Topics,
    mqtt: MqttConfig,
    options: Options,
    outbox: Outbox,
    birth: Option<String>,
    commands: Option<Commands>,
    is_controlled: bool,
    asked: JoinSet<(String, Answer, Result<(), RequestError>)>,
    storage: Arc<dyn Storage>,
    command_file: String,
    retained_file: Arc<Retained>,
    retained: BTreeSet<String>,
    rejected: BTreeSet<String>,
    random: fastrand::Rng,
}

impl Publisher {
    fn new(
        config: &Config,
        mqtt: &MqttConfig,
        bank: Handle,
        (has_many, takes_commands): (bool, bool),
        storage: &Arc<dyn Storage>,
        (retained_file, retained): (&Arc<Retained>, BTreeSet<String>),
    ) -> Result<Self, Error> {
        let snapshot = bank.snapshot();
        let topics = Topics::new(&config.site, &snapshot.bank);
        let client_id = match &mqtt.client_id {
            Some(id) if has_many => format!("{id}-{}", snapshot.bank),
            Some(id) => id.clone(),
            None => format!("lvx-{}-{}", config.site, snapshot.bank),
        };
        let mut options = Options::new(mqtt, client_id)?;
        let offline = payload::availability(false, snapshot.session);
        options.set_last_will(&Message::retained(topics.availability(), offline));

        let command_file = format!("mqtt-commands-{}", snapshot.bank);
        let commands = if takes_commands {
            let saved = load(storage.as_ref(), &command_file)?;
            let commands = Commands::new(saved.as_deref());
            Some(commands.map_err(|error| Error::Storage {
                name: command_file.clone(),
                source: error.into(),
            })?)
        } else {
            None
        };
        let expiry = config.poll.fast * config.poll.stale_after_periods.max(1);
        let mut random = fastrand::Rng::new();
        let allowed = config.control.allow.clone();
        let make = mqtt.home_assistant.as_ref().map(|config| -> Make {
            let storage = Arc::clone(storage);
            let controls = home_assistant::Controls { allowed, over_mqtt: takes_commands };
            let mut devices =
                home_assistant::Discovery::new(config.clone(), controls, expiry, storage);
            Box::new(move |snapshot, topics| devices.payloads(snapshot, topics))
        });
        let outbox = Outbox::new(
            topics.clone(),
            (config.poll.fast, expiry),
            Discovery::new(make),
            retained.clone(),
            snapshot,
            random.fork(),
        );
        let meter = bank.mqtt_meter().clone();
        meter.clear();
        meter.update(|_| {});
        let birth = mqtt.home_assistant.as_ref();
        let birth = birth.map(|config| format!("{}/status", config.discovery_prefix));
        Ok(Self {
            bank,
            meter,
            topics,
            mqtt: mqtt.clone(),
            options,
            outbox,
            birth,
            commands,
            is_controlled: !config.control.allow.is_empty(),
            asked: JoinSet::new(),
            storage: Arc::clone(storage),
            command_file,
            retained_file: Arc::clone(retained_file),
            retained,
            rejected: BTreeSet::new(),
            random,
        })
    }

    /// Connects again and again, until the bridge stops.
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut snapshots = self.bank.watch();
        let mut retry = Retry::new();
        while let Some((failure, lasted)) =
            self.converse(&mut snapshots, &mut stop, &mut retry).await
        {
            let next = retry.failed(&failure, lasted, self.random.f64());
            let pause = next.pause;
            if let Some(text) = next.message {
                tracing::warn!("mqtt: {text}; trying again");
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = stopped(&mut stop) => return,
            }
        }
    }

    /// Connects and publishes until the connection ends. Returns why it ended, and how long it lasted if the broker
    /// accepted it; `None` if the bridge stops.
    async fn converse(
        &mut self,
        snapshots: &mut watch::Receiver<Arc<Snapshot>>,
        stop: &mut watch::Receiver<bool>,
        retry: &mut Retry,
    ) -> Option<(Failure, Option<Duration>)> {
        let mut connection = Connection::open(&self.options, self.subscriptions());
        let mut since: Option<Instant> = None;
        loop {
            while let Some((token, message)) = self.outbox.next(Now::system()) {
                connection.publish(token, message);
            }
            self.save_retained().await;
            let (waiting, dropped) = (self.outbox.waiting(), self.outbox.dropped());
            self.meter.update(|counts| (counts.waiting, counts.dropped) = (waiting, dropped));
            let deadline = self.outbox.deadline();
            tokio::select! {
                arrival = connection.next() => match arrival {
                    Arrival::Connected(_) => {
                        if retry.connected() {
                            tracing::info!("mqtt: connected to {}", self.options.place());
                        }
                        self.meter.update(|counts| {
                            counts.is_connected = true;
                            counts.connects += 1;
                        });
                        since = Some(Instant::now());
                        self.outbox.connected(Instant::now());
                    }
                    Arrival::Message(message) => self.receive(message).await,
                    Arrival::Settled(token, outcome) => self.settle(token, &outcome),
                    Arrival::NotSubscribed(refused) => self.report_refused(&refused),
                    Arrival::Closed(failure) => {
                        let lost = self.outbox.disconnected();
                        let waiting = self.outbox.waiting();
                        self.meter.update(|counts| {
                            counts.is_connected = false;
                            counts.failed += lost;
                            counts.waiting = waiting;
                            counts.last_error = Some(Instant::now());
                        });
                        return Some((failure, since.map(|since| since.elapsed())));
                    }
                },
                changed = snapshots.changed() => {
                    if changed.is_err() {
                        // The core has ended, so the bridge stops.
                        self.leave(connection, since.is_some()).await;
                        return None;
                    }
                    let snapshot = Arc::clone(&snapshots.borrow_and_update());
                    self.outbox.take_snapshot(snapshot, Now::system());
                }
                Some(asked) = self.asked.join_next() => {
                    if let Ok((id, answer, Err(error))) = asked {
                        self.outbox.refuse_once(&id, &error.to_string(), answer, Now::system());
                    }
                }
                () = until(deadline) => {}
                () = stopped(stop) => {
                    self.leave(connection, since.is_some()).await;
                    return None;
                }
            }
        }
    }

    /// Publishes the last state and `offline`, and ends the connection.
    async fn leave(&mut self, mut connection: Connection, is_connected: bool) {
        if !is_connected {
            return;
        }
        self.outbox.take_snapshot(self.bank.snapshot(), Now::system());
        let mut offline = None;
        for (token, message) in self.outbox.farewell(Now::system()) {
            offline = Some(token);
            connection.publish(token, message);
        }
        let end = async {
            while !self.outbox.is_settled() {
                match connection.next().await {
                    Arrival::Settled(token, outcome) => {
                        self.outbox.settle(token, &outcome, Instant::now());
                        if offline == Some(token) && outcome.is_err() {
                            // The last will reports it, unless the connection ends in order.
                            return;
                        }
                    }
                    Arrival::Closed(_) => return,
                    _ => {}
                }
            }
            connection.close().await;
        };
        if timeout(FAREWELL, end).await.is_err() {
            tracing::warn!("mqtt: the broker did not take the last messages in time");
        }
    }

    fn subscriptions(&self) -> Vec<String> {
        let commands = self.commands.as_ref().map(|_| self.topics.command());
        self.birth.iter().cloned().chain(commands).collect()
    }

    /// Takes a message of another client.
    async fn receive(&mut self, message: Received) {
        let now = Now::system();
        if Some(&message.topic) == self.birth.as_ref() {
            if message.payload == b"online" {
                self.outbox.birth(now.instant);
            }
            return;
        }
        let Some(commands) = &mut self.commands else { return };
        if message.topic != self.topics.command() {
            return;
        }
        let judged = if permission::is_clock_unknown(&self.mqtt, Path::new("/run")) {
            Err(Refusal::clock(&message, &self.topics))
        } else {
            commands.judge(&message, &self.topics, now.wall)
        };
        let (command, answer) = match judged {
            Ok(taken) => taken,
            Err(refusal) => return self.refuse(refusal, now),
        };
        let id = command.id.clone();
        let action = Action::of(&command.key);
        let why = match action {
            Some(_) if command.to != Action::PRESS => {
                Some(format!("to: expected {:?}, found {:?}", Action::PRESS, command.to))
            }
            None if !self.is_controlled => Some("control is off".to_owned()),
            _ => None,
        };
        if let Some(why) = why {
            return self.refuse(Refusal { id: Some(id), why, answer }, now);
        }
        // The id is on disk before the command is carried out, so that a restart cannot repeat it.
        let saved = commands.saved();
        if let Err(error) = save(&self.storage, &self.command_file, saved).await {
            let why = format!("its id cannot be saved: {error}");
            return self.refuse(Refusal { id: Some(id), why, answer }, now);
        }
        if let Some(action) = action {
            return self.act(action, &command, answer, now);
        }
        let (reply, replied) = oneshot::channel();
        let sent = if self.asked.len() < MAX_ASKED {
            self.outbox.expect_result(id.clone(), answer.clone());
            self.bank.send(Request::Control { command, reply })
        } else {
            Err(RequestError::Busy)
        };
        self.asked.spawn(async move {
            let result = match sent {
                Ok(()) => replied.await.unwrap_or(Err(RequestError::Busy)),
                Err(error) => Err(error),
            };
            (id, answer, result)
        });
    }

    /// Has an action carried out, and publishes the result.
    fn act(&mut self, action: &Action, command: &Command, answer: Answer, now: Now) {
        let by = command.by.clone();
        let request = match action.task {
            Task::AcknowledgeAlerts => Request::AcknowledgeAll { by },
            Task::TestAlert => Request::TestAlert { by },
        };
        match self.bank.send(request) {
            Ok(()) => self.outbox.done(command, answer, now),
            Err(error) => {
                self.outbox.refuse(Some(&command.id), &error.to_string(), answer, now);
            }
        }
    }

    /// Publishes that a command was refused, and has it written to the audit file.
    fn refuse(&mut self, refusal: Refusal, now: Now) {
        let Refusal { id, why, answer } = refusal;
        let command = Command {
            id: id.clone().unwrap_or_default(),
            key: String::new(),
            from: None,
            seen: Vec::new(),
            to: String::new(),
            by: format!("mqtt {}", self.topics.command()),
            expires: None,
        };
        self.bank.record_refusal(command, &why);
        self.outbox.refuse(id.as_deref(), &why, answer, now);
    }

    fn settle(&mut self, token: u64, outcome: &Result<(), Undelivered>) {
        let Some(topic) = self.outbox.settle(token, outcome, Instant::now()) else { return };
        self.meter.update(|counts| match outcome {
            Ok(()) => counts.published += 1,
            Err(Undelivered::Lost) => counts.failed += 1,
            Err(Undelivered::Rejected(_)) => {
                counts.failed += 1;
                counts.last_error = Some(Instant::now());
            }
        });
        match outcome {
            Ok(()) => _ = self.rejected.remove(&topic),
            Err(Undelivered::Rejected(why)) => {
                if self.is_first(&topic) {
                    tracing::warn!("mqtt: {topic} was not taken: {why}");
                }
            }
            Err(Undelivered::Lost) => {}
        }
    }

    /// Reports subscriptions that the broker refused.
    fn report_refused(&mut self, refused: &[(String, String)]) {
        self.meter.update(|counts| counts.last_error = Some(Instant::now()));
        for (topic, why) in refused {
            if self.is_first(topic) {
                tracing::warn!(
                    "mqtt: {topic} cannot be read: the broker says {why}; check its access list"
                );
            }
        }
    }

    /// Returns whether this refusal of a topic is the first one, so that it has to be logged.
    fn is_first(&mut self, topic: &str) -> bool {
        self.rejected.len() < MAX_REJECTED && self.rejected.insert(topic.to_owned())
    }

    /// Saves which topics the broker may hold, if they changed.
    async fn save_retained(&mut self) {
        if self.outbox.retained() == &self.retained {
            return;
        }
        self.retained.clone_from(self.outbox.retained());
        let bank = self.bank.snapshot().bank.clone();
        let saved = self.retained_file.save(&bank, self.retained.clone());
        if let Err(error) = saved.await {
            tracing::warn!("mqtt: the list of retained topics cannot be saved: {error}");
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.meter.clear();
    }
}

fn load(storage: &dyn Storage, name: &str) -> Result<Option<Vec<u8>>, Error> {
    storage.load(name).map_err(|source| Error::Storage { name: name.to_owned(), source })
}

/// Saves a file on another thread: the disk can be slow.
async fn save(storage: &Arc<dyn Storage>, name: &str, content: Vec<u8>) -> io::Result<()> {
    let (storage, name) = (Arc::clone(storage), name.to_owned());
    let saved = tokio::task::spawn_blocking(move || storage.save(&name, &content)).await;
    saved.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// Waits until the bridge stops.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop, too.
    let _ = stop.wait_for(|is_stopped| *is_stopped).await;
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
