//! A place where a unit can be connected, and the identity of the unit that answers there.

use std::{path::PathBuf, thread};

use pi18_proto::{
    Count, FirmwareVersions, GeneralStatus, Identity, MachineModel, Model, SerialNumber,
};

use crate::{Client, ClientConfig, Error, Link};

/// A place where a unit can be connected, and the unit that was found there.
#[derive(Debug)]
#[non_exhaustive]
pub struct Device {
    /// The device node, such as `/dev/hidraw0`; `None` for an adapter that is not bound to the kernel's
    /// HID driver.
    pub node: Option<PathBuf>,
    /// The USB port, such as `1-1.2`.
    pub port: Option<String>,
    /// The unit, or why none was found: [no reply](Error::is_timeout), [another
    /// protocol](Error::is_not_pi18), a device that another program [holds](Error::is_busy) or
    /// [took](Error::is_taken), or [no permission](Error::is_permission) to open it.
    pub unit: Result<Nameplate, Error>,
}

/// The identity of a unit, as it reports it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Nameplate {
    /// The serial number. Some units report a placeholder: check
    /// [`looks_genuine`](SerialNumber::looks_genuine).
    pub serial_number: SerialNumber,
    /// The model; older units do not report it.
    pub model: Option<Model>,
    /// The firmware versions.
    pub firmware: Option<FirmwareVersions>,
    /// The unit's number in the bank, 0 for the master.
    pub instance: Option<Count>,
}

impl Nameplate {
    /// Reads the identity of the unit behind a link. This sends only queries.
    ///
    /// ```
    /// let link = pi18_transport::sim::open("1")?;
    /// let unit = pi18_transport::Nameplate::read(link)?;
    /// assert_eq!(unit.serial_number.as_str(), "96132206100411");
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the unit does not report its serial number.
    pub fn read(link: impl Link) -> Result<Self, Error> {
        nameplate(link)
    }
}

/// Probes all places at the same time, one thread each.
pub(super) fn in_parallel<T: Clone + Send + Sync>(
    places: &[T],
    probe: impl Fn(T) -> Device + Sync,
) -> Vec<Device> {
    thread::scope(|scope| {
        let start = |place: &'_ T| {
            let (place, probe) = (place.clone(), &probe);
            thread::Builder::new().spawn_scoped(scope, move || probe(place))
        };
        let threads: Vec<_> = places.iter().map(|place| (place, start(place))).collect();
        threads
            .into_iter()
            .map(|(place, thread)| match thread {
                Ok(thread) => {
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                }
                // The system cannot start another thread: probe on this one.
                Err(_) => probe(place.clone()),
            })
            .collect()
    })
}

/// Reads the identity of the unit behind a link.
pub(super) fn nameplate(link: impl Link) -> Result<Nameplate, Error> {
    let timeout = ClientConfig::default().timeout / 2;
    let config =
        ClientConfig { timeout, tries: 2, deadline: timeout * 4, ..ClientConfig::default() };
    let mut client = Client::with_config(link, config);
    let serial_number = serial_number(&mut client)?;
    Ok(Nameplate {
        serial_number,
        model: client.read::<MachineModel>().ok().map(|reply| reply.model),
        firmware: client.read::<FirmwareVersions>().ok(),
        instance: client.read::<GeneralStatus>().ok().map(|status| status.parallel_instance),
    })
}

/// Reads the serial number. The client sends the fence `PI` first, so the reply is that of this unit.
pub(super) fn serial_number(client: &mut Client<impl Link>) -> Result<SerialNumber, Error> {
    client.read::<Identity>().map(|identity| identity.serial_number)
}
