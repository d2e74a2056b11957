//! Text: escaped for display, wrapped, and bytes as hexadecimal digits.

mod hex;
mod printable;

pub use hex::{HexError, from_hex, to_hex};
pub use printable::{is_printable, printable, printable_lines, wrap};
