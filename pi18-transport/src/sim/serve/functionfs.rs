//! A unit as a HID device on the USB device port of this machine.

use std::{path::Path, time::Duration};

use super::{
    Served,
    hid::{HidDevice, serve_device},
};
use crate::{
    Error,
    sim::{FunctionFsDevice, SharedBank, report::Report},
};

/// Serves a unit as a USB HID adapter behind a mounted `FunctionFS`. Replies arrive in reports of eight
/// bytes.
///
/// Afterwards, the gadget of the `FunctionFS` can be bound to a USB device controller, unbound, and bound
/// again.
///
/// When the unit is disconnected, the `FunctionFS` is closed and the kernel unbinds the gadget: the host sees
/// it unplugged. When the unit is connected again, the `FunctionFS` is opened again, but the owner of the
/// gadget has to bind it. Use a bank in real time, because the server does not advance a virtual clock.
///
/// # Errors
/// If [`FunctionFsDevice::create`] or the start of the thread fails.
///
/// ```no_run
/// use std::path::Path;
///
/// use pi18_transport::sim::{Bank, BankConfig, SharedBank, serve_functionfs};
///
/// let bank = SharedBank::real_time(Bank::new(BankConfig::default())?);
/// let served = serve_functionfs(&bank, 0, Path::new("/dev/ffs-unit0"))?;
/// std::fs::write("/sys/kernel/config/usb_gadget/unit0/UDC", "fe980000.usb")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn serve_functionfs(shared: &SharedBank, unit: usize, mount: &Path) -> Result<Served, Error> {
    let path = mount.display().to_string();
    let mount = mount.to_owned();
    let plug_in = move || FunctionFsDevice::create(&mount);
    serve_device(shared, unit, path, "serving it through FunctionFS", plug_in)
}

impl HidDevice for FunctionFsDevice {
    fn output(&self) -> Result<Option<Vec<u8>>, Error> {
        self.output(Duration::ZERO)
    }

    fn input(&self, report: Report) {
        self.input(&report);
    }

    fn linger(&self) {
        // Reports that the host does not fetch in this time are lost.
        let _ = self.flush(LINGER);
    }
}

/// Time that the host has to fetch the last reports of a disconnected unit: more than the longest reply
/// takes at one report every 12 ms.
const LINGER: Duration = Duration::from_millis(500);
