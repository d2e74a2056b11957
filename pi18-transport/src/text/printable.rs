//! Escapes text from devices, files and the network for display, and wraps text into lines.

use std::borrow::Cow;

/// Returns text that is safe to show in one line of a terminal, a log or a table.
///
/// Characters that control a terminal, change the direction of writing or are invisible are escaped as in
/// JSON: `\n`, `\u001b`, `\u202e`. In a JSON string they keep their meaning.
///
/// ```
/// use pi18_transport::printable;
///
/// assert_eq!(printable("cellar\u{202e}2"), r"cellar\u202e2");
/// assert_eq!(printable("21 °C"), "21 °C");
/// ```
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, &[])
}

/// Returns [`printable`] text, but keeps line ends and tabs.
///
/// ```
/// assert_eq!(pi18_transport::printable_lines("a\tb\n\u{1b}"), "a\tb\n\\u001b");
/// ```
#[must_use]
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, &['\n', '\t'])
}

/// Returns whether a character is visible: neither a control character nor an invisible mark.
///
/// ```
/// assert!(pi18_transport::is_printable('°') && !pi18_transport::is_printable('\u{200b}'));
/// ```
#[must_use]
pub fn is_printable(c: char) -> bool {
    !matches!(c,
        // C0, DEL, C1.
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        // Soft hyphen, Arabic letter mark, Mongolian vowel separator.
        | '\u{ad}' | '\u{61c}' | '\u{180e}'
        // Zero-width characters, marks of direction.
        | '\u{200b}'..='\u{200f}'
        // Line and paragraph separators, embeddings and overrides of direction.
        | '\u{2028}'..='\u{202e}'
        // Word joiner, invisible operators, isolates.
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        // Tags.
        | '\u{e0000}'..='\u{e007f}'
    )
}

/// Wraps words into lines of at most `max_width` columns.
///
/// The first line begins with `lead`, the others are indented to the same column. A word that is too wide
/// for that gets a longer line. A no-break space does not separate words.
///
/// ```
/// assert_eq!(pi18_transport::wrap("why: ", "the cable is loose", 16), "why: the cable\n     is loose\n");
/// ```
#[must_use]
pub fn wrap(lead: &str, words: &str, max_width: usize) -> String {
    let width = |text: &str| text.chars().count();
    let mut text = lead.to_owned();
    let mut used = width(lead);
    let mut is_first = true;
    for word in words.split_ascii_whitespace() {
        if !is_first && used + 1 + width(word) > max_width {
            text.push('\n');
            text.push_str(&" ".repeat(width(lead)));
            used = width(lead);
        } else if !is_first {
            text.push(' ');
            used += 1;
        }
        text.push_str(word);
        used += width(word);
        is_first = false;
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn escaped<'a>(text: &'a str, kept: &[char]) -> Cow<'a, str> {
    let shows = |c: char| is_printable(c) || kept.contains(&c);
    let Some(first) = text.find(|c| !shows(c)) else {
        return Cow::Borrowed(text);
    };
    let (before, rest) = text.split_at(first);
    let mut out = before.to_owned();
    for c in rest.chars() {
        match c {
            c if shows(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => {
                let mut units = [0; 2];
                let units = c.encode_utf16(&mut units).iter();
                out.extend(units.map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_invisible_marks_are_escaped() {
        let text =
            "a\u{1b}[31m\r\n\u{7f}\u{9b}b\u{61c}\u{200e}\u{202e}\u{2066}\u{2069}\u{200b}\u{e0041}";
        assert_eq!(
            printable(text),
            r"a\u001b[31m\r\n\u007f\u009bb\u061c\u200e\u202e\u2066\u2069\u200b\udb40\udc41"
        );
        assert_eq!(printable_lines("a\n\tb\r\u{202a}"), "a\n\tb\\r\\u202a");
    }

    #[test]
    fn escaped_character_in_json_string_reads_back() {
        for c in (0..=0x10_ffff).filter_map(char::from_u32).filter(|c| !is_printable(*c)) {
            let json = format!("\"{}\"", printable(c.encode_utf8(&mut [0; 4])));
            assert_eq!(serde_json::from_str::<char>(&json).unwrap(), c);
        }
    }

    #[test]
    fn text_in_any_language_is_unchanged() {
        for text in ["", "21 °C", "Wechselrichter Küche", "逆变器", "السماء", "👍🏽", "5 µs\u{a0}…"]
        {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
        }
    }
}
