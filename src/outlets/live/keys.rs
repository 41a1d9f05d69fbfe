//! What the keys do.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::report::live::Order;

/// How the moment is looked at.
#[derive(Debug, Default)]
pub struct Looks {
    pub order: Order,
    /// How many rows of the list are above the screen.
    pub offset: usize,
    /// How many fit on it.
    pub page: usize,
    pub is_paused: bool,
    pub shows_help: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Another picture.
    Draw,
    Quit,
    Interrupt,
}

impl Looks {
    /// What an event asks for, if anything.
    pub fn take(&mut self, event: &Event) -> Option<Wish> {
        match event {
            Event::Resize(..) => Some(Wish::Draw),
            Event::Key(key) if key.kind != KeyEventKind::Release => self.press(*key),
            _ => None,
        }
    }

    fn press(&mut self, key: KeyEvent) -> Option<Wish> {
        let has_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if has_control => return Some(Wish::Interrupt),
            KeyCode::Char(_) if has_control => return None,
            KeyCode::Esc if self.shows_help => self.shows_help = false,
            KeyCode::Char('q') | KeyCode::Esc => return Some(Wish::Quit),
            KeyCode::Char('?') => self.shows_help = !self.shows_help,
            KeyCode::Char('n') => self.sort(Order::Node),
            KeyCode::Char('u') => self.sort(Order::User),
            KeyCode::Char('i') => self.sort(Order::Idle),
            KeyCode::Char(' ') => self.is_paused = !self.is_paused,
            KeyCode::Up => self.offset = self.offset.saturating_sub(1),
            KeyCode::Down => self.offset += 1,
            KeyCode::PageUp => self.offset = self.offset.saturating_sub(self.page),
            KeyCode::PageDown => self.offset += self.page,
            KeyCode::Home => self.offset = 0,
            // The next picture knows where the end is.
            KeyCode::End => self.offset = usize::MAX / 2,
            _ => return None,
        }
        Some(Wish::Draw)
    }

    fn sort(&mut self, order: Order) {
        (self.order, self.offset) = (order, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn press(looks: &mut Looks, code: KeyCode) -> Option<Wish> {
        looks.take(&Event::Key(code.into()))
    }

    #[test]
    fn every_key_does_what_the_foot_says() {
        let mut looks = Looks {
            page: 10,
            ..Looks::default()
        };
        for (key, order) in [('u', Order::User), ('i', Order::Idle), ('n', Order::Node)] {
            looks.offset = 3;
            assert_eq!(press(&mut looks, KeyCode::Char(key)), Some(Wish::Draw));
            assert_eq!((looks.order, looks.offset), (order, 0));
        }
        press(&mut looks, KeyCode::Char(' '));
        assert!(looks.is_paused);
        press(&mut looks, KeyCode::Char(' '));
        assert!(!looks.is_paused);
        for (code, offset) in [
            (KeyCode::Up, 0),
            (KeyCode::Down, 1),
            (KeyCode::PageDown, 11),
            (KeyCode::PageUp, 1),
            (KeyCode::PageUp, 0),
        ] {
            press(&mut looks, code);
            assert_eq!(looks.offset, offset, "{code}");
        }
        press(&mut looks, KeyCode::Char('?'));
        assert!(looks.shows_help);
        assert_eq!(press(&mut looks, KeyCode::Esc), Some(Wish::Draw));
        assert_eq!(press(&mut looks, KeyCode::Esc), Some(Wish::Quit));
        assert_eq!(press(&mut looks, KeyCode::Char('q')), Some(Wish::Quit));
        assert_eq!(press(&mut looks, KeyCode::Char('x')), None);
    }

    #[test]
    fn control_c_is_an_interrupt_and_other_controls_are_nothing() {
        let mut looks = Looks::default();
        let control = |c| Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL));
        assert_eq!(looks.take(&control('c')), Some(Wish::Interrupt));
        assert_eq!(looks.take(&control('q')), None);
        assert_eq!(looks.take(&Event::FocusGained), None);
        assert_eq!(looks.take(&Event::Resize(1, 1)), Some(Wish::Draw));
    }
}
