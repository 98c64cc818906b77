//! What triage finds, as it is told outside of the pages, in feeds and messages: a sentence, a link, and an id by which a
//! reader knows what it was told before.

use form_urlencoded::Serializer;
use schema::commit::branch_key;
use schema::configuration::Configuration;
use uuid::Uuid;

use crate::stable_id;
use crate::triage::{Group, TriagedTest};

/// What tells a finding from others, also from a later one of the same test; the same whatever the test is renamed to.
pub fn id(suite: &str, test: &TriagedTest) -> Uuid {
    let (kind, since) = match test.group {
        Group::New | Group::Still => ("failing", test.since.0),
        Group::Fixed => ("fixed", test.since.0),
        // It is not news each time that it fails.
        Group::Flaky => ("flaky", 0),
        Group::Removed => ("removed", test.since.0),
        Group::Expected => ("expected", test.since.0),
        Group::Surprising => ("surprising", test.since.0),
        Group::NotRun => ("notrun", test.since.0),
    };
    stable_id::of(&[suite, &test.first_name, kind, &since.to_string()])
}

/// The address of a page, which is read elsewhere; only its path where the site does not know its own address.
pub fn page(site: Option<&str>, path: &str, query: &str) -> String {
    let site = site.unwrap_or_default().trim_end_matches('/');
    if query.is_empty() { format!("{site}{path}") } else { format!("{site}{path}?{query}") }
}

/// The address of a test's page.
pub fn page_of_test(site: Option<&str>, suite: &str, test: &str) -> String {
    let query = Serializer::new(String::new()).append_pair("suite", suite).append_pair("test", test).finish();
    page(site, "/", &query)
}

/// The path of a test's page as it is on a branch, given by its key, on whichever configurations ran there.
pub fn page_of_branch(branch: &str, suite: &str, test: &str) -> String {
    let page = page_of_test(None, suite, test);
    if branch == branch_key(None) {
        return page;
    }
    let query = Serializer::new(String::new()).append_pair("branch", branch).append_pair("recent", "false").finish();
    format!("{page}&{query}")
}

/// What a test does, in words.
pub fn sentence(suite: &str, test: &TriagedTest) -> String {
    let state = test.state.name().to_lowercase();
    let does = match test.group {
        Group::New => match test.worsened_from {
            Some(before) => format!("fails worse ({}, then {state})", before.name().to_lowercase()),
            None if !test.aftermath.earlier.is_empty() => format!("fails again ({state})"),
            None => format!("newly fails ({state})"),
        },
        Group::Still => format!("still fails ({state})"),
        Group::Fixed => "is fixed".to_owned(),
        Group::Flaky => format!("is flaky ({state})"),
        Group::Removed => format!("does not run any more (last {state})"),
        Group::Expected => format!("is expected to fail now ({state})"),
        Group::Surprising => "passes, although it is expected to fail,".to_owned(),
        Group::NotRun => format!("did not run lately (last {state})"),
    };
    match test.configurations.as_slice() {
        [one] => format!("{suite} {} {does} on {}", test.test, Configuration::name(one)),
        several => format!("{suite} {} {does} on {} configurations", test.test, several.len()),
    }
}
