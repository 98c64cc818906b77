//! jest-junit. Names are `{file}::{class}::{name}`; without options the reporter writes neither file nor a class of its own,
//! and the name has all titles.
//!
//! Not carried: attempts before the last; `test.todo`, which looks passed; `test.failing` that failed as it should; without
//! options, the file, and files that could not be loaded. Blanks around the default names are the reporter's own.

use super::dialect::Dialect;
use super::raw::{Kind, Raw, Suite};
use crate::model::{Problem, Status};
use crate::name::{Field, Name};

/// What the reporter calls a file whose hooks failed outside any test.
const HOOKS: &str = "Test execution failure: could be caused by test hooks";

/// What the reporter calls a file that could not be loaded.
const NOT_LOADED: &str = "Test suite failed to run";

pub(super) struct Jest;

impl Dialect for Jest {
    fn tool(&self) -> &'static str {
        "Jest"
    }

    fn name(&self, case: &Raw, _: &[Suite]) -> Name {
        let name = Name::new().with(Field::File, case.file());
        if case.class() == case.name() {
            return name.with(Field::Name, case.name().trim());
        }
        name.with(Field::Class, case.class().trim()).with(Field::Name, case.name())
    }

    fn problem(&self, case: &Raw, suites: &[Suite]) -> Option<Problem> {
        let hooks = case.name().trim_start().starts_with(HOOKS);
        let not_loaded = [case.class(), case.name()].iter().any(|title| title.trim() == NOT_LOADED);
        let suite = suites.last().map_or("", Suite::name);
        let subject = if case.file().is_empty() { suite } else { case.file() };
        ((hooks || not_loaded) && case.broken().is_some())
            .then(|| Problem::outside(subject, &case.message(), Status::Error))
    }

    fn is_nothing(&self, case: &Raw) -> bool {
        // A file that could not be loaded is written twice, as an error and as a failure.
        case.class().trim() == NOT_LOADED && case.child(|kind| kind == Kind::Error).is_none()
    }
}
