//! SQL of others: the door stays closed unless the user may read views and nothing else. The embedded engine has one user, who
//! may do everything; a stand-in before it is a server whose user has the rights that `resultsdb sql-user` gives.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::path::Path;
use std::sync::{Arc, Mutex};

use answers::guest::{Guest, GuestLimits, user};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};
use test_support::query_service::QueryService;
use test_support::{engine, events, rows};

const DATABASE: &str = "sql";
/// What the rights of the user do not cover, by what statements of it say.
const BEYOND: [&str; 10] =
    ["file(", "url(", "remote(", "s3(", "executable(", "INSERT", "DROP", "SETTINGS", "access_keys", "uploads"];

/// A server with a user who has these grants and settings.
#[derive(Clone)]
struct Server {
    engine: String,
    user: String,
    password: String,
    grants: Arc<Mutex<String>>,
    rows: Arc<Mutex<String>>,
    forgets: Arc<Mutex<Option<&'static str>>>,
}

async fn serve(State(server): State<Server>, uri: Uri, headers: HeaderMap, body: Bytes) -> (StatusCode, Vec<u8>) {
    let sql = String::from_utf8(body.to_vec()).unwrap();
    assert_eq!(headers["x-clickhouse-user"], "guest");
    let parameters: Vec<String> =
        form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).map(|(name, _)| name.into_owned()).collect();
    let known = ["database", "default_format", "compress"];
    assert!(parameters.iter().all(|name| known.contains(&name.as_str())), "a setting is sent: {parameters:?}");
    if sql.starts_with("SHOW GRANTS") {
        return (StatusCode::OK, server.grants.lock().unwrap().clone().into_bytes());
    }
    if sql.contains("getSetting('max_result_rows')") {
        return (StatusCode::OK, server.rows.lock().unwrap().clone().into_bytes());
    }
    if sql.contains("getSetting(") {
        return (StatusCode::OK, b"1\n".to_vec());
    }
    let forgotten = *server.forgets.lock().unwrap();
    if BEYOND.iter().any(|what| sql.contains(what) && forgotten != Some(what)) {
        let text = "Code: 497. DB::Exception: guest: Not enough privileges. (ACCESS_DENIED) (version 26.7.2.1)";
        return (StatusCode::INTERNAL_SERVER_ERROR, text.into());
    }
    if forgotten.is_some_and(|what| sql.contains(what)) {
        return (StatusCode::OK, Vec::new());
    }
    let rows = server.rows.lock().unwrap().trim().to_owned();
    let settings = format!("final=1&max_result_rows={rows}&result_overflow_mode=break&distributed_product_mode=global");
    let url = format!("{}/?{}&{settings}", server.engine, uri.query().unwrap_or_default());
    let answer = tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = agent.post(url).header("X-ClickHouse-User", &server.user);
        let mut answer = request.header("X-ClickHouse-Key", &server.password).send(&sql).unwrap();
        (answer.status(), answer.body_mut().read_to_vec().unwrap())
    });
    answer.await.unwrap()
}

async fn json_of(service: &QueryService, statement: &str) -> (StatusCode, Value) {
    let (status, body) = service.post("/api/sql", json!({ "query": statement }).to_string()).await;
    let shown = String::from_utf8_lossy(&body).into_owned();
    (status, serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{statement:.60} {status} {error}: {shown}")))
}

async fn rows_of(service: &QueryService, format: &str, statement: &str) -> Vec<u8> {
    let path = format!("/api/sql?format={format}");
    let (status, body) = service.post(&path, json!({ "query": statement }).to_string()).await;
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    body
}

/// Columns of every kind, each with its value.
const KINDS: &str = "SELECT toUInt64(18446744073709551615) AS big, number AS small, \
                     toUInt128('340282366920938463463374607431768211455') AS wide, toDecimal64('-1.5', 2) AS price, \
                     toDate('2026-11-16') AS day, toDateTime(1790000000, 'Asia/Tokyo') AS moment, \
                     toDateTime64('2026-11-16 01:02:03.5', 3, 'UTC') AS fine, [toUInt64(9007199254740993)] AS list, true AS truth \
                     FROM numbers(1)";

/// Numbers, days and times are what they are in every format, and none is rounded.
async fn values_keep_their_types(service: &QueryService, open: &QueryService, folder: &Path) {
    let (_, answer) = json_of(open, KINDS).await;
    let wide = "340282366920938463463374607431768211455";
    let wanted = json!([
        "18446744073709551615",
        0,
        wide,
        "-1.5",
        "2026-11-16",
        "2026-09-21 23:13:20",
        "2026-11-16 01:02:03.500",
        ["9007199254740993"],
        true
    ]);
    assert_eq!(answer["rows"], json!([wanted]), "{answer}");
    let csv = String::from_utf8(rows_of(open, "csv", KINDS).await).unwrap();
    let row = format!("18446744073709551615,0,{wide},-1.5,2026-11-16,2026-09-21 23:13:20,");
    assert!(csv.lines().nth(1).unwrap().starts_with(&row), "{csv}");
    for (format, of_engine) in [("parquet", "Parquet"), ("arrow", "ArrowStream")] {
        let file = folder.join(format!("kinds.{format}"));
        std::fs::write(&file, rows_of(open, format, KINDS).await).unwrap();
        let file = format!("file('{}', {of_engine})", file.display());
        let types = "big small wide price day moment fine list truth";
        let types: Vec<String> = types.split(' ').map(|name| format!("toTypeName({name})")).collect();
        let sql = format!("SELECT arrayStringConcat([{}], ';') FROM {file}", types.join(", "));
        let found: String = service.client.query(&sql).fetch_one().await.unwrap();
        let found: Vec<&str> = found.split(';').collect();
        let text = "Nullable(String)";
        assert_eq!(found[..4], ["Nullable(UInt64)", "Nullable(UInt64)", text, text], "{format}");
        assert_eq!(found[4], "Nullable(Date32)", "{format}");
        assert!(
            found[5].starts_with("Nullable(DateTime64(") && found[6].starts_with("Nullable(DateTime64(3"),
            "{found:?}"
        );
        assert_eq!(found[7..], [text, "Nullable(Bool)"], "{format}");
        let sql = format!(
            "SELECT concat(toString(assumeNotNull(big)), ' ', assumeNotNull(wide), ' ', assumeNotNull(price), ' ', \
             toString(assumeNotNull(day)), ' ', toString(toUnixTimestamp64Milli(assumeNotNull(moment))), ' ', \
             toString(toUnixTimestamp64Milli(assumeNotNull(fine))), ' ', replaceAll(assumeNotNull(list), '\"', '')) FROM {file}"
        );
        let found: String = service.client.query(&sql).fetch_one().await.unwrap();
        let wanted =
            format!("18446744073709551615 {wide} -1.5 2026-11-16 1790000000000 1794790923500 [9007199254740993]");
        assert_eq!(found, wanted, "{format}");
    }
    // A file has one column of a name, and any text may be one.
    let parquet =
        rows_of(open, "parquet", "SELECT number AS `a\\`b`, number AS `?`, number, number FROM numbers(2)").await;
    let file = folder.join("names.parquet");
    std::fs::write(&file, parquet).unwrap();
    let sql =
        format!("SELECT sum(assumeNotNull(number) + assumeNotNull(number_2)) FROM file('{}', Parquet)", file.display());
    assert_eq!(service.client.query(&sql).fetch_one::<u64>().await.unwrap(), 2);
}

/// An answer is called cut off only if there is more, and in every format.
async fn what_is_cut_off_is_told(open: &QueryService) {
    const WARNING: &str = "The answer is cut off: there is more than these rows tell";
    for (asked, shown, is_cut) in [(4, 4, false), (5, 5, false), (6, 5, true), (100, 5, true)] {
        let statement = format!("SELECT number FROM numbers({asked})");
        let (_, answer) = json_of(open, &statement).await;
        let rows: Vec<Value> = (0..shown).map(|number| json!([number])).collect();
        assert_eq!((&answer["rows"], &answer["is_cut"]), (&json!(rows), &json!(is_cut)), "{asked}");
        for format in ["csv", "parquet", "arrow"] {
            let body = json!({ "query": statement }).to_string();
            let (headers, _) = open.posted(&format!("/api/sql?format={format}"), body).await;
            let told = headers.get("resultsdb-warning").map(|told| told.to_str().unwrap());
            assert_eq!(told, is_cut.then_some(WARNING), "{asked} as {format}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn views_are_read_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let commit = json!({"repository_id": "w", "branch": "main", "timestamp": 1_790_000_000, "revision": 1});
    let configuration =
        json!({"platform": "Mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64"});
    let results = json!({"a?": {}, "=b": {}});
    let run = |index: i64| events::run("suite", configuration.clone(), &commit, 1_790_000_000 + index, &results);
    let service = QueryService::start(&engine, directory.path(), DATABASE, [rows::of((0..4).map(run))]).await;

    let server = Server {
        engine: engine.url().into(),
        user: engine.user().into(),
        password: engine.password().into(),
        grants: Arc::new(Mutex::new(
            user::VIEWS.map(|view| format!("GRANT SELECT ON {DATABASE}.{view} TO guest\n")).concat(),
        )),
        rows: Arc::new(Mutex::new("6\n".to_owned())),
        forgets: Arc::default(),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, Router::new().fallback(serve).with_state(server.clone())).into_future());
    let limits = GuestLimits { rows: 5, ..GuestLimits::default() };
    let asked_as = |url: &str, user: &str, password: &str| {
        let client = clickhouse::Client::default().with_url(url).with_user(user).with_password(password);
        service.with_guest(directory.path(), Guest::new(client.with_database(DATABASE), DATABASE, limits))
    };
    let guests = || asked_as(&url, "guest", "");

    // A door without a user, and one whose user may do everything.
    let (status, answer) = json_of(&service, "SELECT 1").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
    let (status, answer) = json_of(&asked_as(engine.url(), engine.user(), engine.password()), "SELECT 1").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");

    let open = guests();
    let (status, answer) = json_of(&open, "SELECT test, count() AS runs FROM results INNER JOIN tests USING (suite, test_id) GROUP BY test ORDER BY test -- ?").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["columns"], json!([{"name": "test", "type": "String"}, {"name": "runs", "type": "UInt64"}]));
    assert_eq!((&answer["rows"][0][0], &answer["rows"][1][0]), (&json!("=b"), &json!("a?")));
    assert_eq!(answer["is_cut"], json!(false));
    let (_, answer) = json_of(&open, "SELECT number FROM numbers(5);").await;
    assert_eq!((answer["rows"].as_array().unwrap().len(), &answer["is_cut"]), (5, &json!(false)));
    what_is_cut_off_is_told(&open).await;
    values_keep_their_types(&service, &open, directory.path()).await;
    let csv = rows_of(&open, "csv", "SELECT test FROM tests ORDER BY test").await;
    assert_eq!(String::from_utf8(csv).unwrap(), "test\n'=b\na?\n");
    assert!(rows_of(&open, "parquet", "SELECT test FROM tests").await.starts_with(b"PAR1"));
    for (statement, wanted) in [
        ("", "empty"),
        ("SELEC 1", "Syntax error"),
        ("SELECT 1 FORMAT CSV", "without FORMAT"),
        ("SELECT 1; SELECT 2", "without FORMAT"),
        ("SELECT * FROM file('/etc/passwd')", "Not enough privileges"),
        ("SELECT * FROM access_keys", "Not enough privileges"),
        (&"x".repeat(70_000), "longer than 64 KiB"),
    ] {
        let (status, answer) = json_of(&open, statement).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{statement:.40}: {answer}");
        assert!(answer.to_string().contains(wanted), "{statement:.40}: {answer}");
    }

    // The page shows rows, a plot of what goes by time, and what the store says.
    let page = open.text("/sql?query=SELECT+toDate(1790000000)-number*7+AS+day,number+AS+n+FROM+numbers(3)").await;
    assert!(page.contains("n by day") && page.contains("<circle") && page.contains("3 rows"), "{page}");
    let page = open.text("/sql?query=SELECT+'%3Cscript%3Ealert(1)%3C/script%3E'+AS+%60%3Cb%3E%60").await;
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>alert"), "{page}");
    let (status, page) = open.get("/sql?query=SELECT+FROM").await;
    let page = String::from_utf8(page).unwrap();
    assert!(status == StatusCode::BAD_REQUEST && page.contains("The store refuses the statement"), "{status} {page}");
    assert!(service.text("/sql").await.contains("answers no SQL"));

    // A user who was made for as many rows as are shown: the last one that the store answers tells that there is more.
    *server.rows.lock().unwrap() = "5\n".to_owned();
    let earlier = guests();
    for (asked, shown, is_cut) in [(4, 4, false), (5, 4, true), (100, 4, true)] {
        let (_, answer) = json_of(&earlier, &format!("SELECT number FROM numbers({asked})")).await;
        assert_eq!((answer["rows"].as_array().unwrap().len(), &answer["is_cut"]), (shown, &json!(is_cut)), "{asked}");
    }

    // Users who may do more, or for as long as they like, are not asked.
    for what in ["file(", "url(", "remote(", "s3(", "executable(", "INSERT", "DROP", "SETTINGS"] {
        *server.forgets.lock().unwrap() = Some(what);
        let (status, answer) = json_of(&guests(), "SELECT 1").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{what}: {answer}");
    }
    *server.forgets.lock().unwrap() = None;
    *server.rows.lock().unwrap() = "0\n".to_owned();
    let (status, answer) = json_of(&guests(), "SELECT 1").await;
    assert!(status == StatusCode::SERVICE_UNAVAILABLE && answer.to_string().contains("max_result_rows"), "{answer}");
    *server.rows.lock().unwrap() = "5\n".to_owned();
    server.grants.lock().unwrap().push_str("GRANT SELECT ON sql.uploads TO guest\n");
    let (status, answer) = json_of(&guests(), "SELECT 1").await;
    assert!(status == StatusCode::SERVICE_UNAVAILABLE && answer.to_string().contains("sql.uploads"), "{answer}");

    // The engine's parser knows the statements that make the user, and its settings.
    for statement in user::statements("guest", &"0f".repeat(32), &[DATABASE], limits, None) {
        let parse = service.client.query("SELECT formatQuery(?)").bind(&statement);
        parse.fetch_one::<String>().await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        let settings = statement.split_once(" SETTINGS ").map_or("", |(_, settings)| settings);
        for (name, _) in settings.split(", ").filter_map(|setting| setting.split_once(" = ")) {
            let sql = "SELECT count() FROM system.settings WHERE name = ?";
            assert_eq!(service.client.query(sql).bind(name).fetch_one::<u64>().await.unwrap(), 1, "{name}");
        }
    }
}
