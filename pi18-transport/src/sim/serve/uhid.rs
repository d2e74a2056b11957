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
/// The adapter is plugged in at `port`, a text that no other device has, such as `lvx-sim-1/input0`. Its
/// node, such as `/dev/hidraw0`, exists a moment later: [`hidraw_node`](crate::sim::hidraw_node) finds it
/// by the port, which [`Served::path`] returns. Replies arrive in reports of eight bytes.
///
/// When the unit is disconnected, the adapter is unplugged; when the unit is connected again, a new
/// adapter is plugged in at the same port. Both take at most a tenth of a second. The bank should follow
/// the system's clock: a virtual clock does not move for this.
///
/// # Errors
/// As [`UhidDevice::create`].
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
        // Fails if the kernel has removed the device; reading the next output report fails then too.
        let _ = self.input(&report);
    }
}
