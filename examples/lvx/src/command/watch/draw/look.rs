//! Colours and signs, as far as the terminal has them.

use ratatui::style::{Color, Modifier, Style};

use crate::overview::Level;

/// What the terminal can show.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Look {
    /// Whether colours are used. Nothing is said by colour alone.
    pub(super) has_colour: bool,
    /// Whether only ASCII is used.
    pub(super) is_ascii: bool,
}

/// What a text means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tone {
    /// Usual text.
    Plain,
    /// Numbers and names.
    Strong,
    /// Secondary text.
    Dim,
    /// An old value.
    Old,
    /// The verdict.
    Verdict(Level),
    /// A row or a title with a problem.
    Problem(Level),
    /// The sun.
    Sun,
    /// The load.
    Load,
    /// The battery.
    Battery,
    /// The grid.
    Grid,
}

impl Look {
    /// Reads `NO_COLOR` and the locale.
    ///
    /// Source: no-color.org; POSIX, order of `LC_ALL`, `LC_CTYPE` and `LANG`.
    pub(crate) fn of_environment() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        Self { has_colour: set("NO_COLOR").is_none(), is_ascii: !is_utf8(locale.as_deref()) }
    }

    /// Returns the style of a tone.
    pub(super) fn style(self, tone: Tone) -> Style {
        let plain = Style::new();
        let (style, emphasis) = match tone {
            Tone::Plain => (plain, Modifier::empty()),
            Tone::Strong | Tone::Grid => (plain, Modifier::BOLD),
            Tone::Dim => (plain, Modifier::DIM),
            Tone::Old => (plain, Modifier::DIM | Modifier::ITALIC),
            Tone::Verdict(level) => return self.verdict(level),
            Tone::Problem(Level::Error) => (plain.fg(Color::Red), Modifier::BOLD),
            Tone::Problem(_) | Tone::Sun => (plain.fg(Color::Yellow), Modifier::BOLD),
            Tone::Load => (plain.fg(Color::Blue), Modifier::BOLD),
            Tone::Battery => (plain.fg(Color::Green), Modifier::BOLD),
        };
        let style = if self.has_colour { style } else { plain };
        style.add_modifier(emphasis)
    }

    fn verdict(self, level: Level) -> Style {
        let reversed = Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED);
        if !self.has_colour {
            return reversed;
        }
        match level {
            Level::Starting | Level::Lost => reversed,
            Level::Ok => Style::new().fg(Color::Black).bg(Color::Green),
            Level::Warning => Style::new().fg(Color::Black).bg(Color::Yellow),
            Level::Error => {
                Style::new().fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD)
            }
        }
    }
}

/// Returns whether a locale uses UTF-8. Without a locale, as over `ssh`, the terminal most likely does.
fn is_utf8(locale: Option<&str>) -> bool {
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// Returns the ASCII sign for a sign that is not.
pub(super) fn ascii(sign: &str) -> &'static str {
    match sign {
        "─" | "–" | "—" => "-",
        "━" => "=",
        "│" | "┃" | "┬" | "┴" => "|",
        "┏" | "┓" | "┗" | "┛" | "✓" => "+",
        "▁" => "_",
        "▄" | "▅" => "o",
        "▆" | "▇" | "█" => "#",
        "╱" => "/",
        "▂" | "▃" | "░" | "…" => ".",
        "▶" | "→" => ">",
        "←" => "<",
        "▲" | "↑" => "^",
        "↓" => "v",
        "≠" => "!",
        "≈" => "~",
        "✗" | "×" => "x",
        "°" => " ",
        "·" => ",",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_leaves_emphasis_only() {
        let look = Look { has_colour: false, is_ascii: false };
        let levels = [Level::Ok, Level::Warning, Level::Error, Level::Lost, Level::Starting];
        let tones =
            levels.into_iter().flat_map(|level| [Tone::Verdict(level), Tone::Problem(level)]);
        for tone in tones.chain([Tone::Sun, Tone::Load, Tone::Battery]) {
            let style = look.style(tone);
            assert_eq!((style.fg, style.bg), (None, None), "{tone:?}");
            assert!(!style.add_modifier.is_empty(), "{tone:?}");
        }
    }

    #[test]
    fn locale_decides_about_ascii() {
        assert!(is_utf8(None) && is_utf8(Some("de_DE.UTF-8")) && is_utf8(Some("C.utf8")));
        assert!(!is_utf8(Some("C")) && !is_utf8(Some("de_DE.ISO-8859-1")));
    }
}
