//! The `test.xml` that Bazel writes for tests that write none. Names are `{name}`: the target's path. One testcase is the
//! whole target.
//!
//! Not carried: starts; single tests; whether the result is from the cache, which the build event stream says.

use super::dialect::Dialect;
use super::raw::{Child, Raw, Suite};
use crate::model::Status;
use crate::name::{Field, Name};

pub(super) struct Bazel;

impl Dialect for Bazel {
    fn tool(&self) -> &'static str {
        "Bazel"
    }

    fn name(&self, case: &Raw, _: &[Suite]) -> Name {
        Name::new().with(Field::Name, case.name())
    }

    /// An exit code that is not 0 is how a test says that it failed.
    fn broken(&self, child: &Child, _: &Raw) -> Status {
        let code = child.message().strip_prefix("exited with error code ");
        match code.and_then(|code| code.parse::<u32>().ok()) {
            Some(142) => Status::Timeout,
            Some(129..) => Status::Crash,
            _ => Status::Failed,
        }
    }
}
