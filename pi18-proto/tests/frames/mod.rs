//! Reads the captured frames in `frames.txt`.

/// A frame that was published, with the facts known about it.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    pub(crate) id: &'static str,
    pub(crate) sent_by: &'static str,
    pub(crate) command: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) sums: &'static str,
}

impl Capture {
    pub(crate) fn is_reply(&self) -> bool {
        self.sent_by.contains("device")
    }

    pub(crate) fn is_cut_off(&self) -> bool {
        self.sent_by.ends_with("cut off")
    }

    pub(crate) fn has_valid_checksum(&self) -> bool {
        self.sums.ends_with("checksum right")
    }
}

/// Returns all frames in the file.
pub(crate) fn all() -> Vec<Capture> {
    let paragraphs = include_str!("frames.txt").split("\n\n").map(str::trim);
    paragraphs.filter(|text| text.starts_with("id ")).map(capture).collect()
}

/// Parses the paragraph of one frame.
#[track_caller]
fn capture(paragraph: &'static str) -> Capture {
    let value = |key: &str| {
        let line = paragraph.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_else(|| panic!("expected a line {key:?} in {paragraph}")).trim()
    };
    Capture {
        id: value("id "),
        sent_by: value("sent by "),
        command: value("command "),
        bytes: unescape(value("bytes ")),
        sums: value("sums "),
    }
}

/// Converts text with escapes such as `\r` and `\xNN` to bytes.
#[track_caller]
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (byte, taken) = match (first, rest.as_bytes().get(1)) {
            ('\\', Some(b'r')) => (b'\r', 2),
            ('\\', Some(b'n')) => (b'\n', 2),
            ('\\', Some(b't')) => (b'\t', 2),
            ('\\', Some(b'x')) => {
                (u8::from_str_radix(&rest[2..4], 16).expect("two hexadecimal digits"), 4)
            }
            ('\\', Some(&escaped)) => (escaped, 2),
            _ => (rest.as_bytes()[0], 1),
        };
        bytes.push(byte);
        rest = &rest[taken..];
    }
    bytes
}
