//! What triage finds, as it is told outside of the pages, in feeds and messages: a sentence, an address, and an id by which
//! a reader knows what it was told before.

use form_urlencoded::Serializer;
use schema::state::NAMES;
use uuid::{Builder, Uuid};

use super::{Found, Group};
use crate::routes::Service;

/// What tells a finding from others, also from a later one of the same test.
pub(crate) fn id(suite: &str, found: &Found) -> Uuid {
    let (kind, since) = match found.group {
        Group::New | Group::Still => ("failing", found.since),
        Group::Fixed => ("fixed", found.since),
        // It is not news each time that it fails.
        Group::Flaky => ("flaky", 0),
    };
    id_of(&[suite, &found.test, kind, &since.to_string()])
}

/// The same for the same texts.
pub(crate) fn id_of(texts: &[&str]) -> Uuid {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// What a test does, in words.
pub(crate) fn sentence(suite: &str, found: &Found) -> String {
    let state = NAMES.get(usize::from(found.state)).copied().unwrap_or_default().to_lowercase();
    let does = match found.group {
        Group::New => format!("newly fails ({state})"),
        Group::Still => format!("still fails ({state})"),
        Group::Fixed => "is fixed".to_owned(),
        Group::Flaky => format!("is flaky ({state})"),
    };
    match found.configurations.as_slice() {
        [one] => format!("{suite} {} {does} on {}", found.test, one.name()),
        several => format!("{suite} {} {does} on {} configurations", found.test, several.len()),
    }
}

/// An address of a page; only its path where the service does not know its own address.
pub(crate) fn address(service: &Service, path: &str, query: &str) -> String {
    let address = service.options.address.as_deref().unwrap_or_default().trim_end_matches('/');
    if query.is_empty() { format!("{address}{path}") } else { format!("{address}{path}?{query}") }
}

/// The address of a test's page.
pub(crate) fn address_of(service: &Service, suite: &str, test: &str) -> String {
    let query = Serializer::new(String::new()).append_pair("suite", suite).append_pair("test", test).finish();
    address(service, "/", &query)
}
