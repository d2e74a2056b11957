//! The server on real sockets.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt, net::UnixStream},
};

use tokio::{runtime::Builder, sync::oneshot};

use super::*;
use crate::http::{Server, StartError};

fn config() -> HttpConfig {
    HttpConfig { listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))], ..HttpConfig::default() }
}

fn bind(config: &HttpConfig) -> Result<(Server, FakeCore), StartError> {
    let tokens = Tokens::new(Arc::new(MemoryStorage::default()));
    let (handle, core) = testing::handle(testing::bank(Now::system()));
    Ok((Server::bind(config, vec![handle], tokens, None)?, core))
}

/// Sends a request, and returns what is received until the server closes.
fn ask(mut stream: impl Read + Write, host: &str) -> String {
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn server_answers_on_tcp_and_unix_socket_until_it_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let (server, _core) =
        bind(&HttpConfig { unix_socket: Some(path.clone()), ..config() }).unwrap();
    let address = server.addresses()[0];
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o660);
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(server.run(async { drop(stopped.await) })).unwrap();
    });
    let text = ask(TcpStream::connect(address).unwrap(), &address.to_string());
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    let text = ask(UnixStream::connect(&path).unwrap(), "localhost");
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");

    // A connection that is idle and a stream do not keep the server from ending.
    let _idle = TcpStream::connect(address).unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /api/v1/events HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    stream.read_exact(&mut [0; 20]).unwrap();
    drop(stop);
    thread.join().unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(!path.exists());
}

#[test]
fn address_in_use_is_named() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap();
    let error = bind(&HttpConfig { listen: vec![address], ..config() }).unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot listen on {address}: ")), "{error}");
    assert!(error.is_transient());
}

#[test]
fn socket_of_a_running_program_is_kept_and_that_of_an_ended_one_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let config = HttpConfig { unix_socket: Some(path.clone()), ..config() };
    let (first, _core) = bind(&config).unwrap();
    assert!(matches!(bind(&config), Err(StartError::SocketInUse(_))));
    // Leaves the file, as a program that was killed does.
    drop(first);
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(bind(&config).is_ok());

    std::fs::write(&path, "precious").unwrap();
    assert!(matches!(bind(&config), Err(StartError::Config(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}
