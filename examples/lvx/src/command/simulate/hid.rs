//! Virtual units as USB HID devices (Linux).

use crate::{args, terminal::Failure};

#[cfg(target_os = "linux")]
pub(super) use linux::{functionfs, uhid};
#[cfg(not(target_os = "linux"))]
pub(super) use unsupported::{functionfs, uhid};

/// Checks that there is one `FunctionFS` mount for each unit.
pub(super) fn check(args: &args::Simulate, units: usize) -> Result<(), Failure> {
    let folders = args.functionfs.len();
    if folders != 0 && folders != units {
        return Err(Failure::usage(format_args!(
            "--functionfs: expected one folder for each of {units} units (--units), found {folders}"
        )));
    }
    Ok(())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{path::Path, time::Duration};

    use pi18_proto::{AnyReply, Query};
    use pi18_transport::sim::{self, Served, SharedBank};

    use crate::terminal::Failure;

    pub(crate) fn uhid(
        bank: &SharedBank,
        unit: usize,
        addresses: &mut Vec<String>,
    ) -> Result<Served, Failure> {
        let port = format!("lvx-sim-{unit}/input0");
        if let Ok(node) = sim::hidraw_node(&port, Duration::ZERO) {
            return Err(Failure::usage(format_args!(
                "--uhid: expected a free port {port}, found {}; stop the other `lvx simulate`",
                node.display()
            )));
        }
        let served = sim::serve_uhid(bank, unit, &port)?;
        let node = sim::hidraw_node(&port, PATIENCE)?;
        addresses.push(format!("unit {unit}: hidraw:{}{}", node.display(), serial(bank, unit)));
        Ok(served)
    }

    pub(crate) fn functionfs(
        bank: &SharedBank,
        unit: usize,
        mount: &Path,
        addresses: &mut Vec<String>,
    ) -> Result<Served, Failure> {
        let served = sim::serve_functionfs(bank, unit, mount)?;
        let what = format!("unit {unit}: on {}{}", mount.display(), serial(bank, unit));
        addresses.push(format!("{what}; bind the gadget to plug it in"));
        Ok(served)
    }

    /// Returns the serial number of a unit for messages, because the adapters themselves are identical.
    fn serial(bank: &SharedBank, unit: usize) -> String {
        match bank.with(|bank| bank.peek(unit, Query::Identity)) {
            Some(AnyReply::Identity(identity)) => {
                format!("  (serial number {})", identity.serial_number)
            }
            _ => String::new(),
        }
    }

    /// Maximum time until the device node appears; this usually takes tens of milliseconds.
    const PATIENCE: Duration = Duration::from_secs(5);
}

#[cfg(not(target_os = "linux"))]
mod unsupported {
    use std::path::Path;

    use pi18_transport::sim::{Served, SharedBank};

    use crate::terminal::Failure;

    pub(crate) fn uhid(
        _bank: &SharedBank,
        _unit: usize,
        _addresses: &mut Vec<String>,
    ) -> Result<Served, Failure> {
        Err(Failure::usage("--uhid: only available on Linux"))
    }

    pub(crate) fn functionfs(
        _bank: &SharedBank,
        _unit: usize,
        _mount: &Path,
        _addresses: &mut Vec<String>,
    ) -> Result<Served, Failure> {
        Err(Failure::usage("--functionfs: only available on Linux"))
    }
}
