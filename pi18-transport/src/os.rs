//! The operating system: files, locks on device nodes, access rights, kinds of nodes, error numbers and
//! `poll`.

pub(crate) mod errno;
mod file;
#[cfg(any(feature = "hidraw", feature = "serial"))]
pub(crate) mod lock;
pub(crate) mod node;
pub(crate) mod permission;
#[cfg(any(
    feature = "tcp",
    feature = "tokio",
    all(target_os = "linux", any(feature = "bridge", feature = "hidraw", feature = "sim"))
))]
pub(crate) mod poll;

pub use file::{open_file, read_bounded, read_file};
pub use permission::udev_rule;
