//! Addresses of pages, for what is read elsewhere.

use form_urlencoded::Serializer;

use crate::QueryOptions;

/// An address of a page; only its path where the service does not know its own address.
pub(crate) fn of_page(options: &QueryOptions, path: &str, query: &str) -> String {
    let address = options.address.as_deref().unwrap_or_default().trim_end_matches('/');
    if query.is_empty() { format!("{address}{path}") } else { format!("{address}{path}?{query}") }
}

/// The address of a test's page.
pub(crate) fn of_test(options: &QueryOptions, suite: &str, test: &str) -> String {
    let query = Serializer::new(String::new()).append_pair("suite", suite).append_pair("test", test).finish();
    of_page(options, "/", &query)
}
