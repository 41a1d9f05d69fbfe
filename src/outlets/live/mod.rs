//! The live view on a terminal: how it is taken over and given back, the keys, and what is drawn.

mod columns;
mod draw;
mod keys;
mod screen;

pub use draw::draw;
pub use keys::{Looks, Wish};
pub use screen::{Drawn, Screen, is_shown, leave, next_event};
