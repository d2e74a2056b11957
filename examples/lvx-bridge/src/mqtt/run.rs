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
    backoff::Backoff,
    command::{Commands, Refusal},
    connection::{Arrival, Connection, Failure, Options},
    discovery::{Discovery, Make},
    message::{Answer, Message, Received, Undelivered},
    outbox::Outbox,
    payload, permission,
    retained::Retained,
};
use crate::{
    Handle, Now, Request, RequestError, Snapshot,
    config::{Config, MqttConfig},
    control::Command,
    home_assistant,
    storage::Storage,
};

/// Longest pause between attempts to connect.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Longest pause if a person has to do something first.
const MAX_LASTING_PAUSE: Duration = Duration::from_mins(1);

/// Time that the last messages have at the end.
const FAREWELL: Duration = Duration::from_secs(3);

/// Number of commands that wait for the answer of the core.
const MAX_ASKED: usize = 8;

/// Time after which a connection was a success, so that the next attempt comes soon.
const LONG: Duration = Duration::from_secs(10);

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
    let is_controlled = permission::may_control(config, mqtt);
    let has_many = banks.len() > 1;
    let file = Arc::new(Retained::load(config, &storage)?);
    let mut publishers = Vec::new();
    for bank in banks {
        let retained = file.of(&bank.snapshot().bank).await;
        let permissions = (has_many, is_controlled);
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
    topics: Topics,
    mqtt: MqttConfig,
    options: Options,
    outbox: Outbox,
    birth: Option<String>,
    commands: Option<Commands>,
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
        (has_many, is_controlled): (bool, bool),
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
        let commands = if is_controlled {
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
            let controls = home_assistant::Controls { allowed, over_mqtt: is_controlled };
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
        let birth = mqtt.home_assistant.as_ref();
        let birth = birth.map(|config| format!("{}/status", config.discovery_prefix));
        Ok(Self {
            bank,
            topics,
            mqtt: mqtt.clone(),
            options,
            outbox,
            birth,
            commands,
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
        let mut backoff = Backoff::new();
        let mut last_text = None;
        while let Some((failure, was_connected)) =
            self.converse(&mut snapshots, &mut stop, &mut last_text).await
        {
            if was_connected && !failure.is_lasting {
                backoff.reset();
            }
            let max = if failure.is_lasting { MAX_LASTING_PAUSE } else { MAX_PAUSE };
            let pause = backoff.pause(max, self.random.f64());
            if last_text.as_ref() != Some(&failure.text) {
                tracing::warn!("mqtt: {}; trying again", failure.text);
                last_text = Some(failure.text);
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = stopped(&mut stop) => return,
            }
        }
    }

    /// Connects and publishes until the connection ends. Returns why it ended, and whether it lasted a while; `None`
    /// if the bridge stops.
    async fn converse(
        &mut self,
        snapshots: &mut watch::Receiver<Arc<Snapshot>>,
        stop: &mut watch::Receiver<bool>,
        last_text: &mut Option<String>,
    ) -> Option<(Failure, bool)> {
        let mut connection = Connection::open(&self.options, self.subscriptions());
        let mut since: Option<Instant> = None;
        loop {
            while let Some((token, message)) = self.outbox.next(Now::system()) {
                connection.publish(token, message);
            }
            self.save_retained().await;
            let deadline = self.outbox.deadline();
            tokio::select! {
                arrival = connection.next() => match arrival {
                    Arrival::Connected(_) => {
                        tracing::info!("mqtt: connected to {}", self.options.place());
                        *last_text = None;
                        since = Some(Instant::now());
                        self.outbox.connected(Instant::now());
                    }
                    Arrival::Message(message) => self.receive(message).await,
                    Arrival::Settled(token, outcome) => self.settle(token, &outcome),
                    Arrival::NotSubscribed(why) => tracing::warn!(
                        "mqtt: the broker refuses a subscription ({why}); check its access list"
                    ),
                    Arrival::Closed(failure) => {
                        self.outbox.disconnected();
                        return Some((failure, since.is_some_and(|since| since.elapsed() >= LONG)));
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
        // The id is on disk before the command is carried out, so that a restart cannot repeat it.
        let saved = commands.saved();
        if let Err(error) = save(&self.storage, &self.command_file, saved).await {
            let why = format!("its id cannot be saved: {error}");
            return self.refuse(Refusal { id: Some(id), why, answer }, now);
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
        match outcome {
            Ok(()) => _ = self.rejected.remove(&topic),
            Err(Undelivered::Rejected(why)) => {
                if self.rejected.len() < MAX_REJECTED && self.rejected.insert(topic.clone()) {
                    tracing::warn!(
                        "mqtt: {topic} was not taken: {why}; check the access list of the broker"
                    );
                }
            }
            Err(Undelivered::Lost) => {}
        }
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
