//! Laws that hold whatever the business is: about the books, and about what callers were told.

mod book;
mod promises;

pub use book::BookLaws;
pub use promises::Promises;
