//! A unit as a HID device through `/dev/uhid`.

use std::time::Duration;

use super::{
    Served,
    hid::{HidDevice, serve_device},
};
use crate::{
    Error,
    sim::{HidIdentity, SharedBank, UhidDevice, report::Report},
};

/// Serves a unit as a USB HID adapter through `/dev/uhid`, which needs Linux and usually root.
///
/// `port` is the port at which the adapter is plugged in: any text that no other device uses, such as
/// `lvx-sim-1/input0`. [`Served::path`] returns it. The node of the adapter, such as `/dev/hidraw0`, appears
/// a moment later; [`hidraw_node`](crate::sim::hidraw_node) finds it by the port. Replies arrive in reports
/// of eight bytes.
///
/// When the unit is disconnected, the adapter is unplugged; when the unit is connected again, a new adapter
/// is plugged in at the same port. Both take at most a tenth of a second. Use a bank in real time, because
/// the server does not advance a virtual clock.
///
/// # Errors
/// If [`UhidDevice::create`] or the start of the thread fails.
///
/// ```no_run
/// use std::time::Duration;
///
/// use pi18_transport::sim::{Bank, BankConfig, SharedBank, hidraw_node, serve_uhid};
///
/// let bank = SharedBank::real_time(Bank::new(BankConfig::default())?);
/// let served = serve_uhid(&bank, 0, "lvx-sim-0/input0")?;
/// println!("{}", hidraw_node(served.path(), Duration::from_secs(5))?.display());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn serve_uhid(shared: &SharedBank, unit: usize, port: &str) -> Result<Served, Error> {
    let identity = HidIdentity::adapter(port);
    let plug_in = move || UhidDevice::create(&identity);
    serve_device(shared, unit, port.to_owned(), "serving it through uhid", plug_in)
}

impl HidDevice for UhidDevice {
    fn output(&self) -> Result<Option<Vec<u8>>, Error> {
        self.output(Duration::ZERO)
    }

    fn input(&self, report: Report) {
        // If the kernel has removed the device, reading the next output report fails as well.
        let _ = self.input(&report);
    }
}
