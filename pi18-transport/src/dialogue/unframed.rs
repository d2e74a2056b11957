//! Text that a peer sends instead of frames.

/// The first bytes that arrived instead of frames, such as the message of a bridge that is in use.
#[derive(Debug, Default)]
pub(super) struct Unframed(Vec<u8>);

impl Unframed {
    const MAX: usize = 80;

    pub(super) fn add(&mut self, bytes: &[u8]) {
        let room = Self::MAX.saturating_sub(self.0.len());
        self.0.extend(bytes.iter().take(room));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the bytes as quoted text if they contain three letters in a row and do not begin like a
    /// frame.
    pub(super) fn text(&self) -> Option<String> {
        let text = self.0.trim_ascii();
        let has_word = text.windows(3).any(|three| three.iter().all(u8::is_ascii_alphabetic));
        let is_text = has_word && !text.starts_with(b"^") && !text.starts_with(b"(");
        is_text.then(|| format!("\"{}\"", text.escape_ascii()))
    }
}
