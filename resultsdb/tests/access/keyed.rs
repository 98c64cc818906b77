//! A server that asks for keys, and requests with some.

use std::path::Path;

use access::{Kind, Secret};
use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::http::agent;
use test_support::server::{Binary, Server};
use ureq::Body;
use ureq::http::Response;

pub(crate) const RESULTSDB: Binary = test_support::resultsdb!();

/// A server whose configuration names one key, which may do everything.
pub(crate) struct KeyedServer {
    pub(crate) server: Server,
    pub(crate) admin: String,
    pub(crate) folder: TempDir,
}

impl KeyedServer {
    /// Starts one; `more` follows in the configuration.
    pub(crate) fn start(more: &str) -> Self {
        let (folder, admin) = (tempfile::tempdir().unwrap(), Secret::generate(Kind::Admin).unwrap());
        let digest = admin.digest();
        let expired = Secret::generate(Kind::Admin).unwrap();
        let config = format!(
            "[repositories.webkit]\n[access]\n{more}\n[[access.keys]]\nname = \"first\"\ndigest = \"{digest}\"\nscopes = [\"admin\"]\n\
             [[access.keys]]\nname = \"over\"\ndigest = \"{}\"\nscopes = [\"admin\"]\nexpires = \"2020-01-01\"\n",
            expired.digest()
        );
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        std::fs::write(folder.path().join("expired"), expired.expose()).unwrap();
        let server = Self::serve(folder.path());
        Self { server, admin: admin.expose().to_owned(), folder }
    }

    fn serve(folder: &Path) -> Server {
        RESULTSDB.serve_with(&folder.join("data"), &folder.join("config.toml"))
    }

    /// Ends the server and starts it again.
    pub(crate) fn restart(&mut self) {
        self.server.kill();
        self.server = Self::serve(self.folder.path());
    }

    /// A key that was over before the server started.
    pub(crate) fn expired(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("expired")).unwrap()
    }

    /// Makes a key; its id and its text.
    pub(crate) fn make(&self, scopes: &[&str]) -> (String, String) {
        let wanted = json!({ "name": "made", "scopes": scopes });
        let made: Value =
            serde_json::from_str(&self.ask("POST", "/api/keys", Some(&self.admin), wanted.to_string())).unwrap();
        (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned())
    }

    /// The text of a successful answer.
    pub(crate) fn ask(&self, method: &str, path: &str, key: Option<&str>, body: String) -> String {
        let mut response = self.send(method, path, key, "application/json", body.into_bytes());
        let text = response.body_mut().read_to_string().unwrap();
        assert_eq!(response.status(), 200, "{method} {path}: {text}");
        text
    }

    /// The status of an answer.
    pub(crate) fn status(&self, method: &str, path: &str, key: Option<&str>, body: &str) -> u16 {
        self.send(method, path, key, "application/json", body.as_bytes().to_vec()).status().as_u16()
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        media: &str,
        body: Vec<u8>,
    ) -> Response<Body> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.server.url));
        if let Some(key) = key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        if method == "GET" {
            return agent().run(request.body(()).unwrap()).unwrap();
        }
        agent().run(request.header("Content-Type", media).body(body).unwrap()).unwrap()
    }
}
