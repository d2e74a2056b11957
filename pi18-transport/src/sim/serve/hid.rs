//! A unit as a HID device: the common part of `serve_uhid` and `serve_functionfs`.

use std::os::fd::{AsFd, BorrowedFd};

use bytes::BytesMut;

use super::{Port, Served};
use crate::{
    Error, Link,
    sim::{
        SharedBank,
        report::{Report, reports},
    },
};

/// A virtual HID device that exists while its unit is connected. Dropping it unplugs it from the host.
pub(super) trait HidDevice: AsFd {
    /// Returns the next output report that the host has sent; `None` if there is none yet.
    fn output(&self) -> Result<Option<Vec<u8>>, Error>;

    /// Sends a report to the host. It is lost if no host fetches it.
    fn input(&self, report: Report);

    /// Gives the host time to fetch the last reports before the device is dropped.
    fn linger(&self) {}
}

/// Serves a unit through the device that `plug_in` creates, now and whenever the unit is connected again.
pub(super) fn serve_device<D: HidDevice + Send + 'static>(
    bank: &SharedBank,
    unit: usize,
    path: String,
    action: &'static str,
    plug_in: impl Fn() -> Result<D, Error> + Send + 'static,
) -> Result<Served, Error> {
    let link = bank.link(unit).with_adapter();
    let name = link.name().to_owned();
    let device = Some(plug_in()?);
    Served::start(path, link, HidPort { plug_in, device })
        .map_err(|error| Error::io(name, action, error))
}

/// The port of a unit that is served through a HID device.
struct HidPort<D, P> {
    /// Function that creates the device.
    plug_in: P,
    /// The device while the unit is connected.
    device: Option<D>,
}

impl<D: HidDevice, P: Fn() -> Result<D, Error>> Port for HidPort<D, P> {
    fn files(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.device.iter().map(AsFd::as_fd)
    }

    fn receive(&mut self, buffer: &mut BytesMut) -> bool {
        let Some(device) = &self.device else {
            return true;
        };
        loop {
            match device.output() {
                Ok(Some(report)) => buffer.extend_from_slice(&report),
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        if let Some(device) = &self.device {
            reports(bytes).for_each(|report| device.input(report));
        }
    }

    fn disconnect(&mut self) -> bool {
        if let Some(device) = self.device.take() {
            device.linger();
        }
        true
    }

    fn connect(&mut self) {
        if self.device.is_none() {
            // A failed attempt is repeated in the next iteration of the thread.
            self.device = (self.plug_in)().ok();
        }
    }
}
