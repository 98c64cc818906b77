//! One address for everything: the proxy with the configuration that is shipped, in front of real services.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener};

use axum::http::{Method, Request};
use serde_json::{Value, json};
use test_support::clock::now;
use test_support::contract::Corpus;
use test_support::documents::{ARCHIVE_TYPE, archive, packed, upload};
use test_support::http::{agent, get, post};
use test_support::proxy::Proxy;
use test_support::server::{Binary, Server};
use test_support::stack::Stack;

const RESULTSDB: Binary = test_support::resultsdb!();
/// Nothing listens there.
const NOWHERE: &str = "127.0.0.1:1";
const LARGE: usize = 100 << 20;

/// One more query service; `more` are flags.
fn query(stack: &Stack, more: &[&str]) -> Server {
    let mut command = stack.command("query");
    command.args(more);
    Server::run(command)
}

/// A server that answers with its name, and with the request's line and headers.
fn stand_in(name: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = format!("{name}\n");
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while reader.read_line(&mut head).is_ok_and(|bytes| bytes > 2) {}
            let length = head.len();
            // Whoever only looked whether it is alive may be gone.
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{head}");
            // A connection that is closed before all was read takes the answer with it.
            let _ = stream.shutdown(Shutdown::Write);
            let _ = reader.read_to_end(&mut Vec::new());
        }
    });
    address
}

/// What answers a request; the path is one that the pattern matches.
fn answered_by(proxy: &Proxy, method: &Method, pattern: &str) -> String {
    let fixed = |part: &str| if part.starts_with('{') { "a".to_owned() } else { part.to_owned() };
    let path = pattern.split('/').map(fixed).collect::<Vec<_>>().join("/");
    let request = Request::builder().method(method).uri(format!("{}{path}", proxy.url)).body(()).unwrap();
    let mut response = agent().run(request).unwrap();
    response.body_mut().read_to_string().unwrap()
}

#[test]
fn every_route_leads_to_the_service_that_has_it() {
    let (intake, queries) = (stand_in("intake"), stand_in("query"));
    let proxy = Proxy::start([&intake, &intake], [&queries, &queries]);
    let observed = ["/__health", "/__ready"].map(|path| (Method::GET, path));
    let asked = query::rules().into_iter().map(|(method, path, _)| (method, path)).chain(observed);
    let sent = ingest::rules().into_iter().map(|(method, path, _)| (method, path));
    let expected = asked.map(|route| ("query\n", route)).chain(sent.map(|route| ("intake\n", route)));
    for (service, (method, path)) in expected {
        let answer = answered_by(&proxy, &method, path);
        assert!(answer.starts_with(service), "{method} {path}: {answer}");
    }
    // Metrics are those of one service, and who somebody is nobody may say.
    assert_eq!(get(&proxy.url, "/metrics").0, 404);
    let told = |url: &str| {
        let request = agent().get(url).header("X-Forwarded-User", "root").header("X-Forwarded-Groups", "admins");
        let request = request.header("Forwarded", "for=192.0.2.9").header("X-Forwarded-For", "192.0.2.9");
        request.call().unwrap().body_mut().read_to_string().unwrap().to_lowercase()
    };
    let head = told(&format!("http://127.0.0.1:{}/triage", proxy.port));
    assert!(!head.contains("x-forwarded-user") && !head.contains("x-forwarded-groups"), "{head}");
    let after = |head: &str, forged: &str, own: &str| head.find(forged).is_some_and(|at| head[at..].contains(own));
    assert!(after(&head, "forwarded: for=192.0.2.9", "forwarded: for=127.0.0.1;proto=http\r\n"), "{head}");
    assert!(after(&head, "x-forwarded-for: 192.0.2.9", "x-forwarded-for: 127.0.0.1\r\n"), "{head}");
    let head = told(&format!("http://[::1]:{}/triage", proxy.port));
    assert!(head.contains("forwarded: for=\"[::1]\";proto=http\r\n"), "{head}");
}

#[test]
fn several_services_are_as_one() {
    let mut stack = Stack::start(RESULTSDB);
    let mut second = query(&stack, &[]);
    let proxy = Proxy::start([&stack.ingest.url, NOWHERE], [&stack.query.url, &second.url]);
    let outcome = Corpus::load().replay(&proxy.url, &proxy.url);
    assert!(outcome.failures.is_empty(), "{}", outcome.failures.join("\n"));
    assert!(outcome.passed > 500, "only {} cases were found", outcome.passed);

    let time = now() - 3600;
    events_come_at_once(&proxy, time);
    large_bodies_pass(&proxy, time);
    what_is_too_large_is_told(&proxy, &stack);
    callers_are_told_apart(&stack);

    // With one query service killed, nobody who asks notices, from the first moment on.
    second.kill();
    let path = format!("/api/results/layout-tests/large.html?uuid={}", time * 100);
    for _ in 0..50 {
        let (status, text) = get(&proxy.url, &path);
        assert!(status == 200 && text.contains("TEXT"), "{status} {text}");
    }
    // With none left, whoever asks is told so in the services' own form, and uploads are taken all the same.
    stack.query.kill();
    let mut response = agent().get(format!("{}{path}", proxy.url)).call().unwrap();
    assert!(response.status() == 503 && response.headers().contains_key("retry-after"), "{response:?}");
    let error: Value = serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap();
    assert_eq!((&error["status"], &error["error"]), (&json!("error"), &json!("Service Unavailable")));
    let small = upload(time, time + 2, &json!({ "small.html": {} }));
    assert_eq!(post(&proxy.url, "/api/upload", &small).unwrap().0, 200);
}

/// Uploads and waits until it is shown.
fn upload_and_wait(proxy: &Proxy, document: &[u8]) {
    let request = agent().post(format!("{}/api/upload", proxy.url)).header("Prefer", "wait=30");
    let mut response = request.send(document).unwrap();
    assert_eq!(response.status(), 200, "{:?}", response.body_mut().read_to_string());
    assert!(response.headers().contains_key("preference-applied"), "{response:?}");
}

/// Events are passed on while their stream stays open.
fn events_come_at_once(proxy: &Proxy, time: i64) {
    let mut stream = proxy.connect();
    write!(stream, "GET /api/live HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let mut next = || lines.find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).unwrap();
    let first = next();
    upload_and_wait(proxy, &upload(time, time, &json!({ "small.html": {} })));
    assert_ne!(next(), first);
}

/// Bodies of 100 MB are taken, and never are in the memory of the proxy.
fn large_bodies_pass(proxy: &Proxy, time: i64) {
    let mut document = upload(time, time + 1, &json!({ "large.html": { "actual": "TEXT" } }));
    document.resize(LARGE, b' ');
    upload_and_wait(proxy, &document);
    let request = agent().post(format!("{}/api/upload/archive", proxy.url));
    let files = packed("large.txt", &vec![b'x'; LARGE]);
    let mut taken = request.header("Content-Type", ARCHIVE_TYPE).send(&archive(time, time + 1, &files)[..]).unwrap();
    assert_eq!(taken.status(), 200, "{:?}", taken.body_mut().read_to_string());
    assert!(proxy.peak() < LARGE / 2, "the proxy took {} bytes", proxy.peak());
}

/// A body that is too large is refused by the intake before it is sent, and a long question is answered as without the proxy.
fn what_is_too_large_is_told(proxy: &Proxy, stack: &Stack) {
    let mut stream = proxy.connect();
    write!(stream, "POST /api/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 300000000\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).split(b'}').map(Result::unwrap);
    let refused = String::from_utf8(lines.next().unwrap()).unwrap();
    assert!(refused.starts_with("HTTP/1.1 413 ") && refused.contains("256 MiB"), "{refused}");
    let long = format!("/api/suites?{}=1", "x".repeat(40_000));
    assert_eq!(get(&proxy.url, &long), stack.query.get(&long));
}

/// Limits are of whoever asks, and not of the proxy, nor of whom somebody says to ask for.
fn callers_are_told_apart(stack: &Stack) {
    let limits = ["requests_per_second=5", "burst=5"].map(|limit| format!("access.limits.{limit}"));
    let proxies = "access.proxies=[\"127.0.0.1\"]";
    let flags = ["--set", "access.reading=open", "--set", proxies, "--set", &limits[0], "--set", &limits[1]];
    let limited = query(stack, &flags);
    let proxy = Proxy::start([&stack.ingest.url, NOWHERE], [&limited.url, NOWHERE]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let status = |address, forged| runtime.block_on(status_for(address, forged, proxy.port));
    let greedy: Vec<u16> = (0..50).map(|number| status("127.0.0.2", number)).collect();
    assert!(greedy[0] == 200 && greedy.contains(&429), "{greedy:?}");
    assert_eq!(status("127.0.0.3", 1), 200);
}

/// The status of an answer to somebody of an address, who says to ask for another.
async fn status_for(address: &str, forged: usize, port: u16) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
    let mut stream = socket.connect(([127, 0, 0, 1], port).into()).await.unwrap();
    let request = format!(
        "GET /api/suites HTTP/1.1\r\nHost: a\r\nConnection: close\r\nForwarded: for=192.0.2.{forged}\r\n\
         X-Forwarded-For: 192.0.2.{forged}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap().parse().unwrap()
}
