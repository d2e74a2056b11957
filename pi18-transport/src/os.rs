//! What the operating system gives: files, locks on device nodes, access rights, `poll`.

pub(crate) mod errno;
pub(crate) mod file;
pub(crate) mod lock;
pub(crate) mod permission;
#[cfg(unix)]
pub(crate) mod poll;

pub use file::{open_file, read_bounded, read_file};
#[cfg(unix)]
pub use permission::udev_rule;
