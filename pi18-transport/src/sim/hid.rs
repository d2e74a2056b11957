//! Virtual USB HID devices, for which the kernel creates real hidraw nodes.
//!
//! [`uhid`] creates them through `/dev/uhid`, [`functionfs`] on a USB device port. Units are served through
//! them, and tests build other devices: a silent one, one with another protocol, one with late reports.

mod functionfs;
mod identity;
mod layout;
mod node;
mod uhid;

pub use self::{
    functionfs::FunctionFsDevice, identity::HidIdentity, node::hidraw_node, uhid::UhidDevice,
};
