//! Why the file of the history cannot be used.

use std::{io, path::PathBuf};

/// Why the file of the history cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The file is damaged.
    #[error("{path}: the file is damaged: {source}", path = path.display())]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// Error of `SQLite`.
        source: rusqlite::Error,
    },
    /// The disk is full.
    #[error("{path}: the disk is full", path = path.display())]
    Full {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file belongs to another program.
    #[error("{path}: expected a history of lvx, found the file of another program", path = path.display())]
    Foreign {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file was written by a later version.
    #[error(
        "{path}: expected version {known} or earlier, found version {found}: update lvx, or move the file away",
        path = path.display()
    )]
    Later {
        /// Path of the file.
        path: PathBuf,
        /// Version of the file.
        found: i64,
        /// Latest version that is known.
        known: i64,
    },
    /// The file was written by an earlier version, and is only read.
    #[error(
        "{path}: expected version {known}, found version {found}: restart the bridge, which brings it to this version",
        path = path.display()
    )]
    Earlier {
        /// Path of the file.
        path: PathBuf,
        /// Version of the file.
        found: i64,
        /// Version that is expected.
        known: i64,
    },
    /// Reading took too long.
    #[error("{path}: no answer within ten seconds; ask for less time or a larger step", path = path.display())]
    TooLong {
        /// Path of the file.
        path: PathBuf,
    },
    /// There is no file yet.
    #[error("{path}: there is no history; `history:` in the configuration of the bridge names its file", path = path.display())]
    Missing {
        /// Path of the file.
        path: PathBuf,
    },
    /// Too many damaged files were kept.
    #[error("{path}: {count} damaged files are kept beside it; remove them, so that a new file is started", path = path.display())]
    TooManyDamaged {
        /// Path of the file.
        path: PathBuf,
        /// Number of damaged files.
        count: usize,
    },
    /// The system refused an operation on the file.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// Another error of `SQLite`.
    #[error("{path}: {source}", path = path.display())]
    Database {
        /// Path of the file.
        path: PathBuf,
        /// Error of `SQLite`.
        source: rusqlite::Error,
    },
}

impl HistoryError {
    /// Wraps an error of `SQLite` about this file.
    pub(super) fn new(path: &std::path::Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { path, source }
            }
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::OperationInterrupted) => Self::TooLong { path },
            _ => Self::Database { path, source },
        }
    }

    /// Returns whether the file is damaged, so that a new one has to be begun.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }

    /// Returns whether trying again cannot help until a person has done something.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Foreign { .. } | Self::Later { .. } | Self::TooManyDamaged { .. })
    }
}
