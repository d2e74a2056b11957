//! The USB adapters that are used when no unit is named, and the names of serial ports.

use crate::terminal::{Failure, is_silenced, print_note};

/// Returns the adapters to use when no unit is given, after listing them on standard error.
pub(super) fn default_units(adapters: Vec<String>) -> Result<Vec<String>, Failure> {
    let plural = match adapters.len() {
        0 => {
            return Err(Failure::usage(
                "no unit is given and no inverter adapter is plugged in: give the addresses of the \
                 units (/dev/ttyUSB0), or try the virtual bank (sim:0 sim:1)",
            ));
        }
        1 => "",
        _ => "s",
    };
    if !is_silenced() {
        let all = adapters.join(", ");
        print_note(&format!("no unit is given: using {} adapter{plural}: {all}", adapters.len()));
    }
    Ok(adapters)
}

/// Returns the device nodes of the USB adapters that are plugged in.
#[cfg(target_os = "linux")]
pub(crate) fn adapters() -> Vec<String> {
    let adapters = pi18_transport::adapters();
    adapters.iter().map(|adapter| adapter.node.display().to_string()).collect()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn adapters() -> Vec<String> {
    Vec::new()
}

/// Folder of the serial ports by USB port, which udev maintains.
#[cfg(target_os = "linux")]
pub(crate) const BY_PATH: &str = "/dev/serial/by-path";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_adapters_are_used_without_units() {
        let nodes = ["/dev/hidraw0", "/dev/hidraw1"].map(str::to_owned).to_vec();
        assert_eq!(default_units(nodes.clone()).unwrap(), nodes);
        let error = format!("{:?}", default_units(Vec::new()).unwrap_err());
        assert!(error.contains("units (/dev/ttyUSB0), or try"), "{error}");
        assert!(error.contains("(sim:0 sim:1)"), "{error}");
    }
}
