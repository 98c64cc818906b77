//! Whatever takes bytes of anyone.

use std::io;
use std::time::Duration;

use fastrand::Rng;

/// What one input cost, and whether anything was wrong with it.
#[derive(Debug)]
pub struct Checked {
    /// How long it took.
    pub time: Duration,
    /// Bytes beyond what was held before, what was read included.
    pub peak: usize,
    /// Tests that it had; one if it was understood and has none.
    pub tests: usize,
    /// What is wrong.
    pub wrong: Option<String>,
}

/// A reader with inputs that it knows, and what has to hold for every other.
pub trait Subject: Sync {
    /// Its name, for people.
    fn name(&self) -> &'static str;

    /// Inputs that it understands, to be spoilt.
    ///
    /// # Errors
    /// They cannot be read.
    fn seeds(&self) -> io::Result<Vec<Vec<u8>>>;

    /// A spoilt input, the same for the same draws.
    ///
    /// # Errors
    /// It cannot be packed.
    fn make(&self, rng: &mut Rng, seeds: &[Vec<u8>]) -> io::Result<Vec<u8>>;

    /// Reads an input, and says what is wrong with how it is read. A panic is wrong, too.
    ///
    /// # Errors
    /// It could not be tried.
    fn check(&self, bytes: &[u8], rng: &mut Rng) -> io::Result<Checked>;
}
