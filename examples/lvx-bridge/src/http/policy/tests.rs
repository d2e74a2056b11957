use axum::http::{HeaderName, HeaderValue};

use super::*;

fn policy(change: impl FnOnce(&mut HttpConfig)) -> Policy {
    let mut config = HttpConfig::default();
    change(&mut config);
    Policy::new(&config).unwrap()
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

fn headers(list: &[(&str, &str)]) -> HeaderMap {
    list.iter()
        .map(|(name, value)| {
            (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
        })
        .collect()
}

fn judge(policy: &Policy, peer: Peer, list: &[(&str, &str)]) -> Result<Visitor, StatusCode> {
    policy.judge(peer, &Uri::from_static("/"), &headers(list)).map_err(|refusal| refusal.status)
}

#[test]
fn host_must_be_an_address_of_the_server_or_configured() {
    let policy = policy(|config| config.hosts = vec!["solar.lan".into(), "x.lan:443".into()]);
    for (peer, host) in [
        (loopback(), "127.0.0.1:8480"),
        (loopback(), "localhost:8480"),
        (loopback(), "LocalHost.:8480"),
        (peer("[::1]:1", "[::1]:8480"), "[::1]:8480"),
        (lan(), "192.0.2.1:8480"),
        (lan(), "solar.lan"),
        (lan(), "SOLAR.lan:8480"),
        (lan(), "x.lan:443"),
        (peer("192.0.2.7:1", "192.0.2.1:80"), "192.0.2.1"),
        (Peer::Unix, "localhost"),
    ] {
        assert!(judge(&policy, peer, &[("host", host)]).is_ok(), "{host}");
    }
    for (peer, host) in [
        (loopback(), "evil.example:8480"),
        (loopback(), "127.0.0.1"),
        (loopback(), "127.0.0.1:8481"),
        (loopback(), "192.0.2.1:8480"),
        (loopback(), "localhost.evil.example:8480"),
        (loopback(), "me@localhost:8480"),
        (loopback(), "localhost:99999"),
        (lan(), "localhost:8480"),
        (lan(), "x.lan"),
        (lan(), "x.lan:80"),
        (Peer::Unix, "evil.example"),
    ] {
        let found = judge(&policy, peer, &[("host", host)]);
        assert_eq!(found, Err(StatusCode::MISDIRECTED_REQUEST), "{host}");
    }
}

#[test]
fn host_is_required_once_and_agrees_with_the_request_line() {
    let policy = policy(|_| {});
    assert_eq!(judge(&policy, loopback(), &[]), Err(StatusCode::BAD_REQUEST));
    let twice = [("host", "localhost:8480"), ("host", "localhost:8480")];
    assert_eq!(judge(&policy, loopback(), &twice), Err(StatusCode::BAD_REQUEST));
    let uri = Uri::from_static("http://evil.example/");
    let found = policy.judge(loopback(), &uri, &headers(&[("host", "localhost:8480")]));
    assert_eq!(found.unwrap_err().status, StatusCode::BAD_REQUEST);
}

#[test]
fn only_direct_connections_from_this_machine_read_without_a_token() {
    let policy = policy(|config| {
        config.hosts = vec!["solar.lan".into()];
        config.trusted_proxies = vec![[127, 0, 0, 1].into()];
    });
    let plain = Policy::new(&HttpConfig::default()).unwrap();
    let may_read = |policy: &Policy, peer, list: &[(&str, &str)]| {
        judge(policy, peer, list).unwrap().reach != Reach::Remote
    };
    let host = ("host", "localhost:8480");
    assert!(may_read(&plain, loopback(), &[host]));
    for header in
        ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via", "x-ingress-path"]
    {
        assert!(!may_read(&plain, loopback(), &[host, (header, "192.0.2.7")]), "{header}");
    }
    assert!(!may_read(&plain, lan(), &[("host", "192.0.2.1:8480")]));
    // A proxy on this machine that adds no header and is not configured, but passes the name on.
    let named = self::policy(|config| config.hosts = vec!["solar.lan".into()]);
    assert!(!may_read(&named, loopback(), &[("host", "solar.lan")]));
    assert!(may_read(&named, loopback(), &[host]));
    // A configured proxy on this machine is a proxy even if it adds no header.
    assert!(!may_read(&policy, loopback(), &[host]));
    assert!(may_read(&policy, Peer::Unix, &[("host", "solar.lan")]));
}

#[test]
fn headers_of_proxies_count_from_configured_addresses_only() {
    let list = [
        ("host", "solar.lan"),
        ("x-forwarded-for", "198.51.100.1, 203.0.113.9, 192.0.2.8"),
        ("x-forwarded-proto", "https"),
        ("x-ingress-path", "/api/hassio_ingress/AbC-_1"),
    ];
    let hosts = |config: &mut HttpConfig| config.hosts = vec!["solar.lan".into()];
    let visitor = judge(&policy(hosts), lan(), &list).unwrap();
    assert_eq!(visitor.ip, lan().ip());
    assert!(!visitor.is_https && !visitor.is_ingress && visitor.base_path.is_empty());

    let policy = policy(|config| {
        hosts(config);
        config.trusted_proxies = vec![[192, 0, 2, 7].into(), [192, 0, 2, 8].into()];
    });
    let visitor = judge(&policy, lan(), &list).unwrap();
    assert_eq!(visitor.ip, Some([203, 0, 113, 9].into()));
    assert!(visitor.is_https && visitor.is_ingress);
    assert_eq!(visitor.base_path, "/api/hassio_ingress/AbC-_1");
    for path in ["//evil.example", "/a/../b", "/a b", "/\"><script>", "solar", "/a;b", "/a//b"] {
        let found = judge(&policy, lan(), &[("host", "solar.lan"), ("x-ingress-path", path)]);
        assert_eq!(found, Err(StatusCode::BAD_REQUEST), "{path}");
    }
    let found =
        judge(&policy, lan(), &[("host", "solar.lan"), ("x-forwarded-host", "evil.example")]);
    assert_eq!(found, Err(StatusCode::MISDIRECTED_REQUEST));
}

#[test]
fn body_in_chunks_is_refused_unless_from_a_proxy() {
    let list = [("host", "192.0.2.1:8480"), ("transfer-encoding", "chunked")];
    assert_eq!(judge(&policy(|_| {}), lan(), &list), Err(StatusCode::LENGTH_REQUIRED));
    let policy = policy(|config| config.trusted_proxies = vec![[192, 0, 2, 7].into()]);
    assert!(judge(&policy, lan(), &list).is_ok());
}

#[test]
fn origin_must_be_the_server_itself() {
    let policy = policy(|_| {});
    let visitor = judge(&policy, loopback(), &[("host", "localhost:8480")]).unwrap();
    let check = |origin: &str| check_origin(&visitor, &headers(&[("origin", origin)]), true);
    assert!(check("http://localhost:8480").is_ok());
    for origin in [
        "null",
        "https://localhost:8480",
        "http://localhost",
        "http://evil.example",
        "http://localhost:8480.evil.example",
    ] {
        assert_eq!(check(origin).unwrap_err().status, StatusCode::FORBIDDEN, "{origin}");
    }
    assert!(check_origin(&visitor, &HeaderMap::new(), true).is_err());
    assert!(check_origin(&visitor, &HeaderMap::new(), false).is_ok());
}

#[test]
fn base_path_is_removed_from_the_path_only_as_a_whole() {
    let policy = policy(|config| config.base_path = "/solar".to_owned());
    assert_eq!(policy.strip_base("/solar/metrics"), "/metrics");
    assert_eq!(policy.strip_base("/solar"), "/");
    assert_eq!(policy.strip_base("/solarium"), "/solarium");
    assert_eq!(policy.strip_base("/metrics"), "/metrics");
}

#[test]
fn configuration_with_a_bad_host_or_path_is_refused() {
    for host in ["http://solar.lan", "", "a b", "solar.lan/x", "me@solar.lan", "solar.lan:99999"] {
        let config = HttpConfig { hosts: vec![host.to_owned()], ..HttpConfig::default() };
        assert!(matches!(Policy::new(&config), Err(StartError::Config(_))), "{host:?}");
    }
    for path in ["solar", "/", "/solar/", "/../x"] {
        let config = HttpConfig { base_path: path.to_owned(), ..HttpConfig::default() };
        assert!(matches!(Policy::new(&config), Err(StartError::Config(_))), "{path:?}");
    }
}
