//! A flow as a picture: one SVG file that needs nothing else.

mod draw;
mod layout;

pub use draw::svg;
