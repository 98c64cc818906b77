//! Posts documents, with retries.

use std::time::Duration;

use anyhow::bail;

const ATTEMPTS: u32 = 5;
/// Whoever posts from a command line sees an error and can mend the document, which is better than a run without results.
/// Requests that know no such handling pass the preference over.
const PREFER: (&str, &str) = ("Prefer", "handling=strict");

/// What the server says of an upload that it took in, though something about it is odd.
const WARNING: &str = "resultsdb-warning";

/// Posts a JSON body; waits and tries again while the server cannot be reached or is not available.
pub(crate) fn post(url: &str, path: &str, body: &[u8]) -> anyhow::Result<()> {
    post_as(url, path, "application/json", body)
}

/// The same for a body of any content type.
pub(crate) fn post_as(url: &str, path: &str, media: &str, body: &[u8]) -> anyhow::Result<()> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let target = format!("{}{path}", url.trim_end_matches('/'));
    let mut attempt = 1;
    loop {
        match agent.post(&target).header("Content-Type", media).header(PREFER.0, PREFER.1).send(body) {
            Ok(response) if response.status() == 200 => {
                if let Some(warning) = response.headers().get(WARNING).and_then(|value| value.to_str().ok()) {
                    eprintln!("{target}: {warning}");
                }
                return Ok(());
            }
            Ok(mut response) if response.status() != 503 || attempt == ATTEMPTS => {
                let text = response.body_mut().read_to_string().unwrap_or_default();
                bail!("{target} answered {}: {text}", response.status());
            }
            Err(error) if attempt == ATTEMPTS => bail!("{target} cannot be reached: {error}"),
            Ok(_) | Err(_) => {}
        }
        std::thread::sleep(Duration::from_millis(200 << attempt));
        attempt += 1;
    }
}
