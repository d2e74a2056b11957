//! The label of a pack: registers 105 to 127.

use std::fmt;

use super::error::MapError;
use crate::pack::frame::Registers;

/// The label of a pack: model, firmware, and a serial number or date.
///
/// Bytes that are no printable ASCII character are read as U+FFFD.
///
/// ```
/// use lvx_parallel::pack::{Label, Registers};
///
/// let text = *b"LFP-51.2V100Ah-V1.0\0\0\0\0\0Z03T2120240301\0\0\0\0\0\0\0\0";
/// let words = text.as_chunks().0.iter().map(|word| u16::from_be_bytes(*word)).collect();
/// let label = Label::from_registers(&Registers::new(105, words))?;
/// assert_eq!(label.model, "LFP-51.2V100Ah-V1.0");
/// assert_eq!(label.firmware, "Z03T21");
/// assert_eq!(label.serial, "20240301");
/// # Ok::<(), lvx_parallel::pack::MapError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Label {
    /// Model, registers 105 to 116, up to 24 characters; empty if the pack has none.
    pub model: String,
    /// Firmware version, registers 117 to 119, up to 6 characters; empty if the pack has none.
    pub firmware: String,
    /// Serial number, registers 120 to 127, up to 16 characters; empty if the pack has none, or if the reply
    /// ends before.
    ///
    /// It does not identify a pack: two packs had the same, and LP4 v2 packs have eight digits there that look
    /// like a date of manufacture (assumed). A pack is identified by its port.
    pub serial: String,
}

impl Label {
    /// Reads the label from the reply to [`Request::label`](crate::pack::Request::label), or from another
    /// reply that has registers 105 to 119.
    ///
    /// # Errors
    /// If the registers are not in the reply.
    pub fn from_registers(registers: &Registers) -> Result<Self, MapError> {
        let missing = || MapError::registers("105 to 119", registers);
        let text = |first, count| registers.range(first, count).map(text);
        Ok(Self {
            model: text(105, 12).ok_or_else(missing)?,
            firmware: text(117, 3).ok_or_else(missing)?,
            serial: text(120, 8).unwrap_or_default(),
        })
    }
}

/// Writes the model and the firmware.
impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.model.as_str(), self.firmware.as_str()) {
            ("", "") => f.write_str("no label"),
            (model, "") => f.write_str(model),
            ("", firmware) => write!(f, "no model, firmware {firmware}"),
            (model, firmware) => write!(f, "{model}, firmware {firmware}"),
        }
    }
}

/// Returns registers as text, without the padding at its end.
fn text(words: &[u16]) -> String {
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    while let Some(0 | b' ' | 0xFF) = bytes.last() {
        bytes.pop();
    }
    let printable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    bytes
        .into_iter()
        .map(|byte| if printable(byte) { char::from(byte) } else { '\u{FFFD}' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_without_text_is_empty_and_control_characters_are_replaced() {
        let label = |words| Label::from_registers(&Registers::new(105, words)).unwrap();
        assert_eq!(label(vec![0; 23]).to_string(), "no label");
        assert_eq!(label(vec![0xFFFF; 23]), Label::default());
        let mut words = vec![0x4120; 15];
        words[1] = 0x1B0A;
        assert_eq!(label(words).model.chars().take(5).collect::<String>(), "A \u{FFFD}\u{FFFD}A");
    }

    #[test]
    fn reply_without_the_label_is_refused() {
        let refused = |start, count| {
            let registers = Registers::new(start, vec![0; count]);
            Label::from_registers(&registers).unwrap_err().to_string()
        };
        assert_eq!(refused(0, 39), "expected registers 105 to 119, found 0 to 38");
        assert_eq!(refused(105, 14), "expected registers 105 to 119, found 105 to 118");
        assert_eq!(refused(106, 23), "expected registers 105 to 119, found 106 to 128");
    }
}
