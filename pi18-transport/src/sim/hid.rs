//! Virtual USB HID devices: what they say of themselves, and where the system puts them.
//!
//! The units are served as these, and tests build other devices from them: one that is silent, one
//! that speaks another protocol, one whose reports come late.

mod functionfs;
mod identity;
mod layout;
mod node;
mod uhid;

pub use self::{
    functionfs::FunctionFsDevice, identity::HidIdentity, node::hidraw_node, uhid::UhidDevice,
};
