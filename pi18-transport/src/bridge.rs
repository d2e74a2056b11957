//! The socket of a bridge: a program that holds the links of units, and lets other programs on the same computer use
//! them (Linux).
//!
//! A bridge, such as `lvx-bridge`, polls its units day and night. It listens on a Unix socket, by default
//! [`SOCKET`]. A [`Bridge`] is a [`Link`](crate::Link) to one of its units through this socket, and [`units`] lists
//! them. The address `bridge:NAME` opens it.
//!
//! # Protocol
//!
//! Both sides send lines of JSON, each at most [`MAX_LINE`] bytes long with its line feed. The program sends a
//! [`Request`], the bridge answers with [`Answer`]s. Unknown fields are ignored; an unknown type is an error. Both
//! sides close the connection after an error of the other side.
//!
//! | program | bridge |
//! |---|---|
//! | `{"type":"list","version":1}` | `{"type":"units","version":1,"units":[…]}` |
//! | `{"type":"open","version":1,"unit":"left","access":"read"}` | `{"type":"opened","unit":{…},"access":"read"}` |
//! | `{"type":"lease"}` | `{"type":"opened","unit":{…},"access":"write"}` |
//! | `{"type":"frame","id":1,"wait_ms":2000,"turn_ms":8000,"bytes":"5e50…"}` | `{"type":"sent","id":1}`, `{"type":"bytes","id":1,"bytes":"5e44…"}` …, `{"type":"end","id":1}` |
//!
//! - `list` and `open` are the first request of a connection. After `open`, the connection belongs to one unit, which
//!   is chosen by its name or its serial number.
//! - `frame` sends one whole PI18 frame. The bridge waits for the turn of the program, sends the frame once, answers
//!   `sent`, and passes on all bytes that arrive, until the frame is answered or `wait_ms` has passed. Then it answers
//!   `end`. A program sends its next frame after that, or closes the connection if it does not wait
//!   any longer. If no turn comes within `turn_ms`, the bridge answers `refused` with the reason `busy`, and sends
//!   nothing. Without `turn_ms`, it waits as long as the connection is open. Commands of the bridge itself come
//!   first, and its questions go on between the frames.
//! - Set commands need write access, which `lease` takes. The program then has the settings of the unit to itself,
//!   until it closes the connection.
//! - `{"type":"refused","reason":"…","text":"…"}` answers any request that is not carried out, and
//!   `{"type":"failed","id":1,…}` a frame whose link has failed. Nothing was sent to the unit, unless `sent` came
//!   before.
//! - Bytes are hexadecimal.
//!
//! # Trust
//!
//! The bridge knows the user of each program from the kernel (`SO_PEERCRED`). A program checks in the same way that
//! the bridge runs as root, as its own user, or as the owner of the folder of the socket, before it trusts it. A program of
//! root trusts this owner only for the default socket.

mod link;
mod message;
mod socket;

pub use self::{
    link::Bridge,
    message::{
        Access, Answer, BridgeUnit, MAX_LINE, RefusalReason, Request, SOCKET, VERSION, WireError,
        parse_answer, parse_request, write_line,
    },
    socket::{LineReader, units},
};
