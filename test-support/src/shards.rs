//! A cluster of several shards in one process. The embedded engine has no replication and no second server, but it
//! executes distributed tables over shards that are itself: each shard sees its own part of every table by a view, so that
//! statements are planned, divided and merged as on several servers. A stand-in before the engine takes out of statements
//! what takes more than one server, and puts the views between.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri};

/// What the engine calls the cluster whose every shard is itself.
pub const NAME: &str = "itself";
/// Names the number of shards that every store of the tests has. Without it stores are whole.
const VARIABLE: &str = "RESULTSDB_TEST_SHARDS";
/// Headers of answers that clients read.
const ANSWERED: [&str; 3] = ["x-clickhouse-exception-code", "x-clickhouse-exception-tag", "x-clickhouse-format"];

/// How many shards stores of these tests have; none where they are whole.
pub fn wanted() -> Option<u32> {
    let number = std::env::var(VARIABLE).ok()?;
    Some(number.parse().unwrap_or_else(|_| panic!("{VARIABLE} is no number of shards: {number}")))
}

/// Has the engine that will be started on a folder know a cluster of that many shards, unless it knows one.
pub fn configure(store: &Path, shards: u32) {
    let file = store.join("config.d/shards.xml");
    if file.exists() {
        return;
    }
    // Nobody listens at the port: it is what tells the engine that a shard is itself.
    let shard = "<shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard>";
    let text = format!(
        "<clickhouse><tcp_port>9000</tcp_port><remote_servers><{NAME}>{}</{NAME}></remote_servers></clickhouse>\n",
        shard.repeat(shards as usize)
    );
    std::fs::create_dir_all(store.join("config.d")).unwrap();
    std::fs::write(file, text).unwrap();
}

/// The stand-in before an engine, which lives as long as the process.
pub struct StandIn {
    /// Where it listens.
    pub url: String,
    seen: &'static Mutex<Seen>,
}

/// What came to a stand-in, as it came.
#[derive(Default)]
struct Seen {
    /// Without those that came with data.
    statements: Vec<String>,
    /// `name=value`.
    parameters: BTreeSet<String>,
}

/// What a stand-in knows.
#[derive(Clone)]
struct Before {
    engine: String,
    /// Shards; none where the cluster has one and tables are whole.
    shards: Option<u32>,
    agent: ureq::Agent,
    seen: &'static Mutex<Seen>,
}

impl StandIn {
    /// Starts one before the engine at an address.
    pub fn before(engine: &str, shards: Option<u32>) -> Self {
        let seen: &'static Mutex<Seen> = Box::leak(Box::default());
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let before = Before { engine: engine.to_owned(), shards, agent, seen };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        listener.set_nonblocking(true).unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                // What one insert holds is not bounded by ClickHouse, either.
                let router = Router::new().fallback(pass_on).with_state(before).layer(DefaultBodyLimit::disable());
                let _ = axum::serve(listener, router).await;
            });
        });
        Self { url, seen }
    }

    /// The statements that came, as they came; those that came with data are not among them.
    pub fn statements(&self) -> Vec<String> {
        self.seen.lock().unwrap().statements.clone()
    }

    /// Whether any request had a parameter of this value.
    pub fn has_seen(&self, name: &str, value: &str) -> bool {
        self.seen.lock().unwrap().parameters.contains(&format!("{name}={value}"))
    }
}

/// The same statement, asked of the server alone where it asks all servers of a cluster.
fn on_one_server(sql: &str) -> String {
    let Some((before, rest)) = sql.split_once("clusterAllReplicas(") else { return sql.to_owned() };
    let (arguments, after) = rest.split_once(')').unwrap();
    let (_, table) = arguments.split_once(", ").unwrap();
    format!("{before}{table}{after}")
}

async fn pass_on(
    State(before): State<Before>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, Vec<u8>) {
    tokio::task::spawn_blocking(move || before.answer(uri.query().unwrap_or_default(), &headers, &body)).await.unwrap()
}

impl Before {
    fn answer(&self, parameters: &str, headers: &HeaderMap, body: &[u8]) -> (StatusCode, HeaderMap, Vec<u8>) {
        let mut parameters: Vec<(String, String)> =
            form_urlencoded::parse(parameters.as_bytes()).into_owned().collect();
        let database =
            parameters.iter().find(|(name, _)| name == "database").map_or_else(String::new, |(_, value)| value.clone());
        let settings =
            parameters.iter().filter(|(name, _)| name != "query").map(|(name, value)| format!("{name}={value}"));
        self.seen.lock().unwrap().parameters.extend(settings);
        if let Some((_, sql)) = parameters.iter_mut().find(|(name, _)| name == "query") {
            *sql = self.inserting(sql, &database);
            return self.send(&parameters, headers, body);
        }
        let Ok(sql) = std::str::from_utf8(body) else { return self.send(&parameters, headers, body) };
        self.seen.lock().unwrap().statements.push(sql.to_owned());
        let mut statements = self.statements_for(sql, &database);
        let last = statements.pop().unwrap_or_default();
        for statement in statements {
            let (status, headers, answer) = self.send(&parameters, headers, statement.as_bytes());
            if status != StatusCode::OK {
                return (status, headers, answer);
            }
        }
        self.send(&parameters, headers, last.as_bytes())
    }

    fn send(
        &self,
        parameters: &[(String, String)],
        headers: &HeaderMap,
        body: &[u8],
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let mut request = self.agent.post(format!("{}/?{query}", self.engine));
        for (name, value) in headers {
            if name.as_str().starts_with("x-clickhouse") || *name == "content-type" || *name == "accept-encoding" {
                request = request.header(name, value);
            }
        }
        let mut answer = request.send(body).unwrap();
        let known = |name| Some((HeaderName::from_static(name), answer.headers().get(name)?.clone()));
        let known = ANSWERED.into_iter().filter_map(known).collect();
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(u64::MAX).read_to_vec().unwrap();
        (status, known, body)
    }

    /// What an engine without replication understands; the last statement's answer is the answer.
    fn statements_for(&self, sql: &str, database: &str) -> Vec<String> {
        if let Some(create) = sql.strip_prefix("CREATE DATABASE") {
            let (create, _) = create.split_once(" ON CLUSTER ").unwrap_or((create, ""));
            return vec![format!("CREATE DATABASE{create}")];
        }
        match (sql.split_once(" ENGINE = Distributed("), self.shards) {
            (Some((table, of)), Some(shards)) => self.distributed(table, of, database, shards),
            _ => {
                let sql = sql.replace("ReplicatedReplacingMergeTree", "ReplacingMergeTree");
                if self.shards.is_none() {
                    return vec![on_one_server(&sql)];
                }
                // A database with shards has to be one that a keeper spreads.
                let told = match sql.strip_prefix("SELECT engine FROM system.databases") {
                    Some(which) => {
                        format!("SELECT replaceOne(engine, 'Atomic', 'Replicated') FROM system.databases{which}")
                    }
                    None => sql,
                };
                vec![self.inserting(&told, database)]
            }
        }
    }

    /// A distributed table for reads, over views that show each shard its own rows, and one for inserts.
    fn distributed(&self, table: &str, of: &str, database: &str, shards: u32) -> Vec<String> {
        let (arguments, comment) = of.rsplit_once(") COMMENT ").unwrap();
        let parts: Vec<&str> = arguments.splitn(4, ", ").collect();
        let [cluster, tables, name, key] = parts[..] else { panic!("a distributed table of {arguments}") };
        let (tables, name) = (tables.trim_matches('\''), name.trim_matches('\''));
        let columns = &table[table.find('(').unwrap()..];
        vec![
            format!("CREATE DATABASE IF NOT EXISTS {database}_views"),
            format!("CREATE DATABASE IF NOT EXISTS {database}_writes"),
            format!(
                "CREATE OR REPLACE VIEW {database}_views.{name} AS SELECT * FROM {tables}.{name} FINAL \
                 WHERE ({key}) % {shards} + 1 = shardNum()"
            ),
            format!(
                "CREATE OR REPLACE TABLE {database}_writes.{name} {columns} \
                 ENGINE = Distributed({cluster}, '{tables}', '{name}', {key})"
            ),
            format!("{table} ENGINE = Distributed({cluster}, '{database}_views', '{name}', {key}) COMMENT {comment}"),
        ]
    }

    /// Leads an insert of a database with shards to its distributed tables for inserts.
    fn inserting(&self, sql: &str, database: &str) -> String {
        match sql.strip_prefix("INSERT INTO ") {
            Some(insert) if self.shards.is_some() && !database.is_empty() && !database.ends_with("_tables") => {
                format!("INSERT INTO {database}_writes.{insert}")
            }
            _ => sql.to_owned(),
        }
    }
}
