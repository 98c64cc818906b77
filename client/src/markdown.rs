//! Text of others in Markdown, and links to pages of the server.

pub(crate) use schema::markdown::{LINES, cell, code, counted, escape, more, shown};

/// The page of a test's history.
pub(crate) fn test_link(url: &str, suite: &str, test: &str, branch: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("suite", suite).append_pair("test", test);
    if branch.starts_with("change/") {
        query.append_pair("branch", branch);
    }
    format!("{url}/?{}", query.finish())
}
