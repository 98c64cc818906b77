//! People in browsers: a key signs them in, and their cookie acts for pages of this server alone.

use serde_json::json;
use test_support::http::agent;
use ureq::http::Response;

use super::keyed::KeyedServer;

fn post(keyed: &KeyedServer, path: &str, cookie: &str, headers: &[(&str, &str)], form: &str) -> Response<ureq::Body> {
    let mut request =
        agent().post(format!("{}{path}", keyed.server.url)).header("Cookie", cookie).header("Accept", "text/html");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.header("Content-Type", "application/x-www-form-urlencoded").send(form).unwrap()
}

const OWN: &[(&str, &str)] = &[("Sec-Fetch-Site", "same-origin")];

#[test]
fn a_key_signs_a_browser_in_until_it_ends() {
    let keyed = KeyedServer::start("");
    let asked = keyed.send("GET", "/flaky?suite=a", None, "", Vec::new());
    assert_eq!(
        (asked.status().as_u16(), asked.headers()["location"].to_str().unwrap()),
        (302, "/sign-in?to=%2Fflaky%3Fsuite%3Da")
    );
    let (id, key) = keyed.make(&["admin"]);
    let signed = post(&keyed, "/sign-in", "", OWN, &format!("to=%2Fflaky%3Fsuite%3Da&key={key}"));
    assert_eq!((signed.status().as_u16(), signed.headers()["location"].to_str().unwrap()), (302, "/flaky?suite=a"));
    let set = signed.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax") && !set.contains(&key), "{set}");
    let cookie = set.split(';').next().unwrap();
    let get = |path: &str, cookie: &str| {
        agent().get(format!("{}{path}", keyed.server.url)).header("Cookie", cookie).call().unwrap()
    };
    assert_eq!(get("/flaky", cookie).status(), 200);
    let mut page = get("/admin/keys", cookie);
    let text = page.body_mut().read_to_string().unwrap();
    assert!(page.status() == 200 && text.contains(&id) && !text.contains(&key), "{text}");
    // Somebody else's signature is none.
    let (start, last) = cookie.split_at(cookie.len() - 1);
    assert_eq!(get("/flaky", &format!("{start}{}", if last == "0" { "1" } else { "0" })).status(), 302);
    // Another site's page cannot use the cookie; ours can.
    let wanted = "name=x&scopes=read&days=1";
    for headers in [&[("Sec-Fetch-Site", "cross-site")][..], &[("Origin", "https://evil.example.org")], &[]] {
        assert_eq!(post(&keyed, "/api/keys", cookie, headers, wanted).status(), 403, "{headers:?}");
    }
    let mut made = post(&keyed, "/api/keys", cookie, OWN, wanted);
    let text = made.body_mut().read_to_string().unwrap();
    assert!(made.status() == 200 && text.contains("rdb_r_") && made.headers()["cache-control"] == "no-store", "{text}");
    let host = keyed.server.url.clone();
    assert_eq!(post(&keyed, "/api/keys", cookie, &[("Origin", &host)], wanted).status(), 200);
    // The session ends with its key.
    assert_eq!(post(&keyed, &format!("/api/keys/{id}/revoke"), cookie, OWN, "").status(), 303);
    assert_eq!(get("/flaky", cookie).status(), 302);
    let refused = post(&keyed, "/sign-in", "", OWN, &format!("key={key}"));
    assert!(refused.status() == 401 && !refused.headers().contains_key("set-cookie"));
}

const PROXY: &str = r#"
    [access.people.proxy]
    user_header = "X-Forwarded-User"
    groups_header = "X-Forwarded-Groups"
    [[access.people.roles]]
    role = "triager"
    claims = { groups = "ci" }
    [[access.people.roles]]
    role = "reader"
    claims = { user = "*@example.org" }
"#;

/// The status of a request that a proxy passes on for somebody.
fn passed_on(keyed: &KeyedServer, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> u16 {
    let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", keyed.server.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    agent()
        .run(request.header("Content-Type", "application/json").body(body.to_owned()).unwrap())
        .unwrap()
        .status()
        .as_u16()
}

#[test]
fn a_listed_proxy_says_who_somebody_is() {
    let keyed = KeyedServer::start(&format!("proxies = [\"127.0.0.1\"]\n{PROXY}"));
    let get = |headers: &[(&str, &str)]| passed_on(&keyed, "GET", "/uploads", headers, "");
    let ada = [("X-Forwarded-User", "ada@example.org"), ("X-Forwarded-Groups", "x, ci")];
    assert_eq!([get(&[]), get(&ada), get(&[ada[0]])], [302, 200, 200]);
    // Somebody without a role, and a name that came twice.
    assert_eq!([get(&[("X-Forwarded-User", "eve")]), get(&[ada[0], ("X-Forwarded-User", "eve")])], [403, 302]);
    let bug = json!({ "suite": "layout-tests", "test": "a.html", "url": "https://bugs.example.org/1" }).to_string();
    let link = |headers: &[(&str, &str)]| passed_on(&keyed, "POST", "/api/bugs", headers, &bug);
    assert_eq!(link(&[ada[0], ada[1], OWN[0]]), 200);
    assert_eq!(link(&[ada[0], OWN[0]]), 403);
    // The proxy lets a browser through whoever's page asks.
    assert_eq!([link(&ada), link(&[ada[0], ada[1], ("Sec-Fetch-Site", "cross-site")])], [403, 403]);
    assert_eq!(passed_on(&keyed, "GET", "/admin/audit", &ada, ""), 403);
    let audit = keyed.ask("GET", "/api/audit", Some(&keyed.admin), String::new());
    assert!(audit.contains("ada@example.org (signed in)"), "{audit}");
}

#[test]
fn what_others_say_of_people_counts_for_nothing() {
    let keyed = KeyedServer::start(&format!("proxies = [\"192.0.2.1\"]\n{PROXY}"));
    let headers = [("X-Forwarded-User", "ada@example.org"), ("X-Forwarded-Groups", "ci")];
    assert_eq!(passed_on(&keyed, "GET", "/uploads", &headers, ""), 302);
}
