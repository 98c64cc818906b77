//! What the reports of one run say together: attempts joined, names told apart.

mod assemble;
mod options;
mod repeat;
mod unique;

pub(crate) use assemble::{Assembler, Case};
pub use options::Options;
pub(crate) use repeat::Repeat;
