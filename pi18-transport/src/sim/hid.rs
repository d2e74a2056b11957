//! Virtual USB HID devices, for which the kernel creates real hidraw nodes.
//!
//! [`uhid`] creates them through `/dev/uhid`, [`functionfs`] on a USB device port. [`identity`] has their
//! names and numbers, [`layout`] their report descriptor; [`node`] finds their hidraw nodes.
//!
//! Servers use them for units. Tests also use them for other devices, such as one with another protocol.

mod functionfs;
mod identity;
mod layout;
mod node;
mod uhid;

pub use self::{
    functionfs::FunctionFsDevice, identity::HidIdentity, node::hidraw_node, uhid::UhidDevice,
};
