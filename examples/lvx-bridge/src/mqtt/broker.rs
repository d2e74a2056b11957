//! Tests with a real broker. They are skipped, and print a line, if mosquitto is not installed.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    runtime::{Builder, Runtime},
    sync::{mpsc, watch},
    task::spawn_blocking,
};

use super::{
    connection::{Arrival, Connection, Options},
    message::{Message, Undelivered},
    run,
    testing::snapshot,
};
use crate::{
    Handle, Now,
    config::{AlertConfig, Config, ControlConfig, MqttConfig, PollConfig, Secret, TlsConfig},
    storage::MemoryStorage,
};

/// A broker that ends with the test.
struct Broker {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Broker {
    /// Starts a broker; `None` if there is none on this computer. `FOLDER` in the settings is its folder.
    fn start(settings: &str) -> Option<Self> {
        if Command::new("mosquitto").arg("-h").stdout(Stdio::null()).spawn().is_err() {
            println!("skipped: mosquitto is not installed");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut broker = Self { folder: tempfile::tempdir().unwrap(), port, child: None };
        fs::set_permissions(broker.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let folder = broker.path().display().to_string();
        let settings = settings.replace("FOLDER", &folder);
        let settings = format!("user root\nlistener {port} 127.0.0.1\n{settings}\n");
        fs::write(broker.path().join("mosquitto.conf"), settings).unwrap();
        shell(broker.path(), PREPARE);
        broker.restart();
        Some(broker)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn restart(&mut self) {
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(self.path().join("mosquitto.conf"));
        self.child = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "mosquitto ended: {ended:?}");
            thread::yield_now();
        }
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn config(&self) -> MqttConfig {
        MqttConfig {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            client_id: None,
            username: None,
            password: None,
            tls: None,
            allow_plain_text: false,
            home_assistant: None,
        }
    }

    /// Waits for a message that contains `text`, as another program sees it.
    async fn wait_for(&self, topic: &'static str, text: &'static str) {
        let port = self.port.to_string();
        let wait = move || {
            loop {
                let arguments = ["-V", "5", "-C", "1", "-W", "30", "-p", &port, "-t", topic];
                let output = Command::new("mosquitto_sub").args(arguments).output().unwrap();
                assert!(output.status.success(), "no message on {topic}: {output:?}");
                if String::from_utf8(output.stdout).unwrap().contains(text) {
                    return;
                }
            }
        };
        spawn_blocking(wait).await.unwrap();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Makes the files that the settings below name.
const PREPARE: &str = "
mosquitto_passwd -b -c passwords bridge right
printf 'topic readwrite #\\ntopic deny lvx/v1/cabin/main/static\\n' > access
for name in ca other; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=$name \
        -keyout $name.key -out $name.pem
done
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=broker -keyout broker.key -out broker.csr
printf 'subjectAltName=DNS:localhost\\nbasicConstraints=CA:FALSE\\n' > extensions
openssl x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out broker.pem
";

fn shell(folder: &Path, script: &str) {
    let script = format!("set -e\n{script}");
    let output = Command::new("sh").current_dir(folder).args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Returns why a connection cannot be made.
fn failure(config: &MqttConfig) -> (String, bool) {
    let options = Options::new(config, "test".to_owned()).unwrap();
    runtime().block_on(async {
        let mut connection = Connection::open(&options, Vec::new());
        loop {
            match connection.next().await {
                Arrival::Closed(failure) => return (failure.text, failure.is_lasting),
                Arrival::Connected(_) => panic!("the broker accepted the connection"),
                _ => {}
            }
        }
    })
}

#[test]
fn broker_that_is_away_is_named() {
    let Some(mut broker) = Broker::start("allow_anonymous true") else { return };
    broker.kill();
    let (text, is_lasting) = failure(&broker.config());
    let port = broker.port;
    assert_eq!(text, format!("no broker at 127.0.0.1:{port}: connection refused; is it running?"));
    assert!(!is_lasting);
}

#[test]
fn wrong_password_is_named() {
    let settings = "allow_anonymous false\npassword_file FOLDER/passwords";
    let Some(broker) = Broker::start(settings) else { return };
    let mut config = broker.config();
    config.username = Some("bridge".to_owned());
    config.password = Some(Secret::new("wrong"));
    let (text, is_lasting) = failure(&config);
    let port = broker.port;
    let expected = format!(
        "the broker at 127.0.0.1:{port} does not accept the user name or password; check mqtt.username and the \
         password file"
    );
    assert_eq!((text, is_lasting), (expected, true));
}

#[test]
fn certificate_that_does_not_match_is_named() {
    let settings = "allow_anonymous true\ncertfile FOLDER/broker.pem\nkeyfile FOLDER/broker.key";
    let Some(broker) = Broker::start(settings) else { return };
    let with = |host: &str, ca: &str| {
        let tls = TlsConfig { ca_file: Some(broker.path().join(ca)), ..TlsConfig::default() };
        MqttConfig { host: host.to_owned(), tls: Some(tls), ..broker.config() }
    };
    let (text, is_lasting) = failure(&with("127.0.0.1", "ca.pem"));
    assert!(text.contains("the certificate of the broker at 127.0.0.1"), "{text}");
    assert!(text.ends_with("check mqtt.host and mqtt.tls.ca_file") && is_lasting, "{text}");
    let (text, _) = failure(&with("localhost", "other.pem"));
    assert!(text.contains("is not trusted"), "{text}");
    let (text, _) = failure(&broker.config());
    assert!(text.contains("is TLS expected there?"), "{text}");
    let options = Options::new(&with("localhost", "ca.pem"), "test".to_owned()).unwrap();
    let arrival = runtime().block_on(async { Connection::open(&options, Vec::new()).next().await });
    assert!(matches!(arrival, Arrival::Connected(_)), "{arrival:?}");
}

#[test]
fn topic_that_is_not_allowed_is_rejected() {
    let settings = "allow_anonymous true\nacl_file FOLDER/access";
    let Some(broker) = Broker::start(settings) else { return };
    let options = Options::new(&broker.config(), "test".to_owned()).unwrap();
    let outcomes = runtime().block_on(async {
        let mut connection = Connection::open(&options, Vec::new());
        let mut outcomes = Vec::new();
        while outcomes.len() < 2 {
            match connection.next().await {
                Arrival::Connected(_) => {
                    for (token, name) in [(0, "static"), (1, "state")] {
                        let topic = format!("lvx/v1/cabin/main/{name}");
                        connection.publish(token, Message::new(topic, b"{}".to_vec()));
                    }
                }
                Arrival::Settled(token, outcome) => outcomes.push((token, outcome)),
                arrival => panic!("{arrival:?}"),
            }
        }
        outcomes.sort_by_key(|(token, _)| *token);
        outcomes
    });
    let why = "the broker says NotAuthorized".to_owned();
    assert_eq!(outcomes, [(0, Err(Undelivered::Rejected(why))), (1, Ok(()))]);
}

#[test]
fn bridge_returns_after_the_broker_was_killed() {
    let Some(mut broker) = Broker::start("allow_anonymous true") else { return };
    let config = Config {
        site: "cabin".parse().unwrap(),
        banks: Vec::new(),
        poll: PollConfig { fast: Duration::from_secs(1), ..PollConfig::default() },
        alerts: AlertConfig::default(),
        mqtt: Some(broker.config()),
        http: None,
        control: ControlConfig::default(),
        lease: None,
    };
    let (_snapshots, receiver) = watch::channel(Arc::new(snapshot(1, Now::system())));
    let (requests, _asked) = mpsc::channel(1);
    let handle = Handle::new(receiver, requests);
    let availability = "lvx/v1/cabin/main/availability";
    runtime().block_on(async {
        let (stop, stopped) = watch::channel(false);
        let start = |stopped| {
            let (config, handle) = (config.clone(), handle.clone());
            let storage = Arc::new(MemoryStorage::default());
            tokio::spawn(async move { run(&config, vec![handle], storage, stopped).await })
        };
        let bridge = start(stopped.clone());
        broker.wait_for(availability, "online").await;
        broker.wait_for("lvx/v1/cabin/main/state", "battery_voltage").await;
        broker.kill();
        broker.restart();
        broker.wait_for(availability, "online").await;
        broker.wait_for("lvx/v1/cabin/main/static", "\"session\":7").await;
        // Without an orderly end, the broker publishes the last will.
        bridge.abort();
        broker.wait_for(availability, "offline").await;
        let bridge = start(stopped);
        broker.wait_for(availability, "online").await;
        stop.send(true).unwrap();
        bridge.await.unwrap().unwrap();
        broker.wait_for(availability, "offline").await;
    });
}

#[test]
fn password_leaves_this_computer_encrypted_only() {
    let config = MqttConfig {
        host: "broker.example.org".to_owned(),
        port: 1883,
        client_id: None,
        username: Some("bridge".to_owned()),
        password: Some(Secret::new("secret")),
        tls: None,
        allow_plain_text: false,
        home_assistant: None,
    };
    let error = Options::new(&config, "test".to_owned()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "mqtt: expected TLS for a password to broker.example.org, found a connection in plain text; add mqtt.tls, or \
         set mqtt.allow_plain_text"
    );
    let waived = MqttConfig { allow_plain_text: true, ..config };
    assert!(Options::new(&waived, "test".to_owned()).is_ok());
}
