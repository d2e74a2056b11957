//! Durability: what was written is on the disk before anything depends on it.

use std::{fmt::Debug, fs::File, io, path::Path};

/// Makes files and folders durable. Tests replace it by a recorder of the calls.
pub(crate) trait Disk: Debug {
    /// Returns once the content of a file, or the names in a folder, are on the disk.
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
