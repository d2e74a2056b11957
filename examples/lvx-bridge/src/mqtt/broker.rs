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
    connection::{Arrival, Cause, Connection, Options},
    message::{Message, Undelivered},
    run,
    testing::{check, snapshot},
};
use crate::{
    Handle, Now, Request,
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

    /// Returns the settings of a connection that is encrypted.
    fn secure(&self, host: &str, ca: &str, client: Option<&str>) -> MqttConfig {
        let path = |name: &str, end| self.path().join(format!("{name}.{end}"));
        let tls = TlsConfig {
            ca_file: Some(path(ca, "pem")),
            certificate_file: client.map(|name| path(name, "pem")),
            key_file: client.map(|name| path(name, "key")),
        };
        MqttConfig { host: host.to_owned(), tls: Some(tls), ..self.config() }
    }

    /// Sends a command, and returns its result.
    async fn command(&self, text: String) -> String {
        let port = self.port.to_string();
        let send = move || {
            let topics = ["-t", "lvx/v1/cabin/main/cmd", "-e", "lvx/v1/cabin/main/cmd/result/test"];
            let output = Command::new("mosquitto_rr")
                .args(["-V", "5", "-q", "1", "-W", "30", "-p", &port, "-m", &text])
                .args(topics)
                .output()
                .unwrap();
            assert!(output.status.success(), "no result of {text}: {output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        spawn_blocking(send).await.unwrap()
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
const PREPARE: &str = r#"
mosquitto_passwd -b -c passwords bridge right
printf 'topic readwrite #\ntopic deny lvx/v1/cabin/main/static\n' > access
echo '{"defaultACLAccess": {"publishClientSend": true, "publishClientReceive": true, "subscribe": false}}' > rights.json
for name in ca other; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=$name \
        -keyout $name.key -out $name.pem
done
printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n' > extensions
printf '[ca]\ndefault_ca = own\n[own]\ndatabase = index\nserial = serial\nnew_certs_dir = .\n' > ca.conf
printf 'default_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n' >> ca.conf
: > index
echo 01 > serial
sign() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=$1 -keyout $1.key -out $1.csr
    openssl ca -batch -notext -config ca.conf -cert $2.pem -keyfile $2.key -extfile extensions \
        -startdate 20200101000000Z -enddate $3 -in $1.csr -out $1.pem
}
sign broker ca 20991231235959Z
sign expired ca 20200201000000Z
sign client ca 20991231235959Z
sign stranger other 20991231235959Z
chmod 600 *.key
"#;

fn shell(folder: &Path, script: &str) {
    let script = format!("set -e\n{script}");
    let output = Command::new("sh").current_dir(folder).args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Returns why a connection cannot be made.
fn failure(config: &MqttConfig) -> (String, Cause) {
    let options = Options::new(config, "test".to_owned()).unwrap();
    runtime().block_on(async {
        let mut connection = Connection::open(&options, Vec::new());
        loop {
            match connection.next().await {
                Arrival::Closed(failure) => return (failure.text, failure.cause),
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
    let (text, cause) = failure(&broker.config());
    let port = broker.port;
    assert_eq!(text, format!("no broker at 127.0.0.1:{port}: connection refused; is it running?"));
    assert_eq!(cause, Cause::Transient);
}

#[test]
fn wrong_password_is_named() {
    let settings = "allow_anonymous false\npassword_file FOLDER/passwords";
    let Some(broker) = Broker::start(settings) else { return };
    let mut config = broker.config();
    config.username = Some("bridge".to_owned());
    config.password = Some(Secret::new("wrong"));
    let found = failure(&config);
    let port = broker.port;
    let expected = format!(
        "the broker at 127.0.0.1:{port} does not accept the user name or password; check mqtt.username and the \
         password file"
    );
    assert_eq!(found, (expected, Cause::Lasting));
}

#[test]
fn certificate_that_does_not_match_is_named() {
    let settings = "allow_anonymous true\ncertfile FOLDER/broker.pem\nkeyfile FOLDER/broker.key";
    let Some(broker) = Broker::start(settings) else { return };
    let check = "check mqtt.host and mqtt.tls.ca_file";
    for (host, ca, expected) in
        [("127.0.0.1", "ca", "not valid for"), ("localhost", "other", "UnknownIssuer")]
    {
        let (text, cause) = failure(&broker.secure(host, ca, None));
        assert!(text.starts_with("the certificate of the broker at "), "{text}");
        assert!(text.contains("is not trusted: ") && text.contains(expected), "{text}");
        assert!(text.ends_with(check) && cause == Cause::Lasting, "{text}");
    }
    let (text, _) = failure(&broker.config());
    assert!(text.contains("is TLS expected there?"), "{text}");
    assert_accepted(&broker.secure("localhost", "ca", None));
}

#[test]
fn certificate_that_has_expired_is_named() {
    let settings = "allow_anonymous true\ncertfile FOLDER/expired.pem\nkeyfile FOLDER/expired.key";
    let Some(broker) = Broker::start(settings) else { return };
    let (text, cause) = failure(&broker.secure("localhost", "ca", None));
    assert!(text.contains("is not trusted: certificate expired"), "{text}");
    assert!(text.ends_with("; renew it, or check the clocks of both computers"), "{text}");
    assert_eq!(cause, Cause::Lasting);
}

#[test]
fn client_certificate_that_is_wrong_or_missing_is_named() {
    let settings = "allow_anonymous true\ncertfile FOLDER/broker.pem\nkeyfile FOLDER/broker.key\n\
                    cafile FOLDER/ca.pem\nrequire_certificate true";
    let Some(broker) = Broker::start(settings) else { return };
    for client in [None, Some("stranger")] {
        let (text, cause) = failure(&broker.secure("localhost", "ca", client));
        assert!(text.starts_with("the broker at localhost:"), "{client:?}: {text}");
        assert!(text.ends_with("check mqtt.tls.certificate_file"), "{client:?}: {text}");
        assert_eq!(cause, Cause::Lasting);
    }
    assert_accepted(&broker.secure("localhost", "ca", Some("client")));
}

#[track_caller]
fn assert_accepted(config: &MqttConfig) {
    let options = Options::new(config, "test".to_owned()).unwrap();
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
    let why = "the broker says NotAuthorized; check its access list".to_owned();
    assert_eq!(outcomes, [(0, Err(Undelivered::Rejected(why))), (1, Ok(()))]);
}

#[test]
fn second_client_with_the_same_id_is_named() {
    let Some(broker) = Broker::start("allow_anonymous true") else { return };
    let options = Options::new(&broker.config(), "test".to_owned()).unwrap();
    let failure = runtime().block_on(async {
        let mut first = Connection::open(&options, Vec::new());
        assert!(matches!(first.next().await, Arrival::Connected(_)));
        let mut second = Connection::open(&options, Vec::new());
        assert!(matches!(second.next().await, Arrival::Connected(_)));
        first.next().await
    });
    let Arrival::Closed(failure) = failure else { panic!("{failure:?}") };
    // mosquitto 2.0.11 sends no reason.
    let place = format!("127.0.0.1:{}", broker.port);
    let text = match failure.cause {
        Cause::TakenOver => failure.text,
        Cause::Closed => failure.repeated(),
        cause => panic!("{cause:?}"),
    };
    assert!(text.contains(&place) && text.contains("the same client id"), "{text}");
    assert!(text.contains("another client"), "{text}");
    assert!(text.contains("if it is a second bridge, give that one another site"), "{text}");
}

#[test]
fn subscription_that_is_not_allowed_is_named() {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
    let plugin = folders.map(|folder| format!("{folder}/mosquitto_dynamic_security.so"));
    let Some(plugin) = plugin.iter().find(|path| Path::new(path).exists()) else {
        println!("skipped: mosquitto has no plugin for dynamic security");
        return;
    };
    let settings =
        format!("allow_anonymous true\nplugin {plugin}\nplugin_opt_config_file FOLDER/rights.json");
    let Some(broker) = Broker::start(&settings) else { return };
    let options = Options::new(&broker.config(), "test".to_owned()).unwrap();
    let topics = ["homeassistant/status", "lvx/v1/cabin/main/cmd"].map(str::to_owned);
    let refused = runtime().block_on(async {
        let mut connection = Connection::open(&options, topics.to_vec());
        loop {
            match connection.next().await {
                Arrival::NotSubscribed(refused) => return refused,
                Arrival::Connected(_) => {}
                arrival => panic!("{arrival:?}"),
            }
        }
    });
    assert_eq!(refused, topics.map(|topic| (topic, "NotAuthorized".to_owned())));
}

/// Returns the configuration of a bridge whose broker this is.
fn bridge(broker: &Broker) -> Config {
    Config {
        site: "cabin".parse().unwrap(),
        banks: Vec::new(),
        poll: PollConfig { fast: Duration::from_secs(1), ..PollConfig::default() },
        alerts: AlertConfig::default(),
        mqtt: Some(broker.config()),
        http: None,
        history: None,
        control: ControlConfig::default(),
        lease: None,
    }
}

/// Returns a bank, and what its core gets.
fn bank() -> (Handle, mpsc::Receiver<Request>) {
    let (snapshots, receiver) = watch::channel(Arc::new(snapshot(1, Now::system())));
    // The bank goes on while the test runs.
    std::mem::forget(snapshots);
    let (requests, asked) = mpsc::channel(8);
    (Handle::new(receiver, requests), asked)
}

#[test]
fn message_that_is_too_large_does_not_hold_up_the_others() {
    let Some(broker) = Broker::start("allow_anonymous true\nmax_packet_size 600") else { return };
    let (config, (handle, _asked)) = (bridge(&broker), bank());
    let meter = handle.clone();
    runtime().block_on(async {
        let (_stop, stopped) = watch::channel(false);
        let storage = Arc::new(MemoryStorage::default());
        let bridge =
            tokio::spawn(async move { run(&config, vec![handle], storage, stopped).await });
        broker.wait_for("lvx/v1/cabin/main/findings", "\"session\":7").await;
        broker.wait_for("lvx/v1/cabin/main/unit/left/availability", "online").await;
        let counts = meter.mqtt_counts().unwrap();
        assert!(counts.failed >= 1 && counts.published >= 3, "{counts:?}");
        assert_eq!((counts.is_connected, counts.connects), (true, 1), "{counts:?}");
        bridge.abort();
    });
}

#[test]
fn message_that_is_too_large_is_named() {
    let Some(broker) = Broker::start("allow_anonymous true\nmax_packet_size 600") else { return };
    let options = Options::new(&broker.config(), "test".to_owned()).unwrap();
    let outcome = runtime().block_on(async {
        let mut connection = Connection::open(&options, Vec::new());
        loop {
            match connection.next().await {
                Arrival::Connected(_) => {
                    connection.publish(0, Message::new("a".to_owned(), vec![b'x'; 600]));
                }
                Arrival::Settled(_, outcome) => return outcome,
                arrival => panic!("{arrival:?}"),
            }
        }
    });
    let why =
        "expected at most 600 bytes, found about 729; raise the maximum packet size of the broker";
    assert_eq!(outcome, Err(Undelivered::Rejected(why.to_owned())));
}

#[test]
fn actions_are_taken_without_control_and_settings_are_not() {
    let Some(broker) = Broker::start("allow_anonymous true") else { return };
    let (config, (handle, mut asked)) = (bridge(&broker), bank());
    let command = |id: &str, key: &str, to: &str| {
        let expires = jiff::Timestamp::now().as_second() + 30;
        format!(r#"{{"id": "{id}", "key": "{key}", "to": "{to}", "expires": {expires}}}"#)
    };
    runtime().block_on(async {
        let (_stop, stopped) = watch::channel(false);
        let storage = Arc::new(MemoryStorage::default());
        let bridge =
            tokio::spawn(async move { run(&config, vec![handle], storage, stopped).await });
        broker.wait_for("lvx/v1/cabin/main/availability", "online").await;
        let test = command("1", "test_alert", "press");
        let result = broker.command(test.clone()).await;
        check("result", result.as_bytes());
        assert!(result.contains(r#""state":"done""#), "{result}");
        let by = "mqtt lvx/v1/cabin/main/cmd";
        let request = asked.recv().await.unwrap();
        assert!(matches!(&request, Request::TestAlert { by: found } if found == by), "{request:?}");
        let result = broker.command(command("2", "acknowledge_alerts", "press")).await;
        assert!(result.contains(r#""state":"done""#), "{result}");
        let request = asked.recv().await.unwrap();
        assert!(
            matches!(&request, Request::AcknowledgeAll { by: found } if found == by),
            "{request:?}"
        );
        for (command, expected) in [
            (test, "a command with this id was already taken"),
            (command("3", "test_alert", "on"), "to: expected \\\"press\\\", found \\\"on\\\""),
            (command("4", "output_priority", "press"), "control is off"),
        ] {
            let result = broker.command(command).await;
            assert!(result.contains(r#""state":"refused""#), "{result}");
            assert!(result.contains(expected), "{result}");
            let request = asked.recv().await.unwrap();
            assert!(matches!(request, Request::Refused { .. }), "{request:?}");
        }
        assert!(asked.try_recv().is_err());
        bridge.abort();
    });
}

#[test]
fn bridge_returns_after_the_broker_was_killed() {
    let Some(mut broker) = Broker::start("allow_anonymous true") else { return };
    let (config, (handle, _asked)) = (bridge(&broker), bank());
    let availability = "lvx/v1/cabin/main/availability";
    runtime().block_on(async {
        let (stop, stopped) = watch::channel(false);
        let start = |stopped| {
            let (config, handle) = (config.clone(), handle.clone());
            let storage = Arc::new(MemoryStorage::default());
            tokio::spawn(async move { run(&config, vec![handle], storage, stopped).await })
        };
        assert_eq!(handle.mqtt_counts(), None);
        let bridge = start(stopped.clone());
        broker.wait_for(availability, "online").await;
        broker.wait_for("lvx/v1/cabin/main/state", "battery_voltage").await;
        let counts = handle.mqtt_counts().unwrap();
        assert_eq!((counts.is_connected, counts.connects, counts.failed), (true, 1, 0));
        assert!(counts.published > 0 && counts.last_error.is_none(), "{counts:?}");
        broker.kill();
        broker.restart();
        broker.wait_for(availability, "online").await;
        broker.wait_for("lvx/v1/cabin/main/static", "\"session\":7").await;
        let counts = handle.mqtt_counts().unwrap();
        assert_eq!((counts.is_connected, counts.connects), (true, 2));
        assert!(counts.last_error.is_some());
        // Without an orderly end, the broker publishes the last will.
        bridge.abort();
        broker.wait_for(availability, "offline").await;
        let bridge = start(stopped);
        broker.wait_for(availability, "online").await;
        stop.send(true).unwrap();
        bridge.await.unwrap().unwrap();
        broker.wait_for(availability, "offline").await;
        assert_eq!(handle.mqtt_counts(), None);
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
