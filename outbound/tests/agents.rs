//! Agents, asked through the resolver and the sockets of this machine.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use outbound::{Outbound, OutboundError, OutboundOptions, SAME_ORIGIN_REDIRECTS, explain, refusal, text};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Answers every path with a body, `/to?ADDRESS` with a redirect, and `/large` with more than anybody reads.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, kept) = (stream.unwrap(), Arc::clone(&kept));
                std::thread::spawn(move || answer(stream, &kept));
            }
        });
        Self { port, asked }
    }

    fn url(&self, host: &str) -> String {
        format!("http://{host}:{}", self.port)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Answers one request, and closes the connection.
fn answer(mut stream: TcpStream, asked: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else { return };
    let length = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).count();
    assert!(length > 0, "a request has headers");
    let path = first.split(' ').nth(1).unwrap().to_owned();
    asked.lock().unwrap().push(path.clone());
    let (status, header, body) = match path.split_once('?') {
        Some(("/to", target)) => ("302 Found", format!("location: {target}\r\n"), Vec::new()),
        _ if path == "/large" => ("200 OK", String::new(), vec![b'x'; 11 << 20]),
        _ => ("200 OK", String::new(), b"hello".to_vec()),
    };
    let head = format!("HTTP/1.1 {status}\r\n{header}connection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    // A client that has read enough hangs up.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.read(&mut [0; 64]);
}

fn allowing(allow: &[&str]) -> Outbound {
    OutboundOptions { allow: allow.iter().map(|it| (*it).to_owned()).collect() }.try_into().unwrap()
}

fn get(outbound: &Outbound, url: &str) -> Result<String, ureq::Error> {
    let agent = outbound.agent(url, TIMEOUT, SAME_ORIGIN_REDIRECTS).unwrap();
    text(&mut agent.get(url).call()?)
}

fn refused(outbound: &Outbound, url: &str) -> OutboundError {
    let error = get(outbound, url).unwrap_err();
    refusal(&error).unwrap_or_else(|| panic!("{url}: {error}")).clone()
}

#[test]
fn a_name_of_this_machine_is_refused_before_anybody_connects() {
    let server = Server::start();
    // Names and numbers that the resolver takes for loopback and unspecified addresses.
    for host in
        ["localhost", "LOCALHOST", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0", "[::1]", "[::ffff:127.0.0.1]"]
    {
        let error = refused(&Outbound::default(), &server.url(host));
        assert!(matches!(error, OutboundError::Private { .. }), "{host}: {error}");
    }
    assert_eq!(server.asked(), Vec::<String>::new());
    let text = explain(&get(&Outbound::default(), &server.url("localhost")).unwrap_err());
    assert!(text.starts_with("the host localhost is private (loopback)"), "{text}");
    assert!(text.contains("add \"localhost\" to allow in [outbound]"), "{text}");
}

#[test]
fn what_is_listed_by_name_or_network_is_asked() {
    let server = Server::start();
    for allow in [&["localhost"][..], &["127.0.0.0/8", "::1"]] {
        assert_eq!(get(&allowing(allow), &server.url("localhost")).unwrap(), "hello");
    }
    let error = refused(&allowing(&["localhost", "10.0.0.0/8"]), &server.url("127.0.0.1"));
    assert!(matches!(error, OutboundError::Private { .. }), "{error}");
}

#[test]
fn a_redirect_leads_to_the_same_host_alone() {
    let (server, other) = (Server::start(), Server::start());
    let outbound = allowing(&["localhost", "127.0.0.1"]);
    let from = |target: &str| format!("{}/to?{target}", server.url("127.0.0.1"));
    assert_eq!(get(&outbound, &from("/here")).unwrap(), "hello");
    assert_eq!(get(&outbound, &from(&format!("{}/there", server.url("127.0.0.1")))).unwrap(), "hello");
    let before = server.asked().len();
    for target in [server.url("localhost"), other.url("127.0.0.1"), format!("https://127.0.0.1:{}", server.port)] {
        let error = refused(&outbound, &from(&target));
        assert!(matches!(error, OutboundError::Redirect { .. }), "{target}: {error}");
    }
    assert_eq!(server.asked().len(), before + 3, "each is asked for the redirect, and for nothing more");
    assert_eq!(other.asked(), Vec::<String>::new());
}

#[test]
fn an_agent_without_redirects_shows_them() {
    let server = Server::start();
    let url = format!("{}/to?/here", server.url("127.0.0.1"));
    let agent = allowing(&["127.0.0.1"]).agent(&url, TIMEOUT, 0).unwrap();
    assert_eq!(agent.post(&url).send("{}").unwrap().status(), 302);
    assert_eq!(server.asked(), ["/to?/here"]);
}

#[test]
fn an_agent_asks_no_other_host_than_its_own() {
    let server = Server::start();
    let agent = allowing(&["127.0.0.1", "localhost"]).agent(&server.url("127.0.0.1"), TIMEOUT, 0).unwrap();
    let error = agent.get(server.url("localhost")).call().unwrap_err();
    assert!(matches!(refusal(&error), Some(OutboundError::Redirect { .. })), "{error}");
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    let server = Server::start();
    let url = format!("{}/large", server.url("127.0.0.1"));
    let error = get(&allowing(&["127.0.0.1"]), &url).unwrap_err();
    assert!(matches!(error, ureq::Error::BodyExceedsLimit(_)), "{error}");
}

#[test]
fn a_configuration_is_checked_as_it_is_read() {
    let read = |text: &str| toml::from_str::<Outbound>(text).map(|_| ()).map_err(|error| error.to_string());
    assert_eq!(read("allow = [\"gitlab.internal\", \"10.1.0.0/16\"]"), Ok(()));
    assert_eq!(read(""), Ok(()));
    assert!(read("allow = [\"http://a\"]").unwrap_err().contains("'http://a' in allow of [outbound]"));
    assert!(read("alow = []").unwrap_err().contains("unknown field"));
}
