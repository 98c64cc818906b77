//! A small HTTP client that blocks and takes every status for an answer.

use ureq::Agent;

use crate::wait::DEADLINE;

/// A client that follows no redirect and gives up after [`DEADLINE`].
pub fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).max_redirects(0).timeout_global(Some(DEADLINE)).build().into()
}

/// Status and text of the answer to a GET request.
pub fn get(url: &str, path: &str) -> (u16, String) {
    let mut response = agent().get(format!("{url}{path}")).call().unwrap();
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

/// Status and text of the answer to a POST request; an error if there is none, as from a server that was killed.
pub fn post(url: &str, path: &str, body: &[u8]) -> Result<(u16, String), ureq::Error> {
    let mut response = agent().post(format!("{url}{path}")).send(body)?;
    let status = response.status().as_u16();
    Ok((status, response.body_mut().read_to_string()?))
}
