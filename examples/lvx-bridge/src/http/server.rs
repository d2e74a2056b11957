//! Listens, and serves connections.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener as StdTcpListener},
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream},
    },
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{Router, http::Uri};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tower_service::Service;
use tracing::{debug, info, warn};

use super::{
    StartError, Tokens,
    access::Gate,
    app::{App, Counts, Shared},
    connection::{Connections, Patient},
    feed::Feed,
    openapi,
    peer::Peer,
    plan::Plans,
    policy::Policy,
    routes::{self, page::WithoutSlash},
};
use crate::{Handle, Now, config::HttpConfig, history::Access};

/// The HTTP server. It listens from the time it is made, and answers while it [`run`](Self::run)s.
#[derive(Debug)]
pub struct Server {
    app: Shared,
    tcp: Vec<StdTcpListener>,
    unix: Option<Socket>,
    ended: watch::Sender<bool>,
}

/// A Unix socket, whose file is removed with it.
#[derive(Debug)]
struct Socket {
    path: PathBuf,
    listener: StdUnixListener,
}

impl Server {
    /// Listens at all addresses of the configuration. `history` answers queries of the past.
    ///
    /// # Errors
    /// If an address is in use or not available, or the configuration cannot be used.
    pub fn bind(
        config: &HttpConfig,
        banks: Vec<Handle>,
        tokens: Tokens,
        history: Option<Access>,
    ) -> Result<Self, StartError> {
        if banks.is_empty() {
            return Err(StartError::Config("expected at least one bank, found none".to_owned()));
        }
        let policy = Policy::new(config)?;
        let tcp = config.listen.iter().map(listen).collect::<Result<_, _>>()?;
        let unix = config.unix_socket.as_deref().map(Socket::bind).transpose()?;
        let now = Now::system();
        let (ended, stop) = watch::channel(false);
        let app = App {
            policy,
            gate: Gate::new(tokens),
            banks: banks.into_iter().map(|handle| Feed::new(handle, now)).collect(),
            stop,
            plans: Plans::default(),
            openapi: || openapi::describe(routes::ROUTES),
            counts: Counts::default(),
            history,
        };
        Ok(Self { app: Arc::new(app), tcp, unix, ended })
    }

    /// Returns the addresses at which the server listens. A port of 0 in the configuration has become a real one.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.tcp.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Answers requests until `stop` is ready, and then ends the connections in order.
    ///
    /// # Errors
    /// If a listener cannot be used. Errors of connections end only the connection.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let Self { app, tcp, unix, ended } = self;
        let router = routes::router(&app);
        let connections = Connections::default();
        let mut listeners = JoinSet::new();
        for listener in tcp {
            let listener = TcpListener::from_std(listener)?;
            info!("http: listening on {}", listener.local_addr()?);
            listeners.spawn(accept(
                listener,
                Arc::clone(&app),
                router.clone(),
                connections.clone(),
            ));
        }
        if let Some(socket) = &unix {
            let listener = UnixListener::from_std(socket.listener.try_clone()?)?;
            info!("http: listening on {}", socket.path.display());
            listeners.spawn(accept(listener, Arc::clone(&app), router, connections.clone()));
        }
        tokio::select! {
            () = stop => {}
            // Without it, no one would notice that an address is not served any more.
            Some(_) = listeners.join_next() => {
                return Err(io::Error::other("a listener has ended"));
            }
        }
        // Each listener ends its connections, and is aborted with them if they do not end.
        let _ = ended.send(true);
        let all = async { while listeners.join_next().await.is_some() {} };
        if timeout(MAX_END, all).await.is_err() {
            debug!("http: connections that did not end were closed");
        }
        Ok(())
    }
}

/// A socket that accepts connections.
trait Listener: Send + Sync + 'static {
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Waits for a connection.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Peer)>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, remote) = self.accept().await?;
        stream.set_nodelay(true)?;
        let peer = Peer::tcp(remote, stream.local_addr()?);
        Ok((stream, peer))
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, Peer)> {
        Ok((self.accept().await?.0, Peer::Unix))
    }
}

/// Accepts connections until the server stops, and waits for their end.
async fn accept(listener: impl Listener, app: Shared, router: Router, connections: Connections) {
    let mut tasks = JoinSet::new();
    let mut stop = app.stop.clone();
    loop {
        let accepted = tokio::select! {
            accepted = Listener::accept(&listener) => accepted,
            Some(_) = tasks.join_next() => continue,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok((stream, peer)) => start(&mut tasks, stream, peer, &app, &router, &connections),
            Err(error) => failed(&error).await,
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// Serves a connection, unless there are too many.
fn start<S>(
    tasks: &mut JoinSet<()>,
    stream: S,
    peer: Peer,
    app: &Shared,
    router: &Router,
    connections: &Connections,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Some(counted) = connections.count(peer.ip()) else {
        app.counts.rejected.fetch_add(1, Ordering::Relaxed);
        return;
    };
    app.counts.connections.fetch_add(1, Ordering::Relaxed);
    let (app, router) = (Arc::clone(app), router.clone());
    tasks.spawn(async move {
        serve(stream, peer, &app, router).await;
        drop(counted);
    });
}

/// Reports that a connection could not be accepted, and waits: without file descriptors it would fail at once again.
async fn failed(error: &io::Error) {
    warn!("http: cannot accept a connection: {error}");
    sleep(Duration::from_millis(200)).await;
}

/// Serves one connection to its end.
pub(super) async fn serve<S>(stream: S, peer: Peer, app: &Shared, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let service = service_fn(|mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        if app.policy.is_base(request.uri().path()) {
            request.extensions_mut().insert(WithoutSlash);
        }
        if let Some(uri) = without_base(app, request.uri()) {
            *request.uri_mut() = uri;
        }
        router.clone().call(request)
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(MAX_HEADER_TIME)
        .max_buf_size(MAX_HEADER_SIZE)
        .max_headers(64);
    let connection = builder.serve_connection(TokioIo::new(Patient::new(stream)), service);
    let mut connection = std::pin::pin!(connection);
    let mut stop = app.stop.clone();
    let ended = tokio::select! {
        result = connection.as_mut() => Some(result),
        // An error means that the server is gone, which is an end, too.
        () = async { let _ = stop.wait_for(|stop| *stop).await; } => None,
    };
    let result = if let Some(result) = ended {
        result
    } else {
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    if let Err(error) = result {
        debug!("http: {peer:?}: {error}");
    }
}

/// Returns a URI without the base path; `None` if it does not begin with it.
fn without_base(app: &App, uri: &Uri) -> Option<Uri> {
    let path = app.policy.strip_base(uri.path());
    if path == uri.path() {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{path}{query}").parse().ok()?);
    Uri::from_parts(parts).ok()
}

fn listen(address: &SocketAddr) -> Result<StdTcpListener, StartError> {
    let bind = || {
        let listener = StdTcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    bind().map_err(|source| StartError::Listen { address: address.to_string(), source })
}

impl Socket {
    /// Listens on a Unix socket. The file of a program that has ended is replaced.
    fn bind(path: &Path) -> Result<Self, StartError> {
        let failed = |source| StartError::Listen { address: path.display().to_string(), source };
        if let Ok(found) = fs::symlink_metadata(path) {
            if !found.file_type().is_socket() {
                let text = format!(
                    "unix_socket {}: expected a socket or nothing, found another file",
                    path.display()
                );
                return Err(StartError::Config(text));
            }
            if StdUnixStream::connect(path).is_ok() {
                return Err(StartError::SocketInUse(path.to_owned()));
            }
            fs::remove_file(path).map_err(failed)?;
        }
        let bind = || {
            let listener = StdUnixListener::bind(path)?;
            // The group of the folder decides which proxy may connect.
            fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        Ok(Self { path: path.to_owned(), listener: bind().map_err(failed)? })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Greatest length of the headers in bytes.
const MAX_HEADER_SIZE: usize = 16 * 1024;
/// Greatest time until the headers of the next request are complete.
const MAX_HEADER_TIME: Duration = Duration::from_mins(1);
/// Greatest time in which connections end after a stop.
const MAX_END: Duration = Duration::from_secs(2);
