//! What a virtual HID device tells the system about itself.

/// What a device that is plugged in says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HidIdentity {
    /// Maker and product, at most 127 bytes; `HID_NAME` in sysfs.
    pub name: String,
    /// Where it is plugged in, at most 63 bytes; `HID_PHYS` in sysfs. Any text that no other device
    /// has, such as `lvx-sim-1/input0`.
    pub port: String,
    /// The adapter's own serial number, at most 63 bytes; `HID_UNIQ` in sysfs.
    pub unique: String,
    /// The bus, as in `linux/input.h`: 3 is USB, 5 Bluetooth.
    pub bus: u16,
    /// The vendor, by the bus's numbers.
    pub vendor: u16,
    /// The vendor's product.
    pub product: u16,
}

impl HidIdentity {
    /// The adapter that is built into the inverters, at a port: it has no serial number.
    ///
    /// Source: descriptors of a `0665:5161` adapter in `felis/USB_Host_Shield_2.0`, issue 533.
    #[must_use]
    pub fn adapter(port: impl Into<String>) -> Self {
        Self {
            name: "INNO TECH USB to Serial".to_owned(),
            port: port.into(),
            unique: String::new(),
            bus: USB,
            vendor: 0x0665,
            product: 0x5161,
        }
    }
}

/// `BUS_USB`
const USB: u16 = 3;
