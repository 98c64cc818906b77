//! Runs work that blocks beside the threads that serve requests.

/// Blocking work ended without a result: it panicked, or the runtime shuts down.
#[derive(Debug, thiserror::Error)]
#[error("The request could not be processed")]
pub struct BlockingError(#[from] tokio::task::JoinError);

/// Runs `work`, which would hold up other requests of this thread, on a thread of its own.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, BlockingError> {
    Ok(tokio::task::spawn_blocking(work).await?)
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn results_come_back_and_panics_become_errors() {
        assert!(matches!(blocking(|| 7).await, Ok(7)));
        let panicked: Result<u8, BlockingError> = blocking(|| panic!("deliberately")).await;
        assert_eq!(panicked.map_err(|error| error.to_string()), Err("The request could not be processed".to_owned()));
    }
}
