//! A screen of characters.

use ratatui::buffer::Buffer;

use super::look::{Look, Tone, ascii};

/// A screen to draw on. What does not fit is cut off with `…`.
pub(super) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    look: Look,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(buffer: &'a mut Buffer, look: Look) -> Self {
        Self { buffer, look }
    }

    pub(super) fn width(&self) -> u16 {
        self.buffer.area.width
    }

    pub(super) fn height(&self) -> u16 {
        self.buffer.area.height
    }

    /// Writes a text. Returns the column after it.
    pub(super) fn put(&mut self, x: u16, y: u16, text: &str, tone: Tone) -> u16 {
        self.put_within(x, y, self.width().saturating_sub(x), text, tone)
    }

    /// Writes a text into at most `width` columns. Returns the column after it.
    pub(super) fn put_within(&mut self, x: u16, y: u16, width: u16, text: &str, tone: Tone) -> u16 {
        if x >= self.width() || y >= self.height() || width == 0 {
            return x;
        }
        let style = self.look.style(tone);
        let (end, _) = self.buffer.set_stringn(x, y, text, width.into(), style);
        let is_cut = text.chars().count() > usize::from(width);
        if is_cut && let Some(cell) = self.buffer.cell_mut((x + width - 1, y)) {
            cell.set_symbol("…");
        }
        end
    }

    /// Writes a text that ends at the right margin.
    pub(super) fn right(&mut self, y: u16, text: &str, tone: Tone) {
        let length = u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
        let x = self.width().saturating_sub(length.saturating_add(1));
        self.put(x, y, text, tone);
    }

    /// Gives a whole line the style of a tone.
    pub(super) fn paint_line(&mut self, y: u16, tone: Tone) {
        let mut area = self.buffer.area;
        (area.y, area.height) = (area.y + y, 1);
        let style = self.look.style(tone);
        self.buffer.set_style(area, style);
    }

    /// Draws a horizontal line with a title.
    pub(super) fn rule(&mut self, y: u16, title: &str, right: &str) {
        let line = "─".repeat(self.width().into());
        self.put(0, y, &line, Tone::Dim);
        self.put(1, y, &format!(" {title} "), Tone::Strong);
        if !right.is_empty() {
            let length = u16::try_from(right.chars().count()).unwrap_or(u16::MAX);
            let x = self.width().saturating_sub(length.saturating_add(3));
            self.put(x, y, &format!(" {right} "), Tone::Dim);
        }
    }

    /// Replaces signs that the terminal cannot show.
    pub(super) fn finish(self) {
        if !self.look.is_ascii {
            return;
        }
        for cell in &mut self.buffer.content {
            if !cell.symbol().is_ascii() {
                let sign = ascii(cell.symbol());
                cell.set_symbol(sign);
            }
        }
    }
}

/// Breaks a text into lines of at most `width` columns.
pub(super) fn wrapped(text: &str, width: u16) -> Vec<String> {
    let width = usize::from(width).max(1);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        if length > 0 && length + 1 + word.len() > width {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        // A word that fits on no line is broken.
        while word.len() > width {
            let rest = word.split_off(width);
            lines.push(word.into_iter().collect());
            word = rest;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        length += word.len();
        line.extend(word);
    }
    if length > 0 {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn text_is_broken_between_words() {
        assert_eq!(wrapped("the units differ", 9), ["the units", "differ"]);
        assert_eq!(wrapped("a abcdefghij k", 4), ["a", "abcd", "efgh", "ij k"]);
        assert!(wrapped("", 4).is_empty());
    }
}
