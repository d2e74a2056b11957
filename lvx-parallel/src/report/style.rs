//! Colours and line width of text reports.

use pi18_transport::wrap;

/// Colours and line width of a text report.
///
/// ```
/// use lvx_parallel::ReportStyle;
///
/// let style = ReportStyle::default().coloured(true).wide(72);
/// assert_eq!((style.colour, style.width), (true, 72));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ReportStyle {
    /// Whether the text has escape sequences for colours in a terminal.
    pub colour: bool,
    /// Largest number of characters in a line. Units that do not fit side by side are shown below.
    pub width: usize,
}

impl Default for ReportStyle {
    /// Returns a style without colours, 100 characters wide.
    fn default() -> Self {
        Self { colour: false, width: 100 }
    }
}

impl ReportStyle {
    /// Returns the same style with or without colours.
    #[must_use]
    pub fn coloured(self, colour: bool) -> Self {
        Self { colour, ..self }
    }

    /// Returns the same style with lines of `width` characters, at least 40.
    #[must_use]
    pub fn wide(self, width: usize) -> Self {
        Self { width: width.max(40), ..self }
    }

    /// Returns the same style with lines of at most `width` characters.
    #[must_use]
    pub fn at_most(self, width: usize) -> Self {
        Self { width: self.width.min(width), ..self }
    }

    /// Wraps a text into lines that fit the style. The first line begins with `lead`, the others are
    /// indented by the width of `lead`.
    ///
    /// ```
    /// use lvx_parallel::ReportStyle;
    ///
    /// let text = ReportStyle::default().wide(40).wrap("why: ", "one unit stops while the other one continues");
    /// assert_eq!(text, "why: one unit stops while the other one\n     continues\n");
    /// ```
    #[must_use]
    pub fn wrap(&self, lead: &str, text: &str) -> String {
        wrap(lead, text, self.width)
    }

    /// Returns the text in a colour, if the style has colours.
    pub(super) fn paint(self, text: &str, colour: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
