//! Services over TLS, through their binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod store;

use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use access::{Kind, Secret};
use tempfile::TempDir;
use test_support::pki::{Authority, Identity};
use test_support::server::{Binary, Server};
use test_support::wait::{DEADLINE, until};
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

const RESULTSDB: Binary = test_support::resultsdb!();

/// A folder with an authority and a configuration whose `[tls]` names files below `current`, which is a link.
struct Setting {
    folder: TempDir,
    authority: Authority,
}

impl Setting {
    /// Writes the configuration; `tls` goes on with its part about TLS.
    fn new(tls: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(folder.path(), "authority");
        authority.issue(&folder.path().join("first"), "first");
        symlink("first", folder.path().join("current")).unwrap();
        let current = folder.path().join("current").display().to_string();
        let config = format!("[tls]\ncertificate = '{current}/certificate.pem'\nkey = '{current}/key.pem'\n{tls}\n");
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        Self { folder, authority }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn serve(&self) -> Server {
        let mut command = RESULTSDB.command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(self.path("data"));
        command.arg("--config").arg(self.path("config.toml"));
        command.stderr(File::create(self.path("log")).unwrap());
        Server::run(command)
    }

    /// Puts the files of a folder in the place of those that are used, all at once.
    fn use_files_of(&self, name: &str) {
        symlink(name, self.path("next")).unwrap();
        std::fs::rename(self.path("next"), self.path("current")).unwrap();
    }

    /// How many lines of the service's log hold a text.
    fn logged(&self, text: &str) -> usize {
        std::fs::read_to_string(self.path("log")).unwrap().lines().filter(|line| line.contains(text)).count()
    }
}

/// A client that trusts one authority, and shows a certificate where it is given one. It has no connection yet.
fn client(authority: &Authority, identity: Option<&Identity>) -> Agent {
    let certificate = |file: &Path| Certificate::from_pem(&std::fs::read(file).unwrap()).unwrap();
    let shown = identity.map(|identity| {
        let key = PrivateKey::from_pem(&std::fs::read(&identity.key).unwrap()).unwrap();
        ClientCert::new_with_certs(&[certificate(&identity.certificate)], key)
    });
    let roots = RootCerts::new_with_certs(&[certificate(&authority.file)]);
    let tls = TlsConfig::builder().root_certs(roots).client_cert(shown).build();
    let config = Agent::config_builder().http_status_as_error(false).max_redirects(0);
    config.timeout_global(Some(DEADLINE)).tls_config(tls).build().into()
}

/// Whether a client is answered that the server is well.
fn is_answered(client: &Agent, url: &str) -> bool {
    match client.get(format!("{url}/__health")).call() {
        Ok(response) => {
            assert_eq!(response.status(), 200);
            true
        }
        Err(_) => false,
    }
}

#[test]
fn a_service_with_a_certificate_speaks_tls_alone() {
    let admin = Secret::generate(Kind::Admin).unwrap();
    let access =
        format!("[access]\n[[access.keys]]\nname = 'first'\ndigest = '{}'\nscopes = ['admin']", admin.digest());
    let setting = Setting::new(&access);
    let server = setting.serve();
    let plain = server.url.replace("https://", "http://");
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let client = client(&setting.authority, None);
    assert!(is_answered(&client, &server.url));
    assert!(test_support::http::agent().get(format!("{plain}/__health")).call().is_err());
    // Whoever trusts others does not take it for what it says.
    let other = Authority::new(setting.folder.path(), "other");
    assert!(!is_answered(&self::client(&other, None), &server.url));
    // Browsers are told to send the cookie of a session over TLS alone.
    let signed = client.post(format!("{}/sign-in", server.url)).header("Sec-Fetch-Site", "same-origin");
    let signed = signed.header("Accept", "text/html").header("Content-Type", "application/x-www-form-urlencoded");
    let signed = signed.send(format!("key={}", admin.expose())).unwrap();
    let cookie = signed.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("; Secure"), "{cookie}");
    server.stop();
}

#[test]
fn new_certificates_are_taken_while_the_service_runs_and_broken_ones_are_not() {
    let setting = Setting::new("");
    let server = setting.serve();
    let newer = Authority::new(setting.folder.path(), "newer");
    assert!(is_answered(&client(&setting.authority, None), &server.url));
    assert!(!is_answered(&client(&newer, None), &server.url));

    // A certificate of the new authority with another's key.
    newer.issue(&setting.path("broken"), "broken");
    std::fs::copy(setting.path("first/key.pem"), setting.path("broken/key.pem")).unwrap();
    setting.use_files_of("broken");
    until("the broken files are noticed", || setting.logged("the former certificate stays") > 0);
    assert!(is_answered(&client(&setting.authority, None), &server.url));
    assert!(!is_answered(&client(&newer, None), &server.url));

    newer.issue(&setting.path("second"), "second");
    setting.use_files_of("second");
    until("the new certificate is served", || is_answered(&client(&newer, None), &server.url));
    assert!(!is_answered(&client(&setting.authority, None), &server.url));
    assert_eq!(setting.logged("the former certificate stays"), 1);
    // Nobody sees colours in a file.
    assert_eq!(setting.logged("\u{1b}"), 0);
    server.stop();
}

#[test]
fn a_service_with_an_authority_of_clients_answers_nobody_else() {
    let setting = Setting::new("client_ca = 'CLIENTS'");
    let clients = Authority::new(setting.folder.path(), "clients");
    let config = std::fs::read_to_string(setting.path("config.toml")).unwrap();
    let config = config.replace("CLIENTS", &clients.file.display().to_string());
    std::fs::write(setting.path("config.toml"), config).unwrap();
    let server = setting.serve();
    let known = clients.issue(&setting.path("known"), "known");
    // The service's own authority signs no clients.
    let stranger = setting.authority.issue(&setting.path("stranger"), "stranger");
    assert!(is_answered(&client(&setting.authority, Some(&known)), &server.url));
    assert!(!is_answered(&client(&setting.authority, Some(&stranger)), &server.url));
    assert!(!is_answered(&client(&setting.authority, None), &server.url));

    // The commands have flags for it.
    std::fs::write(setting.path("report.xml"), "<testsuite name='a'><testcase name='b'/></testsuite>").unwrap();
    let upload = |more: &[&str]| {
        let mut command = RESULTSDB.command();
        command.arg("upload").arg(setting.path("report.xml")).current_dir(setting.folder.path());
        command.args(["--suite", "unit", "--commit", "9be1cfa0", "--commit-time", "1700000000", "--strict"]);
        command.args(["--repository", "app", "--branch", "main", "--tries", "1", "--url", &server.url, "--spool"]);
        command.arg(setting.path("spool")).args(more).output().unwrap()
    };
    let path = |path: &Path| path.display().to_string();
    let (ca, certificate, key) = (path(&setting.authority.file), path(&known.certificate), path(&known.key));
    let trusted = ["--ca", &ca, "--client-certificate", &certificate, "--client-key", &key];
    let uploaded = upload(&trusted);
    assert!(uploaded.status.success(), "{uploaded:?}");
    assert!(!upload(&trusted[..2]).status.success());
    let unknown = upload(&trusted[2..]);
    assert!(!unknown.status.success());
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("--ca"), "{unknown:?}");
    let foreign = path(&stranger.key);
    let mixed = upload(&["--ca", &ca, "--client-certificate", &certificate, "--client-key", &foreign]);
    let told = format!("the key in {foreign} is not that of the certificate in {certificate}");
    assert!(!mixed.status.success() && String::from_utf8_lossy(&mixed.stderr).contains(&told), "{mixed:?}");
    server.stop();
}

#[test]
fn a_demonstration_is_not_posted_over_tls() {
    let setting = Setting::new("");
    let mut command = RESULTSDB.command();
    command.args(["serve", "--demo", "--listen", "127.0.0.1:0", "--data-dir"]).arg(setting.path("data"));
    let refused = command.arg("--config").arg(setting.path("config.toml")).output().unwrap();
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("resultsdb demo --url"), "{refused:?}");
}
