//! Readers of reports, as campaigns take them.

use std::io;

use fastrand::Rng;

use crate::check::check;
use crate::mutate::{CHANGES, mutate};
use crate::packing::Packing;
use crate::seeds;
use crate::subject::{Checked, Subject};
use crate::targets::Target;

impl Subject for Target {
    fn name(&self) -> &'static str {
        self.name
    }

    fn seeds(&self) -> io::Result<Vec<Vec<u8>>> {
        seeds::of(self, &seeds::all()?)
    }

    fn make(&self, rng: &mut Rng, seeds: &[Vec<u8>]) -> io::Result<Vec<u8>> {
        if self.packing == Packing::Plain {
            return Ok(mutate(rng, seeds, self.tokens, CHANGES));
        }
        // Half of the archives are whole, with spoilt reports in them; the others are spoilt themselves.
        let count = rng.usize(1..4);
        let whole = rng.bool();
        let report = |rng: &mut Rng| match whole {
            true => mutate(rng, seeds, self.tokens, CHANGES),
            false => rng.choice(seeds).cloned().unwrap_or_default(),
        };
        let reports: Vec<Vec<u8>> = (0..count).map(|_| report(rng)).collect();
        let packed = self.packing.pack(rng, &reports)?;
        Ok(if whole { packed } else { mutate(rng, &[packed], self.tokens, CHANGES) })
    }

    fn check(&self, bytes: &[u8], rng: &mut Rng) -> io::Result<Checked> {
        check(self, bytes, rng)
    }
}
