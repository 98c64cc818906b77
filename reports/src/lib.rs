//! Reads what test runners write: JUnit XML in its dialects, CTRF, TAP, `go test -json`, and the runners' own forms.
//!
//! A [`RunReader`] takes any number of reports as one run and hands on [`Item`]s: tests with all their attempts, problems
//! outside any test, and what each report says of itself. Each report's form is told by its content. Data flow forward:
//!
//! 1. `input` finds files, opens archives and hands on plain bytes;
//! 2. `recognise` tells the form by the first bytes; `xml_forms` and `json` tell it further, by root element and members;
//!    `xml` and `json` bound what a parser holds in memory;
//! 3. a reader of the form (`junit` with a file for each dialect, `robot`, `trx`, `nunit`, `opentest`, `json`, `lines`,
//!    `tap`) makes tests and problems of it;
//! 4. `run` joins attempts, tells tests of one name apart, writes names ([`name`]) and hands on;
//! 5. [`document`] writes what is handed on as the document of an upload.
//!
//! A report of any size is read in bounded memory ([`limits`]). Nothing is written, and nothing is kept of a report but
//! what is handed on.

pub mod document;
mod error;
mod format;
mod input;
mod json;
mod junit;
pub mod limits;
mod lines;
mod model;
pub mod name;
mod number;
mod nunit;
mod opentest;
mod recognise;
mod robot;
mod run;
mod run_reader;
mod stamp;
mod tap;
mod trx;
mod xml;
mod xml_forms;

pub use error::ReportError;
pub use format::{Format, UnknownFormat};
pub use input::expand;
pub use model::{Attempt, Item, Problem, ProblemKind, Source, Status, Test, Text};
pub use run::Options;
pub use run_reader::RunReader;
pub use stamp::{Stamp, Zone};
