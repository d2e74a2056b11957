//! The connection to the broker. This is the only file that knows the MQTT library.

use std::{io::ErrorKind, path::PathBuf, sync::Arc, time::Duration};

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, EventLoop, Incoming, LastWill, MqttOptions,
    PubAckReason, PublishNoticeError, PublishOptions, PublishProperties, PublishResult, QoS,
    RetainForwardRule, StateError, SubscribeFilterInput, TlsConfiguration, Transport,
    mqttbytes::v5::DisconnectReasonCode,
    tokio_rustls::rustls::{
        self, CertificateError, ClientConfig, RootCertStore,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use tokio::{
    sync::mpsc,
    task::{JoinHandle, JoinSet},
};

use super::{
    error::Error,
    message::{Message, Received, Undelivered},
};
use crate::{
    config::{MqttConfig, TlsConfig, read_key},
    loopback::is_loopback,
};

/// Largest packet that the broker may send, in bytes.
const MAX_PACKET: u32 = 8 * 1024;

/// Number of messages that wait until they are sent.
const MAX_REQUESTS: usize = 64;

/// Number of messages that wait for their acknowledgement, more than the outbox and the last messages have. The library
/// reserves memory for all of them; its default is 65,535, which takes about 16 MB per bank.
const MAX_UNACKNOWLEDGED: u16 = 64;

/// Time after which a broker that is silent is asked whether it is there.
const KEEP_ALIVE_SECONDS: u16 = 10;

/// What to do about a second bridge with the same client id.
const OTHER_BRIDGE: &str =
    "if it is a second bridge, give that one another site, or its bank another name";

/// Largest file of a certificate or key, in bytes.
const MAX_PEM: u64 = 256 * 1024;

/// How to connect.
pub(super) struct Options {
    inner: MqttOptions,
    place: String,
    is_secure: bool,
}

/// What arrives from the broker.
#[derive(Debug)]
pub(super) enum Arrival {
    /// The broker accepted the connection. It takes packets of at most this size.
    Connected(Option<u32>),
    /// Another client sent a message.
    Message(Received),
    /// What happened to a message with this number.
    Settled(u64, Result<(), Undelivered>),
    /// The broker refused subscriptions: topics with the reason.
    NotSubscribed(Vec<(String, String)>),
    /// The connection ended.
    Closed(Failure),
}

/// Why a connection ended or could not be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Failure {
    /// Description, with what to do next.
    pub(super) text: String,
    /// What the next attempt depends on.
    pub(super) cause: Cause,
}

/// Why a connection ended, as far as the next attempt depends on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cause {
    /// It can pass by itself.
    Transient,
    /// A person has to do something, so that frequent attempts do not help.
    Lasting,
    /// The broker ended a connection that it had accepted, without a reason.
    Closed,
    /// Another client connected with the same client id.
    TakenOver,
}

/// A connection, from the attempt to make it until it ends.
#[derive(Debug)]
pub(super) struct Connection {
    client: AsyncClient,
    arrivals: mpsc::Receiver<Arrival>,
    settled: JoinSet<(u64, Result<(), Undelivered>)>,
    task: JoinHandle<()>,
    max_packet: Option<u32>,
}

impl Options {
    /// Reads the certificates, and checks that no password leaves this computer in plain text.
    pub(super) fn new(config: &MqttConfig, client_id: String) -> Result<Self, Error> {
        if config.password.is_some() && !is_protected(config) {
            return Err(Error::PlainTextPassword(config.host.clone()));
        }
        let broker = (config.host.as_str(), config.port);
        let mut options = MqttOptions::new(client_id, broker);
        options
            .set_clean_start(true)
            .set_keep_alive(KEEP_ALIVE_SECONDS)
            .set_request_channel_capacity(MAX_REQUESTS)
            .set_outgoing_inflight_upper_limit(MAX_UNACKNOWLEDGED)
            .set_connect_timeout(Duration::from_secs(10))
            .set_max_packet_size(Some(MAX_PACKET));
        if let Some(username) = &config.username {
            options.set_username(username);
        }
        if let Some(password) = &config.password {
            options.set_password(password.reveal().as_bytes().to_vec());
        }
        if let Some(tls) = &config.tls {
            options.set_transport(Transport::tls_with_config(tls_configuration(tls)?));
        }
        let place = format!("{}:{}", config.host, config.port);
        Ok(Self { inner: options, place, is_secure: config.tls.is_some() })
    }

    /// Sets the message that the broker publishes when the connection is lost.
    pub(super) fn set_last_will(&mut self, will: &Message) {
        let payload = will.payload.clone();
        let will = LastWill::new(&will.topic, payload, QoS::AtLeastOnce, will.retain, None);
        self.inner.set_last_will(will);
    }

    /// Returns host and port of the broker.
    pub(super) fn place(&self) -> &str {
        &self.place
    }
}

impl Connection {
    /// Begins to connect, and subscribes to exactly these topics.
    pub(super) fn open(options: &Options, topics: Vec<String>) -> Self {
        let (client, events) = AsyncClient::builder(options.inner.clone()).build();
        let (sender, arrivals) = mpsc::channel(32);
        let place = options.place.clone();
        let is_secure = options.is_secure;
        let subscriber = client.clone();
        let task = tokio::spawn(async move {
            let (error, is_accepted) = follow(events, &subscriber, topics, &sender).await;
            let failure = if is_accepted {
                describe_end(&error, &place, is_secure)
            } else {
                describe(&error, &place, is_secure)
            };
            // The receiver is gone if the bridge stops.
            let _ = sender.send(Arrival::Closed(failure)).await;
        });
        Self { client, arrivals, settled: JoinSet::new(), task, max_packet: None }
    }

    /// Waits for what arrives next.
    pub(super) async fn next(&mut self) -> Arrival {
        tokio::select! {
            Some(done) = self.settled.join_next() => match done {
                Ok((token, outcome)) => Arrival::Settled(token, outcome),
                Err(_) => Arrival::Closed(Failure::transient("a task of the connection ended")),
            },
            arrival = self.arrivals.recv() => {
                let ended = || Arrival::Closed(Failure::transient("the connection ended"));
                let arrival = arrival.unwrap_or_else(ended);
                if let Arrival::Connected(max_packet) = &arrival {
                    self.max_packet = *max_packet;
                }
                arrival
            }
        }
    }

    /// Hands a message to the connection. What happens to it arrives later as [`Arrival::Settled`].
    pub(super) fn publish(&mut self, token: u64, message: Message) {
        // Room for topic and properties.
        let size = message.payload.len() + message.topic.len() + 128;
        let max = self.max_packet.and_then(|max| usize::try_from(max).ok());
        if let Some(max) = max.filter(|max| size > *max) {
            let why = format!(
                "expected at most {max} bytes, found about {size}; raise the maximum packet size of the broker"
            );
            self.settled.spawn(async move { (token, Err(Undelivered::Rejected(why))) });
            return;
        }
        let properties = PublishProperties {
            payload_format_indicator: Some(1),
            message_expiry_interval: message
                .expiry
                .map(|expiry| u32::try_from(expiry.as_secs()).unwrap_or(u32::MAX).max(1)),
            correlation_data: message.correlation.map(Into::into),
            ..PublishProperties::default()
        };
        let options = PublishOptions::new(QoS::AtLeastOnce).retain(message.retain);
        let options = options.properties(properties);
        let notice = self.client.try_publish_tracked(message.topic, message.payload, options);
        self.settled.spawn(async move {
            let outcome = match notice {
                Err(_) => Err(Undelivered::Lost),
                Ok(notice) => match notice.wait_async().await {
                    Ok(PublishResult::Qos1(answer)) => match answer.reason {
                        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
                        reason => Err(Undelivered::Rejected(describe_refusal(reason))),
                    },
                    Ok(_) => Ok(()),
                    Err(error @ PublishNoticeError::RetainNotSupported) => {
                        Err(Undelivered::Rejected(error.to_string()))
                    }
                    Err(_) => Err(Undelivered::Lost),
                },
            };
            (token, outcome)
        });
    }

    /// Ends the connection in order, so that the broker does not publish the last will.
    pub(super) async fn close(mut self) {
        if self.client.try_disconnect().is_ok() {
            while !matches!(self.next().await, Arrival::Closed(_)) {}
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Failure {
    fn transient(text: impl Into<String>) -> Self {
        Self { text: text.into(), cause: Cause::Transient }
    }

    fn closed(place: &str) -> Self {
        Self { text: format!("the broker at {place} closed the connection"), cause: Cause::Closed }
    }

    /// Returns what a person needs to know if the broker closes each connection.
    pub(super) fn repeated(&self) -> String {
        format!(
            "{} again and again, as if another client had the same client id; {OTHER_BRIDGE}",
            self.text
        )
    }

    fn lasting(text: impl Into<String>) -> Self {
        Self { text: text.into(), cause: Cause::Lasting }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("place", &self.place).finish_non_exhaustive()
    }
}

/// Returns whether others in the network can neither read nor change what is sent, or the owner accepts that they
/// can.
pub(super) fn is_protected(config: &MqttConfig) -> bool {
    config.tls.is_some() || is_loopback(&config.host) || config.allow_plain_text
}

/// Returns what a person needs to know about a message that the broker did not take.
fn describe_refusal(reason: PubAckReason) -> String {
    match reason {
        PubAckReason::NotAuthorized => {
            "the broker says NotAuthorized; check its access list".to_owned()
        }
        PubAckReason::QuotaExceeded | PubAckReason::ImplementationSpecificError => {
            format!(
                "the broker says {reason:?}; check its limits, such as that of the payload's size"
            )
        }
        reason => format!("the broker says {reason:?}; its log may say why"),
    }
}

/// Passes on what arrives, until the connection ends. Returns why it ended, and whether the broker had accepted it.
async fn follow(
    mut events: EventLoop,
    client: &AsyncClient,
    topics: Vec<String>,
    sender: &mpsc::Sender<Arrival>,
) -> (ConnectionError, bool) {
    let mut is_accepted = false;
    loop {
        let arrival = match events.poll().await {
            Err(error) => return (error, is_accepted),
            Ok(rumqttc::Event::Incoming(Incoming::ConnAck(answer))) => {
                if !topics.is_empty() && !is_accepted {
                    let filters = topics.iter().map(|topic| {
                        SubscribeFilterInput::new(topic.clone(), QoS::AtLeastOnce)
                            .preserve_retain(true)
                            .retain_forward_rule(RetainForwardRule::Never)
                    });
                    // The channel is empty at this time.
                    let _ = client.try_subscribe_many(filters);
                }
                is_accepted = true;
                Arrival::Connected(answer.properties.and_then(|answer| answer.max_packet_size))
            }
            Ok(rumqttc::Event::Incoming(Incoming::Publish(message))) => {
                let properties = message.properties.unwrap_or_default();
                Arrival::Message(Received {
                    topic: String::from_utf8_lossy(&message.topic).into_owned(),
                    payload: message.payload.into(),
                    retain: message.retain,
                    response_topic: properties.response_topic,
                    correlation: properties.correlation_data.map(Into::into),
                })
            }
            Ok(rumqttc::Event::Incoming(Incoming::SubAck(answer))) => {
                let is_refused = |code: &rumqttc::SubscribeReasonCode| {
                    !matches!(code, rumqttc::SubscribeReasonCode::Success(_))
                };
                // The codes are in the order of the topics.
                let codes = topics.iter().zip(&answer.return_codes);
                let refused = codes.filter(|(_, code)| is_refused(code));
                let refused: Vec<_> =
                    refused.map(|(topic, code)| (topic.clone(), format!("{code:?}"))).collect();
                if refused.is_empty() {
                    continue;
                }
                Arrival::NotSubscribed(refused)
            }
            Ok(_) => continue,
        };
        if sender.send(arrival).await.is_err() {
            return (ConnectionError::RequestsDone, is_accepted);
        }
    }
}

/// Returns what a person needs to know about the end of a connection that the broker had accepted.
fn describe_end(error: &ConnectionError, place: &str, is_secure: bool) -> Failure {
    match error {
        ConnectionError::MqttState(StateError::ServerDisconnect {
            reason_code: DisconnectReasonCode::SessionTakenOver,
            ..
        }) => Failure {
            text: format!(
                "another client connected to {place} with the same client id; {OTHER_BRIDGE}"
            ),
            cause: Cause::TakenOver,
        },
        ConnectionError::MqttState(
            StateError::ConnectionAborted | StateError::Deserialization(_),
        ) => Failure::closed(place),
        ConnectionError::Io(error) | ConnectionError::MqttState(StateError::Io(error))
            if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof) =>
        {
            Failure::closed(place)
        }
        error => describe(error, place, is_secure),
    }
}

/// Returns what a person needs to know about a connection that the broker did not accept.
fn describe(error: &ConnectionError, place: &str, is_secure: bool) -> Failure {
    match error {
        ConnectionError::ConnectionRefused(code)
        | ConnectionError::MqttState(StateError::ConnFail { reason: code }) => match code {
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => {
                Failure::lasting(format!(
                    "the broker at {place} does not accept the user name or password; check \
                     mqtt.username and the password file"
                ))
            }
            ConnectReturnCode::UnsupportedProtocolVersion
            | ConnectReturnCode::RefusedProtocolVersion => Failure::lasting(format!(
                "the broker at {place} does not speak MQTT 5; update the broker"
            )),
            code => Failure::transient(format!(
                "the broker at {place} does not accept the connection: {code:?}"
            )),
        },
        ConnectionError::Tls(error) => describe_tls(error, place),
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. }) => {
            Failure::transient(format!(
                "the broker at {place} closed the connection: {reason_code:?}"
            ))
        }
        ConnectionError::Timeout(_) => Failure::transient(format!(
            "the broker at {place} does not answer; check host and port, and whether TLS is expected there"
        )),
        ConnectionError::Io(error) | ConnectionError::MqttState(StateError::Io(error)) => {
            let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            match tls {
                Some(tls) => describe_rustls(tls, place),
                None if error.kind() == ErrorKind::ConnectionRefused => Failure::transient(
                    format!("no broker at {place}: connection refused; is it running?"),
                ),
                None => Failure::transient(format!(
                    "the connection to the broker at {place} failed: {error}"
                )),
            }
        }
        ConnectionError::MqttState(
            StateError::ConnectionAborted | StateError::Deserialization(_),
        ) if is_secure => Failure::lasting(format!(
            "the broker at {place} ended the encrypted connection before it accepted it; if it asks for client \
             certificates, check mqtt.tls.certificate_file"
        )),
        ConnectionError::MqttState(
            StateError::ConnectionAborted | StateError::Deserialization(_),
        ) => Failure::transient(format!(
            "the broker at {place} closed the connection; is TLS expected there?"
        )),
        error => {
            Failure::transient(format!("the connection to the broker at {place} failed: {error}"))
        }
    }
}

fn describe_tls(error: &rumqttc::TlsError, place: &str) -> Failure {
    match error {
        rumqttc::TlsError::TLS(error) => describe_rustls(error, place),
        rumqttc::TlsError::Io(error) => {
            match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(tls) => describe_rustls(tls, place),
                None => Failure::transient(format!("no encrypted connection to {place}: {error}")),
            }
        }
        error => Failure::lasting(format!("no encrypted connection to {place}: {error}")),
    }
}

fn describe_rustls(error: &rustls::Error, place: &str) -> Failure {
    match error {
        rustls::Error::InvalidCertificate(
            reason @ (CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }),
        ) => Failure::lasting(format!(
            "the certificate of the broker at {place} is not trusted: {reason}; renew it, or check the clocks of \
             both computers"
        )),
        rustls::Error::InvalidCertificate(reason) => Failure::lasting(format!(
            "the certificate of the broker at {place} is not trusted: {reason}; check mqtt.host and \
             mqtt.tls.ca_file"
        )),
        rustls::Error::AlertReceived(alert) => Failure::lasting(format!(
            "the broker at {place} ended the encrypted connection: {alert:?}; check mqtt.tls.certificate_file"
        )),
        error => Failure::transient(format!("no encrypted connection to {place}: {error}")),
    }
}

fn tls_configuration(config: &TlsConfig) -> Result<TlsConfiguration, Error> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = &config.ca_file {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| Error::pem(path, &error))?;
        }
    } else {
        let (found, _) =
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if found == 0 {
            return Err(Error::NoAuthorities);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Tls(error.to_string()))?
        .with_root_certificates(roots);
    let config = match (&config.certificate_file, &config.key_file) {
        (None, None) => builder.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let bytes = read_key(key).map_err(|why| Error::File {
                path: key.clone(),
                source: std::io::Error::other(why),
            })?;
            let key =
                PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| Error::pem(key, &error))?;
            builder
                .with_client_auth_cert(certificates(certificate)?, key)
                .map_err(|error| Error::Tls(error.to_string()))?
        }
        _ => return Err(Error::HalfClientCertificate),
    };
    Ok(TlsConfiguration::Rustls(Arc::new(config)))
}

/// Reads the certificates of a PEM file; there is at least one.
fn certificates(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bytes = read(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let certificates = certificates.map_err(|error| Error::pem(path, &error))?;
    if certificates.is_empty() {
        return Err(Error::pem(path, &"expected a certificate, found none"));
    }
    Ok(certificates)
}

fn read(path: &PathBuf) -> Result<Vec<u8>, Error> {
    use std::io::Read;

    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_PEM).read_to_end(&mut bytes))
        .map_err(|source| Error::File { path: path.clone(), source })?;
    Ok(bytes)
}
