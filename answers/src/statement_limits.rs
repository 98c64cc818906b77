//! What one statement may cost, so that no question takes the store away from all others.

use clickhouse::Client;
use clickhouse::error::Error;
use serde::Deserialize;

/// What the store lets one statement of a question take before it breaks it off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StatementLimits {
    /// Seconds; none of its own at 0.
    pub seconds: u32,
    /// MiB of memory on one server; none of its own at 0.
    pub mebibytes: u32,
}

impl Default for StatementLimits {
    /// A thousand times what questions take, and half of what the embedded engine has.
    fn default() -> Self {
        Self { seconds: 60, mebibytes: 2048 }
    }
}

impl StatementLimits {
    /// The same client with these limits for whatever it asks.
    pub(crate) fn of(self, client: Client) -> Client {
        client
            .with_setting("max_execution_time", self.seconds.to_string())
            .with_setting("max_memory_usage", (u64::from(self.mebibytes) << 20).to_string())
    }
}

/// Why the store broke a statement off.
pub(crate) enum Excess {
    /// It ran for too long.
    Time,
    /// It needed too much memory itself.
    Memory,
    /// All statements together needed too much.
    MemoryOfAll,
}

/// What a statement took too much of, if that is why it failed. The numbers are ClickHouse's: TIMEOUT_EXCEEDED is 159,
/// MEMORY_LIMIT_EXCEEDED is 241, which the text alone tells apart.
pub(crate) fn excess(error: &Error) -> Option<Excess> {
    let Error::BadResponse(text) = error else { return None };
    let (_, rest) = text.split_once("Code: ")?;
    match rest.split('.').next()? {
        "159" => Some(Excess::Time),
        "241" if rest.contains("Query memory limit exceeded") => Some(Excess::Memory),
        "241" => Some(Excess::MemoryOfAll),
        _ => None,
    }
}
