//! Finds the events of a batch that the store refuses for good: a refused batch is halved until the one event is left,
//! which becomes a dead letter, and all others are written.

use eventlog::{Consumer, Record};

use super::write::{BatchProgress, BatchWriter, WriteOutcome};
use crate::error::ProcessorError;

impl BatchWriter {
    /// Writes the rows of all records, those of refused events as dead letters; false if the task is to stop.
    pub(super) async fn write_all(
        &mut self,
        consumer: &mut dyn Consumer,
        records: Vec<Record>,
        progress: &mut BatchProgress,
    ) -> Result<bool, ProcessorError> {
        let mut parts = vec![records];
        while let Some(mut part) = parts.pop() {
            match self.write(consumer, &part, progress).await? {
                WriteOutcome::Written => {}
                WriteOutcome::Stopped => return Ok(false),
                WriteOutcome::Refused(cause) => {
                    let later = part.split_off(part.len() / 2);
                    match (part.is_empty(), later.as_slice()) {
                        (true, [one]) => {
                            progress.refused.insert(one.position, cause);
                        }
                        _ => tracing::warn!(cause, events = part.len() + later.len(), "looking for a refused event"),
                    }
                    parts.extend([later, part].into_iter().filter(|part| !part.is_empty()));
                }
            }
        }
        Ok(true)
    }
}
