//! Waiting for conditions. Tests wait for what they need, never for a time.

use std::time::{Duration, Instant};

/// How long anything may take before a test gives up.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Between two looks at a condition.
const INTERVAL: Duration = Duration::from_millis(1);

/// Blocks until the condition holds; `what` says in the failure what was waited for.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < DEADLINE, "waited too long until {what}");
        std::thread::sleep(INTERVAL);
    }
}

/// The same for a condition that has to be awaited.
pub async fn until_async(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < DEADLINE, "waited too long until {what}");
        tokio::time::sleep(INTERVAL).await;
    }
}
