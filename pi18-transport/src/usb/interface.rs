//! The USB interface of an adapter, and the driver or program that uses it.

use std::{
    fmt, fs, io,
    os::fd::AsFd,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::{Error, ErrorKind, os::lock};

/// The USB interface of an adapter: its folder in sysfs, `…/1-1.2/1-1.2:1.0`.
#[derive(Clone, Debug)]
pub(crate) struct Interface(PathBuf);

/// An adapter that is plugged in, but not bound to the kernel's HID driver.
#[derive(Debug)]
pub(crate) struct TakenAdapter {
    /// The USB port.
    pub(crate) port: String,
    /// The kernel's name of the interface, such as `1-1.2:1.0`.
    interface: String,
    /// The driver that is bound to it instead; `usbfs` if a program drives it directly.
    driver: Option<String>,
    /// The program that has it open.
    holder: Option<String>,
}

impl Interface {
    /// Returns the interface of a HID device, if the device is on USB.
    pub(crate) fn of(device: &Path) -> Option<Self> {
        let folder = device.parent()?;
        folder.join("bInterfaceNumber").exists().then(|| Self(folder.to_owned()))
    }

    pub(super) fn port(&self) -> String {
        self.0.parent().and_then(name_of).unwrap_or_default()
    }

    /// Returns how the adapter was taken after its HID device disappeared, or `None` if it was
    /// unplugged.
    ///
    /// A program that takes the adapter first unbinds the HID driver and then binds `usbfs`, so this
    /// function waits briefly for the second step.
    pub(crate) fn taken(&self) -> Option<TakenAdapter> {
        if !self.is_configured() {
            return None;
        }
        let end = Instant::now() + REBINDING;
        loop {
            let driver = self.driver();
            if !self.0.exists() || driver.as_deref() == Some(HID_DRIVER) {
                return None;
            }
            if driver.is_some() || Instant::now() >= end {
                return self.is_configured().then(|| self.taken_adapter());
            }
            thread::sleep(REBINDING / 10);
        }
    }

    fn driver(&self) -> Option<String> {
        name_of(&fs::read_link(self.0.join("driver")).ok()?)
    }

    /// Returns whether the USB device has a configuration, which it loses when it is unplugged.
    ///
    /// On unplugging, the kernel removes the driver and then the interface while it holds the device's
    /// lock. Reading the configuration needs that lock, so the state in between is never read. If the lock
    /// is not released soon, the device is being removed, which may take a tenth of a second.
    ///
    /// Source: `usb_disconnect` and `bConfigurationValue_show` of Linux 6.1 and 6.12.
    fn is_configured(&self) -> bool {
        let Some(device) = self.0.parent() else { return false };
        let configuration = device.join(CONFIGURATION);
        let (tx, rx) = mpsc::channel();
        // If the read takes too long, the receiver is gone and its result is not needed.
        let read = move || drop(tx.send(fs::read_to_string(configuration)));
        let thread = thread::Builder::new().name("usb-configuration".to_owned()).spawn(read);
        let value = thread.ok().and_then(|_| rx.recv_timeout(LOCKED).ok()?.ok());
        value.is_some_and(|value| !value.trim().is_empty())
    }

    fn is_adapter(&self) -> bool {
        let Some(device) = self.0.parent() else { return false };
        let contains = |path: PathBuf, expected: &str| {
            fs::read_to_string(path).is_ok_and(|text| text.trim() == expected)
        };
        contains(device.join("idVendor"), "0665")
            && contains(device.join("idProduct"), "5161")
            && contains(self.0.join("bInterfaceClass"), "03")
    }

    fn taken_adapter(&self) -> TakenAdapter {
        let number = |file: &str| {
            let text = fs::read_to_string(self.0.parent()?.join(file)).ok()?;
            text.trim().parse::<u32>().ok()
        };
        let bus = number("busnum").zip(number("devnum"));
        let node = bus.map(|(bus, device)| format!("/dev/bus/usb/{bus:03}/{device:03}"));
        let holder = node.and_then(|node| lock::process_with_open(Path::new(&node)));
        let interface = name_of(&self.0).unwrap_or_default();
        TakenAdapter { port: self.port(), interface, driver: self.driver(), holder }
    }
}

impl TakenAdapter {
    /// Returns the error of this adapter. `source` is the error that showed that it was taken.
    pub(crate) fn error(&self, place: impl Into<String>, source: io::Error) -> Error {
        let message = format!("detached from the kernel's HID driver: {self}");
        Error::new(ErrorKind::Taken, place, message).with_source(source).with_hint(self.hint())
    }

    /// Returns what the user can do.
    fn hint(&self) -> String {
        let interface = &self.interface;
        match self.driver.as_deref() {
            None => format!(
                "plug it in again, or `echo {interface} | sudo tee /sys/bus/usb/drivers/{HID_DRIVER}/bind`"
            ),
            Some(_) => "stop that program and plug the adapter in again; NUT claims every 0665:5161 \
                        adapter (`systemctl stop nut-driver.target`) unless `port` and `bus` in ups.conf \
                        name its UPS"
                .to_owned(),
        }
    }
}

impl fmt::Display for TakenAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = &self.port;
        match (&self.driver, &self.holder) {
            (_, Some(holder)) => write!(f, "{holder} uses the USB adapter in port {port} directly"),
            (Some(driver), None) => write!(
                f,
                "driver {driver} is bound to the USB adapter in port {port} instead of {HID_DRIVER}"
            ),
            (None, None) => {
                write!(f, "the USB adapter in port {port} is plugged in, but bound to no driver")
            }
        }
    }
}

/// Returns the adapters that are plugged in and not bound to the HID driver.
pub(crate) fn taken_adapters() -> Vec<TakenAdapter> {
    let mut found: Vec<_> = fs::read_dir("/sys/bus/usb/devices")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let interface = Interface(entry.path().canonicalize().ok()?);
            let is_taken =
                interface.is_adapter() && interface.driver().as_deref() != Some(HID_DRIVER);
            is_taken.then(|| interface.taken_adapter())
        })
        .collect();
    found.sort_by(|a, b| a.port.cmp(&b.port));
    found
}

/// Returns the folder in sysfs of the HID device behind an open node.
pub(crate) fn device_of(node: &impl AsFd) -> Option<PathBuf> {
    let number = rustix::fs::fstat(node).ok()?.st_rdev;
    let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
    fs::canonicalize(format!("/sys/dev/char/{major}:{minor}/device")).ok()
}

/// Returns the last component of a path in sysfs, which is the kernel's name of the object.
pub(crate) fn name_of(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_string_lossy().into_owned())
}

const HID_DRIVER: &str = "usbhid";

/// The file with the number of the active configuration of a USB device; empty without one.
const CONFIGURATION: &str = "bConfigurationValue";

/// How long an interface may have no driver while a program takes it.
const REBINDING: Duration = Duration::from_millis(50);

/// Maximum time that a USB device is locked by anything but its removal.
const LOCKED: Duration = Duration::from_millis(30);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::usb::testing::Sysfs;

    #[test]
    fn unplugged_adapter_is_not_reported_as_taken() {
        let sysfs = Sysfs::new("taken");
        let usb = sysfs.interface("usb1/1-1/1-1:1.0");
        let configuration = usb.with_file_name(CONFIGURATION);
        fs::write(&configuration, "1\n").unwrap();
        let device = sysfs.plug("usb1/1-1/1-1:1.0", "0003:0665:5161.0001", "hidraw0", "");
        let interface = Interface::of(&device).unwrap();
        let taken = |interface: &Interface| interface.taken().map(|taken| taken.to_string());
        assert_eq!(
            taken(&interface).unwrap(),
            "the USB adapter in port 1-1 is plugged in, but bound to no driver"
        );
        symlink("/sys/bus/usb/drivers/usbfs", usb.join("driver")).unwrap();
        assert_eq!(
            taken(&interface).unwrap(),
            "driver usbfs is bound to the USB adapter in port 1-1 instead of usbhid"
        );
        fs::write(&configuration, "\n").unwrap();
        assert_eq!(taken(&interface), None);
        fs::write(&configuration, "1\n").unwrap();
        fs::remove_dir_all(&usb).unwrap();
        assert_eq!(taken(&interface), None);
    }
}
