//! The identity of a virtual HID device.

/// The names and numbers that identify a HID device, as the kernel shows them in sysfs.
///
/// ```
/// use pi18_transport::sim::HidIdentity;
///
/// let identity = HidIdentity {
///     name: "Some UPS".to_owned(),
///     ..HidIdentity::adapter("some-ups/input0")
/// };
/// assert_eq!((identity.vendor, identity.product), (0x0665, 0x5161));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HidIdentity {
    /// Names of vendor and product, at most 127 bytes; `HID_NAME` in sysfs.
    pub name: String,
    /// Port at which the device is plugged in, at most 63 bytes; `HID_PHYS` in sysfs. Any text that no
    /// other device uses, such as `lvx-sim-1/input0`.
    pub port: String,
    /// Serial number, at most 63 bytes; `HID_UNIQ` in sysfs.
    pub serial: String,
    /// Bus, a number from `linux/input.h`: 3 is USB, 5 Bluetooth.
    pub bus: u16,
    /// Vendor ID, such as 0x0665 on USB.
    pub vendor: u16,
    /// Product ID, such as 0x5161.
    pub product: u16,
}

impl HidIdentity {
    /// Returns the identity of the adapter that is built into the inverters, which has no serial number.
    ///
    /// Source: descriptors of a `0665:5161` adapter in `felis/USB_Host_Shield_2.0`, issue 533.
    #[must_use]
    pub fn adapter(port: impl Into<String>) -> Self {
        Self {
            name: "INNO TECH USB to Serial".to_owned(),
            port: port.into(),
            serial: String::new(),
            bus: USB,
            vendor: 0x0665,
            product: 0x5161,
        }
    }
}

/// `BUS_USB`
const USB: u16 = 3;
