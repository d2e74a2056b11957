//! Discovery: finds the units behind all USB adapters.

use std::{io, time::Duration};

use super::{
    adapter::adapters,
    device::{Device, in_parallel, nameplate},
    interface::taken_adapters,
    probe::open,
};
use crate::os::lock;

/// Finds the units behind all USB adapters that are plugged in.
///
/// This sends only queries (`PI`, `ID`, then `GMN`, `VFW`, `GS`), to all adapters at the same time. It takes
/// less than a second if all units answer, and two seconds otherwise.
///
/// ```
/// for device in pi18_transport::discover() {
///     match device.unit {
///         Ok(unit) => println!("{:?}: unit {}", device.node, unit.serial_number),
///         Err(error) => println!("no unit: {error:#}"),
///     }
/// }
/// ```
#[must_use]
pub fn discover() -> Vec<Device> {
    let probed = in_parallel(&adapters(), |adapter| {
        let unit = open(&adapter, PATIENCE).and_then(nameplate);
        Device { node: Some(adapter.node), port: adapter.port, unit }
    });
    let taken = taken_adapters().into_iter().map(|taken| {
        let place = format!("USB port {}", taken.port);
        let error = taken.error(place, io::ErrorKind::NotConnected.into());
        Device { node: None, port: Some(taken.port), unit: Err(error) }
    });
    probed.into_iter().chain(taken).collect()
}

/// How long to wait for a device that another program is using.
const PATIENCE: Duration = lock::PATIENCE.saturating_sub(Duration::from_millis(500));
