//! Which page is shown, and what keys do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What is shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Page {
    /// The whole bank.
    #[default]
    Overview,
    /// A unit, by its place.
    Unit(usize),
    /// All findings.
    Findings,
    /// The chart, on the whole screen.
    Chart,
}

/// The page that is shown, and how far it is scrolled.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct View {
    /// The page.
    pub(super) page: Page,
    /// Number of lines that are scrolled out above. Drawing limits it to what there is.
    pub(super) scroll: usize,
    /// Whether the keys are explained.
    pub(super) is_help: bool,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Action {
    /// Nothing, or another page.
    Draw,
    /// To draw everything again.
    Redraw,
    /// To stop until the shell continues the program.
    Suspend,
    /// To end.
    Quit,
}

impl View {
    /// Does what a key says. `units` is the number of units.
    pub(super) fn key(&mut self, key: KeyEvent, units: usize) -> Action {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if is_control => return Action::Quit,
            KeyCode::Char('z') if is_control => return Action::Suspend,
            KeyCode::Char('l') if is_control => return Action::Redraw,
            KeyCode::Char('q' | 'Q') => return Action::Quit,
            KeyCode::Char('?' | 'h') => self.is_help = !self.is_help,
            _ if self.is_help => self.is_help = false,
            KeyCode::Tab | KeyCode::Right => self.turn(1, units),
            KeyCode::BackTab | KeyCode::Left => self.turn(-1, units),
            KeyCode::Char('o') | KeyCode::Home | KeyCode::Esc => self.show(Page::Overview),
            KeyCode::Char('u') if units > 0 => self.show(Page::Unit(0)),
            KeyCode::Char('f') => self.show(Page::Findings),
            KeyCode::Char('c') => self.show(Page::Chart),
            KeyCode::Up => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down => self.scroll = self.scroll.saturating_add(1),
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(PAGE),
            KeyCode::PageDown => self.scroll = self.scroll.saturating_add(PAGE),
            _ => {}
        }
        Action::Draw
    }

    /// Limits the page to the units that there are.
    pub(super) fn limit(&mut self, units: usize) {
        if matches!(self.page, Page::Unit(place) if place >= units) {
            self.show(Page::Overview);
        }
    }

    fn show(&mut self, page: Page) {
        *self = Self { page, scroll: 0, is_help: false };
    }

    /// Goes to the next page, or the one before.
    fn turn(&mut self, step: isize, units: usize) {
        let pages = units + 3;
        let place = match self.page {
            Page::Overview => 0,
            Page::Unit(place) => place + 1,
            Page::Findings => units + 1,
            Page::Chart => units + 2,
        };
        let place = (place + pages).saturating_add_signed(step) % pages;
        self.show(match place {
            0 => Page::Overview,
            place if place == units + 1 => Page::Findings,
            place if place == units + 2 => Page::Chart,
            place => Page::Unit(place - 1),
        });
    }
}

/// Lines that a page key scrolls.
const PAGE: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn press(view: &mut View, code: KeyCode) -> Action {
        view.key(KeyEvent::new(code, KeyModifiers::NONE), 2)
    }

    #[test]
    fn arrows_turn_through_all_pages() {
        let mut view = View::default();
        let pages = [Page::Unit(0), Page::Unit(1), Page::Findings, Page::Chart, Page::Overview];
        for page in pages {
            press(&mut view, KeyCode::Right);
            assert_eq!(view.page, page);
        }
        for page in pages.iter().rev().skip(1) {
            press(&mut view, KeyCode::BackTab);
            assert_eq!(view.page, *page);
        }
    }

    #[test]
    fn keys_end_suspend_and_explain() {
        let mut view = View::default();
        assert_eq!(press(&mut view, KeyCode::Char('q')), Action::Quit);
        let control = |letter| KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL);
        assert_eq!(view.key(control('c'), 2), Action::Quit);
        assert_eq!(view.key(control('z'), 2), Action::Suspend);
        press(&mut view, KeyCode::Char('?'));
        assert!(view.is_help);
        press(&mut view, KeyCode::Right);
        assert_eq!(view, View::default());
    }

    #[test]
    fn page_of_a_unit_that_is_gone_is_left() {
        let mut view = View { page: Page::Unit(1), scroll: 3, is_help: false };
        view.limit(2);
        assert_eq!(view.page, Page::Unit(1));
        view.limit(1);
        assert_eq!(view, View::default());
        view.key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::NONE), 0);
        assert_eq!(view.page, Page::Overview);
    }
}
