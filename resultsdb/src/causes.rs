//! How an error is told to whoever runs a command.

/// The error and its causes in one line, each once: many texts name their cause themselves.
pub(crate) fn told(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if told.is_empty() {
            told = cause;
        } else if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow::anyhow!("refused").context("no answer: refused").context("asking the store");
        assert_eq!(told(&error), "asking the store: no answer: refused");
        assert_eq!(told(&anyhow::anyhow!("alone")), "alone");
    }
}
