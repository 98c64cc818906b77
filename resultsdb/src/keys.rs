//! `keys`: makes, lists and ends the keys of a server, or makes one for its configuration.

use access::{Kind, Scope, Scopes, Secret};
use anyhow::{Context, bail};
use chrono::DateTime;
use clap::Subcommand;
use client::options::ServerOptions;
use serde::Deserialize;
use serde_json::{Value, json};

/// What is done with keys.
#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key and print it, once. Without a server, print what a configuration needs to know it
    Create {
        /// What it is for, in a line
        #[arg(long)]
        name: String,
        /// What it allows: read, link, admin or upload, which may be limited as in upload:suite=NAME,repository=ID,lane=change;
        /// may be repeated
        #[arg(long, required = true)]
        scope: Vec<Scope>,
        /// How many days it counts, or never (it never ends); of a server's key 90 by default
        #[arg(long)]
        days: Option<String>,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// List the keys of a server
    List {
        #[command(flatten)]
        server: ServerOptions,
    },
    /// End a key within a second, on every service
    Revoke {
        /// Its id, as `keys list` prints it
        id: String,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Make another key in the place of one, which goes on to count for a day
    Rotate {
        /// Its id, as `keys list` prints it
        id: String,
        #[command(flatten)]
        server: ServerOptions,
    },
}

/// A key that a server made.
#[derive(Deserialize)]
struct MadeKey {
    id: String,
    key: String,
    expires_at: Option<i64>,
}

#[derive(Deserialize)]
struct ListedKey {
    id: String,
    name: String,
    scopes: Vec<String>,
    is_configured: bool,
    expires_at: Option<i64>,
    ends_at: Option<i64>,
    used_at: Option<i64>,
}

impl KeysCommand {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create { name, scope, days, server } if server.url.is_none() => {
                if days.is_some() {
                    bail!(
                        "a key of the configuration ends when it is taken out of there: leave --days away, or give --url"
                    );
                }
                print_entry(&name, scope)
            }
            Self::Create { name, scope, days, server } => {
                let scopes = Scopes::new(scope).texts();
                print_made(&ask(&server, "/api/keys", &json!({ "name": name, "scopes": scopes, "days": days }))?)
            }
            Self::List { server } => list(&server),
            Self::Revoke { id, server } => {
                ask(&server, &path(&id, "revoke")?, &json!({}))?;
                eprintln!("revoked {id}");
                Ok(())
            }
            Self::Rotate { id, server } => {
                print_made(&ask(&server, &path(&id, "rotate")?, &json!({}))?)?;
                eprintln!("{id} goes on to count for a day");
                Ok(())
            }
        }
    }
}

fn ask(server: &ServerOptions, path: &str, question: &Value) -> anyhow::Result<String> {
    Ok(server.server()?.ask(path, question)?)
}

fn path(id: &str, action: &str) -> anyhow::Result<String> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        bail!("'{id}' is not the id of a key: `resultsdb keys list` prints ids");
    }
    Ok(format!("/api/keys/{id}/{action}"))
}

/// Prints the key alone to standard output, so that it can be piped to where secrets are kept.
fn print_made(answer: &str) -> anyhow::Result<()> {
    let made: MadeKey = serde_json::from_str(answer).context("this is no resultsdb of this version")?;
    println!("{}", made.key);
    let until = made.expires_at.map_or_else(|| "for ever".to_owned(), |at| format!("until {}", day(at)));
    eprintln!("its id is {}; it counts {until}, and is not shown again", made.id);
    Ok(())
}

/// Prints a key, and what a configuration says of it.
fn print_entry(name: &str, scopes: Vec<Scope>) -> anyhow::Result<()> {
    let kind = if scopes.contains(&Scope::Admin) { Kind::Admin } else { Kind::Upload };
    let secret = Secret::generate(kind)?;
    let entry = json!({ "name": name, "digest": secret.digest().to_string(), "scopes": Scopes::new(scopes).texts() });
    let entry = toml::to_string(&entry).context("writing the entry")?;
    println!("{}", secret.expose());
    eprintln!(
        "Keep it where secrets are kept; the configuration of the server needs no more than this:\n\n[[access.keys]]\n{entry}"
    );
    Ok(())
}

fn list(server: &ServerOptions) -> anyhow::Result<()> {
    let answer = server.server()?.get("/api/keys")?;
    let keys: Vec<ListedKey> = serde_json::from_str(&answer).context("this is no resultsdb of this version")?;
    for ListedKey { id, name, scopes, is_configured, expires_at, ends_at, used_at } in keys {
        let until = [expires_at, ends_at].into_iter().flatten().min();
        let until = match (is_configured, until) {
            (true, _) => "in the configuration".to_owned(),
            (false, None) => "for ever".to_owned(),
            (false, Some(at)) => format!("until {}", day(at)),
        };
        let used = used_at.map_or_else(String::new, |at| format!("  last used {}", day(at)));
        println!("{id}  {name}  {}  {until}{used}", scopes.join(" "));
    }
    Ok(())
}

/// A time in seconds since 1970, to the minute.
fn day(at: i64) -> String {
    DateTime::from_timestamp(at, 0).map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M UTC").to_string())
}
