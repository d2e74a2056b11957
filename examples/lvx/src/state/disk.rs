//! Durability: data is on the disk before later steps depend on it.

use std::{fmt::Debug, fs::File, io, path::Path};

/// Makes files and folders durable. Tests use an implementation that records the calls.
pub(crate) trait Disk: Debug {
    /// Writes the content of a file, or the names in a folder, to the disk.
    fn sync(&self, file: &File, path: &Path) -> io::Result<()>;
}

/// The disks of this machine.
#[derive(Debug)]
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    fn sync(&self, file: &File, _path: &Path) -> io::Result<()> {
        file.sync_all()
    }
}
