//! One upload on its way: the document and the archive, with the key by which the server knows a repetition.

use std::fs::File;
use std::io::{Read, Seek};

use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::archive::Form;
use crate::progress::Progress;
use crate::server::{RequestError, Server};

/// What is said of an upload beside its files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Label {
    /// The address of the server that it is for.
    pub(crate) url: String,
    /// The same for every attempt, so that the server takes the upload once.
    pub(crate) key: String,
    /// The fields of the archive's form: suite, configuration, commits and timestamp.
    pub(crate) form: Map<String, Value>,
}

/// An upload.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) label: Label,
    pub(crate) document: File,
    pub(crate) archive: Option<File>,
}

impl Delivery {
    /// Posts the document, then the archive.
    ///
    /// # Errors
    /// The server is away or refuses the document. An archive that is refused is only told of: the results are in.
    pub(crate) fn send(&self, server: &Server) -> Result<(), RequestError> {
        let length = self.document.metadata().map_err(RequestError::Unreadable)?.len();
        let headers = [
            ("Content-Type", "application/json"),
            // Whoever uploads from a pipeline sees an error and can mend the report.
            ("Prefer", "handling=strict"),
            ("Idempotency-Key", self.label.key.as_str()),
        ];
        let progress = Progress::sending(length);
        let mut open = || {
            let mut document = self.document.try_clone()?;
            document.rewind()?;
            Ok((progress.count(document), length))
        };
        let sent = server.post("/api/upload", &headers, &mut open);
        progress.finish();
        sent?;
        match self.archive.as_ref().map(|archive| self.send_archive(server, archive)) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(away @ RequestError::Away { .. })) => Err(away),
            Some(Err(error)) => {
                eprintln!("the results are uploaded, but not the reports themselves: {error}");
                Ok(())
            }
        }
    }

    fn send_archive(&self, server: &Server, archive: &File) -> Result<(), RequestError> {
        let form = Form::new(&self.label.form, &format!("resultsdb-{}", self.label.key));
        let media = form.media();
        let mut open = || {
            let (body, length) = form.body(archive)?;
            Ok((Box::new(body) as Box<dyn Read>, length))
        };
        server.post("/api/upload/archive", &[("Content-Type", &media), ("Idempotency-Key", &self.label.key)], &mut open)
    }
}

/// A key that no other upload has.
pub(crate) fn new_key() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system gives no random numbers: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::stand_in::StandIn;

    const OK: &str = r#"{"status":"ok"}"#;

    fn delivery(archive: bool) -> Delivery {
        let file = |text: &str| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file
        };
        let form = serde_json::json!({ "suite": "s" }).as_object().unwrap().clone();
        let label = Label { url: String::new(), key: new_key().unwrap(), form };
        Delivery { label, document: file(r#"{"suite":"s"}"#), archive: archive.then(|| file("PK")) }
    }

    #[test]
    fn each_attempt_sends_the_whole_under_the_same_key() {
        let ok = || (200, OK.to_owned());
        let server = StandIn::answering(vec![(503, "busy".to_owned()), ok(), ok()]);
        let delivery = delivery(true);
        delivery.send(&Server::new(&server.url, 2).unwrap()).unwrap();
        let seen = server.seen();
        let lines: Vec<&str> = seen.iter().map(|seen| seen.line.as_str()).collect();
        let upload = "POST /api/upload HTTP/1.1";
        assert_eq!(lines, [upload, upload, "POST /api/upload/archive HTTP/1.1"]);
        let key = format!("idempotency-key: {}", delivery.label.key);
        for seen in &seen[..2] {
            assert!(seen.headers.contains(&key) && seen.body == r#"{"suite":"s"}"#, "{seen:?}");
            assert!(seen.headers.iter().any(|header| header == "prefer: handling=strict"), "{seen:?}");
        }
        assert!(seen[2].body.contains("name=\"suite\"\r\n\r\ns\r\n") && seen[2].body.contains("\r\n\r\nPK\r\n"));
    }

    #[test]
    fn what_is_refused_is_not_tried_again_and_an_archive_alone_is_no_error() {
        let server = StandIn::answering(vec![(400, r#"{"description":"No test suite specified"}"#.to_owned())]);
        let refused = delivery(false).send(&Server::new(&server.url, 5).unwrap()).unwrap_err();
        assert!(refused.to_string().ends_with("/api/upload answered 400: No test suite specified"), "{refused}");
        assert_eq!(server.seen().len(), 1);
        let server = StandIn::answering(vec![(200, OK.to_owned()), (400, "{}".to_owned())]);
        delivery(true).send(&Server::new(&server.url, 1).unwrap()).unwrap();
        let server = StandIn::answering(vec![(200, OK.to_owned()), (503, String::new())]);
        let away = delivery(true).send(&Server::new(&server.url, 1).unwrap());
        assert!(matches!(away, Err(RequestError::Away { .. })), "{away:?}");
    }

    #[test]
    fn only_a_server_that_stored_it_has_taken_it() {
        for (status, answer, said) in [
            (301, "", "answered 301: it sends to elsewhere"),
            (307, "", "answered 307: it sends to elsewhere"),
            (200, "<html>Welcome", "answered 200: a page for browsers is no answer of a resultsdb: check the address"),
            (200, "Welcome", "answered 200: \"Welcome\" is no answer of a resultsdb: check the address"),
        ] {
            let server = StandIn::answering(vec![(status, answer.to_owned())]);
            let refused = delivery(false).send(&Server::new(&server.url, 3).unwrap()).unwrap_err();
            assert!(refused.to_string().contains(said), "{refused}");
            assert_eq!(server.seen().len(), 1);
        }
    }

    #[test]
    fn keys_differ() {
        assert_ne!(new_key().unwrap(), new_key().unwrap());
    }
}
