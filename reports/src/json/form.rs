//! What a form of JSON document has to say while it is read, and what its readers need of values.

use serde_json::Value;

use super::walk::Want;
use crate::error::Stop;
use crate::model::Source;
use crate::run::Assembler;

/// What a form is told while its document is read.
pub(super) struct Context<'c, 'a> {
    pub(super) out: &'c mut Assembler<'a>,
    pub(super) source: &'c mut Source,
}

/// One form of document.
pub(super) trait Form {
    /// What to do with the value at a path.
    fn want(&self, path: &[&str]) -> Want;

    /// Takes a value as a whole.
    fn take(&mut self, path: &[&str], value: Value, context: &mut Context<'_, '_>) -> Result<(), Stop>;

    /// An object that was gone into has ended.
    fn leave(&mut self, path: &[&str], context: &mut Context<'_, '_>) -> Result<(), Stop> {
        let _ = (path, context);
        Ok(())
    }

    /// The document has ended, or is broken off.
    fn end(&mut self, context: &mut Context<'_, '_>) -> Result<(), Stop> {
        let _ = context;
        Ok(())
    }
}

/// Members of values, empty where they are of another kind.
pub(super) trait Members {
    fn text(&self, name: &str) -> &str;
    fn number(&self, name: &str) -> Option<f64>;
    fn list(&self, name: &str) -> &[Value];
    fn texts(&self, name: &str) -> Vec<String>;
    fn line(&self, name: &str) -> Option<u32>;
}

impl Members for Value {
    fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, name: &str) -> Option<f64> {
        let value = self.get(name)?;
        value.as_f64().or_else(|| value.as_str()?.parse().ok())
    }

    fn list(&self, name: &str) -> &[Value] {
        self.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn texts(&self, name: &str) -> Vec<String> {
        self.list(name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn line(&self, name: &str) -> Option<u32> {
        self.get(name)?.as_u64()?.try_into().ok().filter(|&line| line > 0)
    }
}
