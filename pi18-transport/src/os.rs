//! The operating system: files, locks on device nodes, access rights, kinds of nodes, error numbers and
//! `poll`.

pub(crate) mod errno;
mod file;
pub(crate) mod lock;
pub(crate) mod node;
pub(crate) mod permission;
#[cfg(unix)]
pub(crate) mod poll;

pub use file::{open_file, read_bounded, read_file};
#[cfg(unix)]
pub use permission::udev_rule;
