//! Who asks, and what they may do.

use std::sync::Arc;

use crate::denied::Denied;
use crate::people::Person;
use crate::scope::{Scopes, Upload};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Anybody: the server asks nobody who they are.
    Anyone,
    /// Somebody who did not say, on a server that asks.
    Nobody,
    /// Whoever holds a key.
    Key {
        /// The key's id.
        id: String,
        /// What it is for.
        name: String,
    },
    /// Somebody who signed in, or of whom a proxy says who they are.
    Person {
        /// Who it is, as events and the audit say it.
        name: String,
    },
    /// Whoever speaks for a run of a CI.
    Run {
        /// Who it is, with the run.
        actor: String,
        /// The run's id in the CI.
        run: String,
    },
}

/// Who asks, with what they may do. The door puts one into each request.
#[derive(Debug, Clone)]
pub struct Caller {
    who: Who,
    scopes: Arc<Scopes>,
    /// Where the request of nobody comes from.
    from: String,
}

impl Caller {
    pub(crate) fn new(who: Who, scopes: Arc<Scopes>) -> Self {
        Self { who, scopes, from: String::new() }
    }

    /// Somebody who signed in.
    pub(crate) fn of_person(person: Person) -> Self {
        Self::new(Who::Person { name: person.name }, Arc::new(person.role.scopes()))
    }

    /// Anybody, where nobody is asked.
    pub fn anyone() -> Self {
        Self::new(Who::Anyone, Arc::default())
    }

    /// Somebody who did not say who they are, and may do nothing.
    pub fn nobody() -> Self {
        Self::new(Who::Nobody, Arc::default())
    }

    /// Who it is.
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// The same, with where the request comes from if that is all that is known.
    pub(crate) fn counted_from(mut self, from: impl FnOnce() -> String) -> Self {
        if self.who == Who::Nobody {
            self.from = from();
        }
        self
    }

    /// What their requests are counted as: those of a key, of a run, or of an address.
    pub(crate) fn counted_as(&self) -> &str {
        match &self.who {
            Who::Key { id, .. } => id,
            Who::Person { name } => name,
            Who::Run { actor, .. } => actor,
            Who::Anyone | Who::Nobody => &self.from,
        }
    }

    /// Who it is, as events and the audit say it; none where nobody said.
    pub fn actor(&self) -> Option<String> {
        match &self.who {
            Who::Anyone | Who::Nobody => None,
            Who::Key { id, name } => Some(format!("{name} (key {id})")),
            Who::Person { name } => Some(format!("{name} (signed in)")),
            Who::Run { actor, .. } => Some(actor.clone()),
        }
    }

    /// What they may do.
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// # Errors
    /// They speak for one run of a CI, and this is another. An upload that names none is taken as theirs.
    pub fn may_speak_for<'a>(&self, named: impl IntoIterator<Item = &'a str>) -> Result<(), Denied> {
        let Who::Run { run, .. } = &self.who else { return Ok(()) };
        let other = named.into_iter().find(|named| named != run);
        self.allowed(other.is_none(), || format!("uploading for the run '{}'", other.unwrap_or_default()))
    }

    /// # Errors
    /// They may not read.
    pub fn may_read(&self) -> Result<(), Denied> {
        self.allowed(self.scopes.may_read(), || "reading".to_owned())
    }

    /// # Errors
    /// They may not upload this.
    pub fn may_upload(&self, upload: &Upload<'_>) -> Result<(), Denied> {
        self.allowed(self.scopes.may_upload(upload), || {
            let repositories = upload.repositories.join(", ");
            let what = match upload.suite {
                None => format!("registering commits of {repositories}"),
                Some(suite) => format!("uploading to the suite '{suite}' with commits of {repositories}"),
            };
            if upload.is_of_change { what } else { format!("{what} on a branch") }
        })
    }

    /// # Errors
    /// They may upload nothing at all.
    pub fn may_upload_something(&self) -> Result<(), Denied> {
        self.allowed(self.scopes.may_upload_something(), || "uploading".to_owned())
    }

    /// # Errors
    /// They may not link bugs and rename tests.
    pub fn may_link(&self) -> Result<(), Denied> {
        self.allowed(self.scopes.may_link(), || "linking bugs and renaming tests".to_owned())
    }

    /// # Errors
    /// They may not say which failures do not count.
    pub fn may_quarantine(&self) -> Result<(), Denied> {
        self.allowed(self.scopes.may_quarantine(), || "putting tests into quarantine".to_owned())
    }

    /// # Errors
    /// They may not change keys and dead letters.
    pub fn may_administer(&self) -> Result<(), Denied> {
        self.allowed(self.scopes.may_administer(), || "administering".to_owned())
    }

    fn allowed(&self, is_allowed: bool, what: impl Fn() -> String) -> Result<(), Denied> {
        match (&self.who, is_allowed) {
            (Who::Anyone, _) | (_, true) => Ok(()),
            (Who::Nobody, false) => Err(Denied::NoKey),
            (Who::Key { id, name }, false) => Err(Denied::Forbidden {
                who: format!("The key '{name}' ({id})"),
                what: what(),
                scopes: self.scopes.texts().join(" "),
            }),
            (Who::Person { name }, false) => Err(Denied::Forbidden {
                who: format!("The role of {name}"),
                what: what(),
                scopes: self.scopes.texts().join(" "),
            }),
            (Who::Run { actor, .. }, false) => Err(Denied::Forbidden {
                who: format!("The token of {actor}"),
                what: what(),
                scopes: self.scopes.texts().join(" "),
            }),
        }
    }
}
