//! USB adapters of these inverters, as the kernel shows them in sysfs. Nothing is opened here.
//!
//! The adapters have no serial number of their own and share vendor and product with UPSs; their
//! node's number goes to whoever is plugged in next. What is never given twice is the kernel's name
//! for one plugging, such as `0003:0665:5161.002D`.
//!
//! Source: measured on Linux 6.1 and 6.12; the parent's uevent says `HID_ID`, the node's own does not.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::os::lock;

/// A USB adapter like those of these inverters (`0665:5161`).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Adapter {
    /// Its node, such as `/dev/hidraw0`. Another adapter has it after this one is unplugged.
    pub node: PathBuf,
    /// The kernel's name for this plugging, such as `0003:0665:5161.002D`: another one each time.
    pub plugging: String,
    /// The USB port, such as `1-1.2`. If it is not on USB, where it says it is.
    pub port: Option<String>,
}

/// The adapters that are plugged in, by the numbers of their nodes.
#[must_use]
pub fn adapters() -> Vec<Adapter> {
    list().unwrap_or_default()
}

/// The same, where it matters that one may be unable to look.
pub(crate) fn list() -> io::Result<Vec<Adapter>> {
    match adapters_in(Path::new(CLASS)) {
        // The class is there once there was something in it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        looked => looked,
    }
}

const CLASS: &str = "/sys/class/hidraw";

/// What the parent's uevent says of such an adapter.
const HID_ID: &str = "HID_ID=0003:00000665:00005161";

fn adapters_in(class: &Path) -> io::Result<Vec<Adapter>> {
    let nodes = fs::read_dir(class)?.flatten();
    let mut found: Vec<_> = nodes
        .filter_map(|node| {
            let device = node.path().join("device");
            let uevent = fs::read_to_string(device.join("uevent")).ok()?;
            uevent.lines().find(|line| *line == HID_ID)?;
            let device = device.canonicalize().ok()?;
            Some(Adapter {
                node: Path::new("/dev").join(node.file_name()),
                plugging: name_of(&device)?,
                port: port_of(&device, &uevent),
            })
        })
        .collect();
    // hidraw10 comes behind hidraw9.
    found.sort_by_key(|adapter| (adapter.node.as_os_str().len(), adapter.node.clone()));
    Ok(found)
}

/// `1-1.2` of `…/1-1.2/1-1.2:1.0/0003:0665:5161.002D`.
fn port_of(device: &Path, uevent: &str) -> Option<String> {
    let interface = Interface::of(device);
    interface.map(|interface| interface.port()).or_else(|| {
        let physical = uevent.lines().find_map(|line| line.strip_prefix("HID_PHYS="));
        physical.filter(|text| !text.is_empty()).map(str::to_owned)
    })
}

pub(crate) fn name_of(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_string_lossy().into_owned())
}

/// The folder that sysfs has for the HID device behind an open node.
pub(crate) fn device_of(node: &impl std::os::fd::AsFd) -> Option<PathBuf> {
    let number = rustix::fs::fstat(node).ok()?.st_rdev;
    let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
    fs::canonicalize(format!("/sys/dev/char/{major}:{minor}/device")).ok()
}

/// The interface of a USB device that an adapter is: `…/1-1.2/1-1.2:1.0`.
#[derive(Clone, Debug)]
pub(crate) struct Interface(PathBuf);

/// Who has an adapter that is plugged in, if not the kernel's HID driver.
#[derive(Debug)]
pub(crate) struct Taken {
    /// The USB port.
    pub(crate) port: String,
    /// As the kernel names it, such as `1-1.2:1.0`.
    interface: String,
    /// `usbfs` if a program drives it directly; none if nobody does.
    driver: Option<String>,
    /// That program.
    holder: Option<String>,
}

impl Interface {
    /// That of a HID device, if it is on USB.
    pub(crate) fn of(device: &Path) -> Option<Self> {
        let folder = device.parent()?;
        folder.join("bInterfaceNumber").exists().then(|| Self(folder.to_owned()))
    }

    fn port(&self) -> String {
        self.0.parent().and_then(name_of).unwrap_or_default()
    }

    fn driver(&self) -> Option<String> {
        name_of(&fs::read_link(self.0.join("driver")).ok()?)
    }

    fn taken(&self) -> Taken {
        let number = |of: &str| {
            let text = fs::read_to_string(self.0.parent()?.join(of)).ok()?;
            text.trim().parse::<u32>().ok()
        };
        let bus = number("busnum").zip(number("devnum"));
        let node = bus.map(|(bus, device)| format!("/dev/bus/usb/{bus:03}/{device:03}"));
        let holder = node.and_then(|node| lock::having_open(Path::new(&node)));
        let interface = name_of(&self.0).unwrap_or_default();
        Taken { port: self.port(), interface, driver: self.driver(), holder }
    }

    /// Who took the adapter, after its HID device is gone; none if it was unplugged.
    ///
    /// A program that wants the adapter for itself first takes the driver away and then puts `usbfs` in
    /// its place, for which a moment is given to it.
    pub(crate) fn taken_from_us(&self) -> Option<Taken> {
        if !self.is_configured() {
            return None;
        }
        let end = Instant::now() + TAKING;
        loop {
            let driver = self.driver();
            if !self.0.exists() || driver.as_deref() == Some(HID_DRIVER) {
                return None;
            }
            if driver.is_some() || Instant::now() >= end {
                return self.is_configured().then(|| self.taken());
            }
            thread::sleep(TAKING / 10);
        }
    }

    /// Whether its USB device is in use. When a cable is pulled the driver goes first and the interface
    /// after it, with the device locked from before the one until after the other; this looks at what
    /// is behind that lock, so that nothing in between is seen. One that stays locked is being taken
    /// down, which may go on for a tenth of a second.
    ///
    /// Source: `usb_disconnect` and `bConfigurationValue_show` of Linux 6.1 and 6.12.
    fn is_configured(&self) -> bool {
        let Some(device) = self.0.parent() else { return false };
        let configuration = device.join(CONFIGURATION);
        let (tell, told) = mpsc::channel();
        // If it takes longer, nobody wants to know.
        let read = move || drop(tell.send(fs::read_to_string(configuration)));
        let reading = thread::Builder::new().name("is it plugged in".to_owned()).spawn(read);
        let value = reading.ok().and_then(|_| told.recv_timeout(LOCKED).ok()?.ok());
        value.is_some_and(|value| !value.trim().is_empty())
    }
}

impl std::fmt::Display for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let port = &self.port;
        match (&self.driver, &self.holder) {
            (_, Some(holder)) => write!(f, "{holder} drives the USB adapter in port {port} itself"),
            (Some(driver), None) => {
                write!(
                    f,
                    "driver {driver} has the USB adapter in port {port}, in place of {HID_DRIVER}"
                )
            }
            (None, None) => {
                write!(f, "no driver has the USB adapter in port {port}; it is plugged in")
            }
        }
    }
}

impl Taken {
    /// What would help.
    pub(crate) fn hint(&self) -> String {
        let interface = &self.interface;
        match self.driver.as_deref() {
            None => format!(
                "plug it in again, or `echo {interface} | sudo tee /sys/bus/usb/drivers/{HID_DRIVER}/bind`"
            ),
            Some(_) => "stop that program and plug the adapter in again; NUT takes every 0665:5161 \
                        (`systemctl stop nut-driver.target`): name its UPS by `port` and `bus` in ups.conf"
                .to_owned(),
        }
    }
}

/// The adapters that are plugged in and that the HID driver does not have.
pub(crate) fn taken() -> Vec<Taken> {
    let mut found: Vec<_> = fs::read_dir("/sys/bus/usb/devices")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Interface(entry.path().canonicalize().ok()?).taken_adapter())
        .collect();
    found.sort_by(|a, b| a.port.cmp(&b.port));
    found
}

impl Interface {
    fn taken_adapter(&self) -> Option<Taken> {
        let reads = |path: PathBuf, wanted: &str| {
            fs::read_to_string(path).is_ok_and(|text| text.trim() == wanted)
        };
        let device = self.0.parent()?;
        let adapter = reads(device.join("idVendor"), "0665")
            && reads(device.join("idProduct"), "5161")
            && reads(self.0.join("bInterfaceClass"), "03");
        (adapter && self.driver().as_deref() != Some(HID_DRIVER)).then(|| self.taken())
    }
}

const HID_DRIVER: &str = "usbhid";

/// The number of the configuration that a USB device is in; empty if it is in none any more.
const CONFIGURATION: &str = "bConfigurationValue";

/// How long an interface may be without a driver when it changes hands.
const TAKING: Duration = Duration::from_millis(50);

/// How long a USB device is locked at most by anything but its end.
const LOCKED: Duration = Duration::from_millis(30);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Sysfs(PathBuf);

    impl Sysfs {
        fn new(name: &str) -> Self {
            let root = std::env::temp_dir().join(format!("pi18-{name}-{}", std::process::id()));
            fs::create_dir_all(root.join("class")).unwrap();
            Self(root.canonicalize().unwrap())
        }

        /// A HID device below `parent`, and its node.
        fn plug(&self, parent: &str, plugging: &str, node: &str, uevent: &str) -> PathBuf {
            let device = self.0.join(parent).join(plugging);
            fs::create_dir_all(device.join("hidraw").join(node)).unwrap();
            fs::write(device.join("uevent"), uevent).unwrap();
            symlink(&device, device.join("hidraw").join(node).join("device")).unwrap();
            symlink(device.join("hidraw").join(node), self.0.join("class").join(node)).unwrap();
            device
        }
    }

    impl Drop for Sysfs {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn knows_the_adapters_by_what_sysfs_says() {
        let sysfs = Sysfs::new("adapters");
        let usb = sysfs.0.join("usb1/1-1.2/1-1.2:1.0");
        fs::create_dir_all(&usb).unwrap();
        fs::write(usb.join("bInterfaceNumber"), "00\n").unwrap();
        let uevent = format!("DRIVER=hid-generic\n{HID_ID}\nHID_PHYS=usb-1-1.2/input0\n");
        sysfs.plug("usb1/1-1.2/1-1.2:1.0", "0003:0665:5161.000A", "hidraw10", &uevent);
        sysfs.plug("uhid", "0003:0665:5161.000B", "hidraw9", &uevent);
        sysfs.plug("uhid", "0003:046D:C52B.0001", "hidraw1", "HID_ID=0003:0000046D:0000C52B\n");
        let found = adapters_in(&sysfs.0.join("class")).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|it| (it.node.to_str().unwrap(), &*it.plugging, it.port.as_deref().unwrap()))
            .collect();
        assert_eq!(
            shown,
            [
                ("/dev/hidraw9", "0003:0665:5161.000B", "usb-1-1.2/input0"),
                ("/dev/hidraw10", "0003:0665:5161.000A", "1-1.2"),
            ]
        );
    }

    #[test]
    fn tells_an_unplugged_adapter_from_one_that_was_taken() {
        let sysfs = Sysfs::new("taken");
        let usb = sysfs.0.join("usb1/1-1/1-1:1.0");
        fs::create_dir_all(&usb).unwrap();
        fs::write(usb.join("bInterfaceNumber"), "00\n").unwrap();
        let configuration = usb.with_file_name(CONFIGURATION);
        fs::write(&configuration, "1\n").unwrap();
        let device = sysfs.plug("usb1/1-1/1-1:1.0", "0003:0665:5161.0001", "hidraw0", HID_ID);
        let interface = Interface::of(&device).unwrap();
        let told = |interface: &Interface| interface.taken_from_us().map(|taken| taken.to_string());
        assert_eq!(
            told(&interface).unwrap(),
            "no driver has the USB adapter in port 1-1; it is plugged in"
        );
        symlink("/sys/bus/usb/drivers/usbfs", usb.join("driver")).unwrap();
        assert_eq!(
            told(&interface).unwrap(),
            "driver usbfs has the USB adapter in port 1-1, in place of usbhid"
        );
        fs::write(&configuration, "\n").unwrap();
        assert_eq!(told(&interface), None);
        fs::write(&configuration, "1\n").unwrap();
        fs::remove_dir_all(&usb).unwrap();
        assert_eq!(told(&interface), None);
    }
}
