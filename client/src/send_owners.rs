//! `owners`: sends a file of owners to the server, so that tests have owners whose reports name no files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use schema::owners::{MAX_FILE_BYTES, OwnersFile};
use serde_json::json;

use crate::git;
use crate::options::ServerOptions;
use crate::owners::found_in;

/// Arguments of `owners`.
#[derive(Args, Debug)]
pub struct OwnersArgs {
    /// The file; the TESTOWNERS or CODEOWNERS file of the checkout without it.
    #[arg(value_name = "FILE", conflicts_with = "clear")]
    pub file: Option<PathBuf>,

    /// The suite.
    #[arg(long, allow_hyphen_values = true)]
    pub suite: String,

    /// The folder of the checkout in which the tests lie, where their names are paths below it.
    #[arg(long, value_name = "FOLDER", default_value = "")]
    pub folder: String,

    /// Take back the file that was sent before.
    #[arg(long)]
    pub clear: bool,

    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

impl OwnersArgs {
    /// Sends the file.
    ///
    /// # Errors
    /// There is none, it names no owner, or the server does not take it.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let text = if self.clear { String::new() } else { text(&self.path(git::top().as_deref())?)? };
        let server = self.server.server()?;
        let body = json!({ "suite": self.suite, "text": text, "folder": self.folder }).to_string();
        server.post_small("/api/owners", "application/json", body.as_bytes()).context("the owners are not taken")?;
        let page = form_urlencoded::Serializer::new(String::new()).append_pair("suite", &self.suite).finish();
        println!("{}/owners?{page}", server.url());
        Ok(ExitCode::SUCCESS)
    }

    fn path(&self, top: Option<&Path>) -> anyhow::Result<PathBuf> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        let found = top.and_then(|top| ["TESTOWNERS", "CODEOWNERS"].iter().find_map(|name| found_in(top, name)));
        found.context("this is no checkout with a TESTOWNERS or CODEOWNERS file: name the file")
    }
}

fn text(path: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if OwnersFile::parse(&text).names_nobody() {
        bail!("{} names no owner, as css/ @owner does", path.display());
    }
    if text.len() > MAX_FILE_BYTES {
        bail!("{} has more than {MAX_FILE_BYTES} bytes", path.display());
    }
    Ok(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::stand_in::StandIn;
    use crate::typed;

    fn arguments(words: &[&str]) -> OwnersArgs {
        typed::arguments(&[&["--suite", "s"], words].concat()).unwrap()
    }

    #[test]
    fn the_file_is_sent_with_its_suite_and_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("OWNERS");
        fs::write(&file, "css/ @css\n").unwrap();
        let taken = (200, r#"{"status":"ok"}"#.to_owned());
        let server = StandIn::answering(vec![taken.clone(), taken]);
        let told = ["--url", &server.url, "--folder", "LayoutTests"];
        arguments(&[&[file.to_str().unwrap()][..], &told].concat()).run().unwrap();
        arguments(&[&["--clear"][..], &told].concat()).run().unwrap();
        let bodies: Vec<String> = server.seen().into_iter().map(|seen| seen.body).collect();
        assert_eq!(server.seen()[0].line.split(' ').nth(1), Some("/api/owners"));
        let expected = |text: &str| json!({ "suite": "s", "text": text, "folder": "LayoutTests" }).to_string();
        assert_eq!(bodies, [expected("css/ @css\n"), expected("")]);
    }

    #[test]
    fn the_file_of_a_checkout_is_found_and_one_without_rules_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        assert!(arguments(&[]).path(Some(top)).is_err() && arguments(&[]).path(None).is_err());
        fs::create_dir(top.join(".github")).unwrap();
        fs::write(top.join(".github/CODEOWNERS"), "# nobody\n").unwrap();
        let found = arguments(&[]).path(Some(top)).unwrap();
        assert_eq!(found, top.join(".github/CODEOWNERS"));
        assert!(text(&found).unwrap_err().to_string().contains("names no owner"));
        fs::write(top.join("TESTOWNERS"), "* @all\n").unwrap();
        assert_eq!(arguments(&[]).path(Some(top)).unwrap(), top.join("TESTOWNERS"));
    }
}
