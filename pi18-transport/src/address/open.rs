//! Opens the link to the target of an address.

use super::{options::Options, target::Target};
#[cfg(any(feature = "serial", feature = "tcp"))]
use crate::link::Reopening;
use crate::{
    Error, Link,
    os::node::{NodeKind, node_kind},
};

/// Opens the link to a target. `text` is the whole address, for errors.
pub(super) fn open(
    target: &Target,
    options: &Options,
    text: &str,
) -> Result<Box<dyn Link + Send>, Error> {
    match target {
        Target::Path(path) => match node_kind(path, text)? {
            NodeKind::Hidraw => open_as(&Target::Hidraw(path.clone()), options, text),
            NodeKind::Serial => open_as(&Target::Serial(path.clone()), options, text),
        },
        Target::Hidraw(path) => match node_kind(path, text)? {
            NodeKind::Hidraw => open_as(target, options, text),
            NodeKind::Serial => {
                Err(Error::address(text, "expected a hidraw device, found a serial port"))
            }
        },
        _ => open_as(target, options, text),
    }
}

/// Opens the link to a target whose kind is known.
#[allow(unused_variables, reason = "only some links have options")]
fn open_as(target: &Target, options: &Options, text: &str) -> Result<Box<dyn Link + Send>, Error> {
    match target {
        #[cfg(all(feature = "hidraw", target_os = "linux"))]
        Target::Hidraw(path) => Ok(Box::new(crate::Hidraw::open(path)?.with_pause(options.pause))),
        #[cfg(all(feature = "hidraw", target_os = "linux"))]
        Target::SerialNumber(serial) => {
            let follower = crate::Follower::open(*serial, options.config)?;
            Ok(Box::new(follower.with_pause(options.pause)))
        }
        #[cfg(feature = "serial")]
        Target::Serial(path) => {
            let (path, baud) = (path.clone(), options.baud);
            let open = move |_| {
                let link: Box<dyn Link + Send> = Box::new(crate::Serial::open(&path, baud)?);
                Ok(link)
            };
            Ok(Box::new(Reopening::new(open)?))
        }
        #[cfg(feature = "tcp")]
        Target::Tcp(host_and_port) => {
            let host_and_port = host_and_port.clone();
            let open = move |patience| {
                let link: Box<dyn Link + Send> =
                    Box::new(crate::Tcp::connect_within(&host_and_port, patience)?);
                Ok(link)
            };
            Ok(Box::new(Reopening::new(open)?))
        }
        #[cfg(feature = "sim")]
        Target::Sim(pack) if pack.starts_with("pack") => Ok(Box::new(crate::sim::open_pack(pack)?)),
        #[cfg(feature = "sim")]
        Target::Sim(unit) => Ok(Box::new(crate::sim::open(unit)?)),
        #[cfg(feature = "capture")]
        Target::Replay(path) => Ok(Box::new(crate::Replay::open(path)?)),
        #[cfg(all(feature = "bridge", target_os = "linux"))]
        Target::Bridge(unit) => {
            let timeout = options.config.timeout;
            let socket = options.socket.as_deref();
            let socket = socket.unwrap_or(std::path::Path::new(crate::bridge::SOCKET));
            Ok(Box::new(crate::bridge::Bridge::open(unit, socket, timeout)?))
        }
        target => Err(not_built(target, text)),
    }
}

/// Returns the error of a target for which this program was built without a link.
fn not_built(target: &Target, text: &str) -> Error {
    let (what, feature) = match target {
        Target::Hidraw(_) | Target::SerialNumber(_) if cfg!(not(target_os = "linux")) => {
            let error = Error::address(text, "USB is supported on Linux only");
            return error.with_hint("use serial: or tcp:");
        }
        Target::Bridge(_) if cfg!(not(target_os = "linux")) => {
            return Error::address(text, "a bridge is supported on Linux only");
        }
        Target::Path(_) | Target::Hidraw(_) | Target::SerialNumber(_) => ("USB", "hidraw"),
        Target::Serial(_) => ("serial ports", "serial"),
        Target::Tcp(_) => ("TCP", "tcp"),
        Target::Sim(_) => ("the virtual bank", "sim"),
        Target::Replay(_) => ("captures", "capture"),
        Target::Bridge(_) => ("the socket of a bridge", "bridge"),
        Target::Pack(port) => return not_built(port, text),
    };
    let why =
        format!("this program was built without {what} (feature `{feature}` of pi18-transport)");
    Error::address(text, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_without_its_feature_is_named_with_the_feature() {
        let error = not_built(&Target::Serial("/dev/x".into()), "serial:/dev/x");
        assert!(error.is_address());
        assert_eq!(
            error.to_string(),
            "address \"serial:/dev/x\": this program was built without serial ports \
             (feature `serial` of pi18-transport)"
        );
        let feature = |target: Target| not_built(&target, "x").to_string();
        assert!(feature(Target::Tcp("h:1".to_owned())).contains("without TCP (feature `tcp`"));
        assert!(feature(Target::Sim("0".to_owned())).contains("bank (feature `sim`"));
        assert!(feature(Target::Replay("x".into())).contains("captures (feature `capture`"));
    }
}
