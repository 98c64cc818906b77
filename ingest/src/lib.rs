//! The intake: accepts uploads, commits, bugs, renames, owners, entries of the quarantine and decisions about dead letters over
//! HTTP, and appends an event for each.
//!
//! A request's way is forward, and so are the imports: [`router`] → one file of `requests` → `checks` → `resolve` →
//! `append` → `wait`.
//!
//! 1. `checks/body` reads the body within the memory that all requests share, and refuses encodings it cannot read;
//!    `checks/upload` checks an upload's document and borrows from it, `checks/document` what several documents share.
//!    Reports of test runners become such a document first (`converted_reports`).
//! 2. `resolve/commits` finds the commits that are only named, in the store or at the repository's own host
//!    ([`sources`]); `resolve/ci` derives the run's links to its CI.
//! 3. `append` encodes the event and appends it to the log; what is too large for the log goes to the blob store first,
//!    as do the files of an archive. An upload that only repeats the last one of its run is not appended but given that
//!    one's receipt (`duplicates`).
//! 4. `wait` holds the answer until the processor's group has committed past the event, where the sender asks for that.
//!
//! `owner_files` reads at repositories' hosts now and then who owns the tests of suites, and appends what is new.
//!
//! `tally` counts what becomes of uploads, and appends a report of it each minute in which there are any.
//!
//! `state` holds what all requests share, `error` what a sender is told when its request is not taken.

mod append;
mod checks;
mod converted_reports;
mod duplicates;
mod error;
mod lookups;
mod owner_files;
mod requests;
mod resolve;
mod router;
mod sender;
mod state;
mod tally;
mod wait;

pub use owner_files::{SuiteFile, read_owner_files};
pub use resolve::sources;
pub use router::{OPERATIONS, router, rules};
pub use state::IntakeOptions;
