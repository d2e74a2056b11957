//! The kinds of frames.

use core::fmt;

/// The kind of a frame, given by its first bytes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum FrameKind {
    /// `^P`: a query from a host.
    Query,
    /// `^S`: a set command from a host.
    Set,
    /// `^D`: a reply with data from a device.
    Data,
    /// `^1`: the device accepted a set command.
    Accepted,
    /// `^0`: the device refused a set command, or does not support a query.
    Refused,
    /// `(NAK`: the device could not parse the request.
    NotUnderstood,
}

impl fmt::Display for FrameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Query => "a query (^P)",
            Self::Set => "a set command (^S)",
            Self::Data => "a data reply (^D)",
            Self::Accepted => "accepted (^1)",
            Self::Refused => "refused (^0)",
            Self::NotUnderstood => "not understood ((NAK)",
        })
    }
}
