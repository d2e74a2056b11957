//! The USB adapters that are used when no unit is named.

use crate::terminal::{Failure, is_silenced, print_note};

/// The adapters in place of units that are not named, listed on standard error.
pub(super) fn plugged_in(adapters: Vec<String>) -> Result<Vec<String>, Failure> {
    let plural = match adapters.len() {
        0 => {
            return Err(Failure::usage(
                "no unit is given and no inverter adapter is plugged in: name the units \
                 (/dev/ttyUSB0), or try the virtual bank (sim:0 sim:1)",
            ));
        }
        1 => "",
        _ => "s",
    };
    if !is_silenced() {
        let all = adapters.join(", ");
        print_note(&format!("no unit is given: asking {} adapter{plural}: {all}", adapters.len()));
    }
    Ok(adapters)
}

/// The nodes of the USB adapters that are plugged in.
#[cfg(target_os = "linux")]
pub(crate) fn adapters() -> Vec<String> {
    let adapters = pi18_transport::adapters();
    adapters.iter().map(|adapter| adapter.node.display().to_string()).collect()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn adapters() -> Vec<String> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_units_all_adapters_are_asked() {
        let nodes = ["/dev/hidraw0", "/dev/hidraw1"].map(str::to_owned).to_vec();
        assert_eq!(plugged_in(nodes.clone()).unwrap(), nodes);
        let told = format!("{:?}", plugged_in(Vec::new()).unwrap_err());
        assert!(told.contains("name the units (/dev/ttyUSB0), or try"), "{told}");
        assert!(told.contains("(sim:0 sim:1)"), "{told}");
    }
}
