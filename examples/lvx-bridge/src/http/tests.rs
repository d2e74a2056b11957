//! Requests as bytes, through a connection in memory, in virtual time.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::watch,
};

use super::{
    Scope, Tokens,
    access::Gate,
    app::{App, Counts},
    feed::Feed,
    openapi,
    peer::Peer,
    plan::Plans,
    policy::Policy,
    routes,
    server::serve,
};
use crate::{
    Now, Request, RequestError, Snapshot,
    config::HttpConfig,
    storage::MemoryStorage,
    testing::{self, FakeCore},
};

mod access;
mod change;
mod connection;
mod events;
mod history;
mod login;
mod page;
mod schema;
mod sockets;
mod unit;

/// A server without sockets.
struct Bench {
    app: Arc<App>,
    core: FakeCore,
    tokens: Tokens,
    stop: watch::Sender<bool>,
    /// Folder of the history, if there is one.
    folder: Option<tempfile::TempDir>,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Bench {
    fn new(change: impl FnOnce(&mut HttpConfig)) -> Self {
        Self::with(testing::bank(Now::system()), change)
    }

    fn with(bank: Snapshot, change: impl FnOnce(&mut HttpConfig)) -> Self {
        let mut config = HttpConfig { hosts: vec!["solar.lan".into()], ..HttpConfig::default() };
        change(&mut config);
        let tokens = Tokens::new(Arc::new(MemoryStorage::default()));
        let (handle, core) = testing::handle(bank);
        let (stop, receiver) = watch::channel(false);
        let app = App {
            policy: Policy::new(&config).unwrap(),
            gate: Gate::new(tokens.clone()),
            banks: vec![Feed::new(handle, Now::system())],
            stop: receiver,
            plans: Plans::default(),
            openapi: || openapi::describe(routes::ROUTES),
            counts: Counts::default(),
            history: None,
        };
        Self { app: Arc::new(app), core, tokens, stop, folder: None }
    }

    /// Gives the server the history of an hour.
    fn remembering(mut self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(crate::history::FILE);
        crate::history::tests::fill(&path);
        let access = crate::history::Access::to_file(&path);
        Arc::get_mut(&mut self.app).unwrap().history = Some(access);
        self.folder = Some(folder);
        self
    }

    /// Opens a connection with a buffer of this many bytes.
    fn connect(&self, peer: Peer, buffer: usize) -> DuplexStream {
        let (client, server) = duplex(buffer);
        let app = Arc::clone(&self.app);
        tokio::spawn(async move { serve(server, peer, &app, routes::router(&app)).await });
        client
    }

    /// Sends bytes, and returns all that is received until the server closes.
    async fn raw(&self, peer: Peer, bytes: &str) -> String {
        let mut client = self.connect(peer, 1 << 20);
        client.write_all(bytes.as_bytes()).await.unwrap();
        let mut received = String::new();
        // A server that refuses may close before it has read everything.
        let _ = client.read_to_string(&mut received).await;
        received
    }

    /// Sends one request with these headers and this body.
    async fn ask(&self, peer: Peer, line: &str, headers: &[&str], body: &str) -> Answer {
        let host = if headers.iter().any(|header| header.to_ascii_lowercase().starts_with("host:"))
        {
            ""
        } else if peer == loopback() {
            "Host: 127.0.0.1:8480\r\n"
        } else {
            "Host: solar.lan\r\n"
        };
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let headers = [headers, &[""]].concat().join("\r\n");
        let request =
            format!("{line} HTTP/1.1\r\n{host}Connection: close\r\n{headers}{length}\r\n{body}");
        Answer::parse(&self.raw(peer, &request).await)
    }

    /// Sends one request from this machine.
    async fn local(&self, line: &str) -> Answer {
        self.ask(loopback(), line, &[], "").await
    }

    /// Makes a token, and returns its header.
    fn bearer(&self, name: &str, scope: Scope) -> String {
        let token = self
            .tokens
            .create(&name.parse().unwrap(), scope, None, jiff::Timestamp::now())
            .unwrap();
        format!("Authorization: Bearer {}", token.reveal())
    }
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

fn peer(remote: &str, local: &str) -> Peer {
    Peer::tcp(remote.parse().unwrap(), local.parse().unwrap())
}

fn loopback() -> Peer {
    peer("127.0.0.1:50000", "127.0.0.1:8480")
}

fn lan() -> Peer {
    peer("192.0.2.7:50000", "192.0.2.1:8480")
}
