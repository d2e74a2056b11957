//! Which requests are considered at all: `Host`, proxies, `Origin`.

use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode, Uri, header, uri::Authority};

use super::{Refusal, StartError, peer::Peer};
use crate::config::HttpConfig;

/// The rules for requests, from the configuration.
#[derive(Debug)]
pub(super) struct Policy {
    hosts: Vec<Host>,
    trusted_proxies: Vec<IpAddr>,
    base_path: String,
    /// Whether control over plain HTTP beyond loopback is allowed.
    pub(super) allow_plain_control: bool,
}

/// A name of the server in the configuration.
#[derive(Debug)]
struct Host {
    name: String,
    /// Port that the client must name; `None` for any.
    port: Option<u16>,
}

/// A client, as far as it is known before it shows a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Visitor {
    /// Name and port under which the browser sees the server.
    pub(super) host: String,
    /// Address of the client; `None` on the Unix socket without a proxy.
    pub(super) ip: Option<IpAddr>,
    /// How the client reached the server.
    pub(super) reach: Reach,
    /// Whether a trusted proxy says that the browser uses TLS.
    pub(super) is_https: bool,
    /// Path under which the browser sees the server; empty for the root.
    pub(super) base_path: String,
    /// Whether Home Assistant shows the server in a frame.
    pub(super) is_ingress: bool,
}

/// How a client reached the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reach {
    /// From this machine, without a proxy.
    Local,
    /// Through a proxy over the Unix socket, whose access rights decide who can connect.
    Socket,
    /// From another machine, or through a proxy.
    Remote,
}

impl Policy {
    /// Checks the configuration.
    pub(super) fn new(config: &HttpConfig) -> Result<Self, StartError> {
        let hosts = config.hosts.iter().map(|host| Host::parse(host)).collect::<Result<_, _>>()?;
        if !is_base_path(&config.base_path) {
            let found = &config.base_path;
            let text =
                format!("base_path: expected nothing or a path such as /solar, found {found:?}");
            return Err(StartError::Config(text));
        }
        Ok(Self {
            hosts,
            trusted_proxies: config.trusted_proxies.iter().map(IpAddr::to_canonical).collect(),
            base_path: config.base_path.clone(),
            allow_plain_control: config.allow_plain_control,
        })
    }

    /// Judges a request by its address and its headers.
    pub(super) fn judge(
        &self,
        peer: Peer,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Visitor, Refusal> {
        let bad = |text: &str| Refusal::new(StatusCode::BAD_REQUEST, text);
        let host =
            single(headers, "host")?.ok_or_else(|| bad("expected one Host header, found none"))?;
        self.check_host(peer, host)?;
        if uri.authority().is_some_and(|authority| !authority.as_str().eq_ignore_ascii_case(host)) {
            return Err(bad("expected the same host in the request line and in Host"));
        }
        let is_trusted = match peer {
            Peer::Tcp { remote, .. } => self.trusted_proxies.contains(&remote.ip()),
            Peer::Unix => true,
        };
        let is_forwarded = headers.keys().any(|name| is_forwarding(name.as_str()));
        // The lengths of the body disagree if both headers are there. Only proxies of the configuration may send bodies
        // in chunks, and their connection is closed afterwards.
        if headers.contains_key(header::TRANSFER_ENCODING) && !is_trusted {
            let text = "expected a body with Content-Length, found Transfer-Encoding";
            return Err(Refusal::new(StatusCode::LENGTH_REQUIRED, text));
        }

        let reach = match peer.ip() {
            // Behind a proxy on this machine, everyone comes from loopback.
            // A proxy that adds no header may at least pass the name on that the browser asked for.
            Some(ip)
                if ip.is_loopback() && !is_forwarded && !is_trusted && is_own_host(peer, host) =>
            {
                Reach::Local
            }
            Some(_) => Reach::Remote,
            None if is_forwarded => Reach::Socket,
            None => Reach::Local,
        };
        let mut visitor = Visitor {
            host: host.to_ascii_lowercase(),
            ip: peer.ip(),
            reach,
            is_https: false,
            base_path: self.base_path.clone(),
            is_ingress: false,
        };
        if is_trusted {
            self.read_forwarded(peer, headers, &mut visitor)?;
        }
        Ok(visitor)
    }

    /// Reads the headers of a trusted proxy.
    fn read_forwarded(
        &self,
        peer: Peer,
        headers: &HeaderMap,
        visitor: &mut Visitor,
    ) -> Result<(), Refusal> {
        let bad = |text: String| Refusal::new(StatusCode::BAD_REQUEST, text);
        let mut forwarded = Vec::new();
        for value in headers.get_all("x-forwarded-for") {
            let value = value.to_str().unwrap_or("?");
            forwarded.extend(value.split(',').map(|part| part.trim().parse::<IpAddr>()));
        }
        // Entries before the last trusted one may be invented by the client.
        for ip in forwarded.into_iter().rev() {
            let ip = ip.map_err(|_| bad("expected IP addresses in X-Forwarded-For".to_owned()))?;
            visitor.ip = Some(ip.to_canonical());
            if !self.trusted_proxies.contains(&ip.to_canonical()) {
                break;
            }
        }
        if let Some(proto) = single(headers, "x-forwarded-proto")? {
            visitor.is_https = proto.rsplit(',').next().is_some_and(|last| last.trim() == "https");
        }
        if let Some(host) = single(headers, "x-forwarded-host")? {
            self.check_host(peer, host)?;
            visitor.host = host.to_ascii_lowercase();
        }
        let ingress = single(headers, "x-ingress-path")?;
        let prefix = single(headers, "x-forwarded-prefix")?;
        if let Some(path) = ingress.or(prefix) {
            let path = path.strip_suffix('/').unwrap_or(path);
            if !is_base_path(path) {
                return Err(bad(format!(
                    "expected a path such as /solar from the proxy, found {path:?}"
                )));
            }
            path.clone_into(&mut visitor.base_path);
        }
        visitor.is_ingress = ingress.is_some();
        Ok(())
    }

    /// Checks the name under which the client reached the server. Another name means that a web site made its own name
    /// lead here (DNS rebinding), so that its scripts could read the answers.
    fn check_host(&self, peer: Peer, host: &str) -> Result<(), Refusal> {
        let is_allowed = host.parse::<Authority>().is_ok_and(|authority| {
            let name = authority.host().trim_end_matches('.');
            let port = authority.port_u16();
            // A user name (`user@host`) has no place in Host, and a port must be a number that exists.
            let is_plain = host.len() == authority.host().len() || port.is_some();
            let is_plain = is_plain && !host.contains('@');
            is_plain && (is_own(peer, name, port) || self.is_listed(name, port))
        });
        if is_allowed {
            return Ok(());
        }
        let text = format!(
            "expected a Host that the configuration names under http.hosts, found {host:?}"
        );
        Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, text))
    }

    fn is_listed(&self, name: &str, port: Option<u16>) -> bool {
        self.hosts.iter().any(|host| {
            host.name.eq_ignore_ascii_case(name) && host.port.is_none_or(|own| Some(own) == port)
        })
    }

    /// Returns whether a path is the base path without a slash at its end.
    pub(super) fn is_base(&self, path: &str) -> bool {
        !self.base_path.is_empty() && path == self.base_path
    }

    /// Returns the path of a request without the configured base path, which a proxy may have kept.
    pub(super) fn strip_base<'path>(&self, path: &'path str) -> &'path str {
        match path.strip_prefix(&self.base_path) {
            Some("") => "/",
            Some(rest) if rest.starts_with('/') => rest,
            _ => path,
        }
    }
}

/// Returns whether a `Host` header has a name or address that the connection itself has, so none of the configuration.
fn is_own_host(peer: Peer, host: &str) -> bool {
    host.parse::<Authority>().is_ok_and(|authority| {
        is_own(peer, authority.host().trim_end_matches('.'), authority.port_u16())
    })
}

/// Returns whether a name is `localhost` or the address at which the connection arrived. Names can be rebound, addresses
/// cannot.
fn is_own(peer: Peer, name: &str, port: Option<u16>) -> bool {
    let is_localhost = name.eq_ignore_ascii_case("localhost");
    match peer {
        Peer::Unix => is_localhost,
        Peer::Tcp { local, .. } => {
            let bare = name.trim_start_matches('[').trim_end_matches(']');
            let is_local = bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical() == local.ip());
            let is_loopback = local.ip().is_loopback();
            port.unwrap_or(80) == local.port() && (is_local || is_localhost && is_loopback)
        }
    }
}

impl Host {
    fn parse(text: &str) -> Result<Self, StartError> {
        let authority = text.parse::<Authority>().ok().filter(|found| {
            !text.contains('@')
                && !found.host().is_empty()
                && (found.host().len() == text.len() || found.port_u16().is_some())
        });
        let authority = authority.ok_or_else(|| {
            StartError::Config(format!(
                "hosts: expected a name such as solar.lan or solar.lan:8480, found {text:?}"
            ))
        })?;
        Ok(Self {
            name: authority.host().trim_end_matches('.').to_owned(),
            port: authority.port_u16(),
        })
    }
}

/// Checks that a request which changes something was sent by a page of this server, or by a program.
///
/// Browsers send `Origin` with such requests. A program without cookies need not.
pub(super) fn check_origin(
    visitor: &Visitor,
    headers: &HeaderMap,
    needs_origin: bool,
) -> Result<(), Refusal> {
    let forbidden = |text: String| Refusal::new(StatusCode::FORBIDDEN, text);
    let Some(origin) = single(headers, "origin")? else {
        return if needs_origin {
            Err(forbidden("expected an Origin header, because the request has a cookie".to_owned()))
        } else {
            Ok(())
        };
    };
    let scheme = if visitor.is_https { "https" } else { "http" };
    let own = format!("{scheme}://{}", visitor.host);
    if origin.eq_ignore_ascii_case(&own) {
        Ok(())
    } else {
        Err(forbidden(format!("expected the Origin {own}, found {origin:?}")))
    }
}

/// Returns the only value of a header; `None` if there is none.
fn single<'headers>(
    headers: &'headers HeaderMap,
    name: &str,
) -> Result<Option<&'headers str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let bad = || {
        Refusal::new(StatusCode::BAD_REQUEST, format!("expected one {name} header in plain ASCII"))
    };
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| bad()),
        (Some(_), Some(_)) => Err(bad()),
    }
}

/// Returns whether a proxy adds this header. The request is not from the machine of the connection then.
fn is_forwarding(name: &str) -> bool {
    name.starts_with("x-forwarded-")
        || matches!(
            name,
            "forwarded"
                | "via"
                | "x-real-ip"
                | "x-ingress-path"
                | "x-original-url"
                | "cf-connecting-ip"
        )
}

/// Returns whether a text is empty or an absolute path of plain characters that is safe in HTML, headers and cookies.
fn is_base_path(path: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_~.".contains(c);
    let is_segment =
        |part: &str| !part.is_empty() && part != "." && part != ".." && part.chars().all(is_plain);
    path.is_empty()
        || path.len() <= 200
            && path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_segment))
}

#[cfg(test)]
mod tests;
