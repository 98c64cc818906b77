//! Pieces of reports that real runners wrote, shortened: what each showed that its documentation does not say.

#[path = "../support/lines.rs"]
mod lines;

mod bats;
mod go;
mod javascript;
mod others;
mod python;
