//! Bugs as pages show them.

use minijinja::{Value, context};
use schema::bug::BugLink;

/// What a template shows of a bug.
pub(super) fn to_context(link: &BugLink) -> Value {
    let configuration = serde_json::to_string(&link.configuration).unwrap_or_default();
    context! {
        url => link.url, name => short(&link.url), note => link.note, test => link.test, suite => link.suite, configuration,
        only => link.configuration.name(), failure => link.failure, message => link.message,
    }
}

/// What people call a bug: the number or name at the end of its address, if it has one.
pub(super) fn short(url: &str) -> String {
    let address = url.split_once("://").map_or(url, |(_, address)| address).trim_end_matches('/');
    let last = address.rsplit_once(['/', '=', '#']).map_or("", |(_, last)| last);
    if !last.bytes().any(|byte| byte.is_ascii_digit()) {
        address.to_owned()
    } else if last.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("bug {last}")
    } else {
        last.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bugs_are_called_by_their_numbers() {
        assert_eq!(short("https://bugs.example.org/show_bug.cgi?id=4711"), "bug 4711");
        assert_eq!(short("https://git.example.org/a/b/issues/12/"), "bug 12");
        assert_eq!(short("https://tracker.example.org/browse/ABC-9"), "ABC-9");
        assert_eq!(short("https://tracker.example.org/about"), "tracker.example.org/about");
    }
}
