//! A URL that leads to somebody else: another server's port, a wrong name, a wrong host. Each is an error of its own kind that says which setting to change, and shows
//! no secret.

use crate::connections::{Bed, has_server, run};
use sequor::ConnectionErrorKind;
use sequor::prelude::*;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn port(url: &str) -> &str {
    let host = url.split('@').nth(1).unwrap_or_default();
    host.split(['/', '?']).next().and_then(|host| host.rsplit(':').next()).unwrap_or_default()
}

async fn refused(url: &str) -> (ConnectionErrorKind, String) {
    match Db::options(url).retry(Retry { max: 1, ..Retry::default() }).connect().await {
        Err(Error::Connection(error)) => (error.kind(), Error::Connection(error).to_string()),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("somebody was let in"),
    }
}

/// A web server, as it answers whatever is not its language; it waits for the end of a line.
async fn web_server() -> std::io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut line, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut said, mut bytes) = (Vec::new(), [0; 256]);
                while !said.contains(&b'\n') {
                    match line.read(&mut bytes).await {
                        Ok(length) if length > 0 => said.extend_from_slice(&bytes[..length]),
                        _ => return,
                    }
                }
                let _ = line.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
            });
        }
    });
    Ok(port)
}

/// Servers that speak first, as SSH does, or that speak and hang up.
async fn who_speaks_first(said: &'static [u8]) -> std::io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        let mut lines = Vec::new();
        while let Ok((mut line, _)) = listener.accept().await {
            let _ = line.write_all(said).await;
            lines.push(line);
        }
    });
    Ok(port)
}

#[tokio::test]
async fn a_server_that_speaks_first_is_recognized_by_what_it_says() {
    for (said, who) in [
        (&b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"[..], "an SSH server answers there"),
        (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "a web server answers there"),
        (b"220 mail.example.com ESMTP\r\n", "what answered is no MySQL or MariaDB server: check host and port"),
    ] {
        let start = std::time::Instant::now();
        let port = who_speaks_first(said).await.expect("a port");
        let (kind, message) = refused(&format!("mysql://ann:hunter2@127.0.0.1:{port}/app?connect_timeout=60")).await;
        assert!(kind == ConnectionErrorKind::Protocol && message.contains(who) && !message.contains("hunter2"), "{kind:?} {message}");
        assert!(start.elapsed() < secs(30), "it waited for more: {:?}", start.elapsed());
    }
}

async fn others(bed: &Bed) -> sequor::Result<()> {
    let web = web_server().await?;
    let (mine, other) = if bed.database == "postgres" { ("postgres", "mysql") } else { ("mysql", "postgres") };
    for scheme in [mine, other] {
        let url = format!("{scheme}://ann:hunter2@127.0.0.1:{web}/app?connect_timeout=1");
        let (kind, message) = refused(&url).await;
        assert!(kind == ConnectionErrorKind::Protocol && message.contains("a web server answers there"), "{scheme}: {message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
    // This server under the other's name.
    let url = format!(
        "{other}://ann:hunter2@127.0.0.1:{}/app?connect_timeout=1&{}",
        port(&bed.url),
        if other == "mysql" { "ssl-mode=disable" } else { "sslmode=disable" }
    );
    let (kind, message) = refused(&url).await;
    let said = if mine == "mysql" { "begin the URL with mysql://" } else { "begin the URL with postgres://" };
    assert!(kind == ConnectionErrorKind::Protocol && message.contains(said) && !message.contains("hunter2"), "{message}");
    Ok(())
}

#[test]
fn a_server_of_another_protocol_is_recognized() {
    for database in ["postgres", "mysql"] {
        if has_server(database) {
            run(database, async |bed: Arc<Bed>| others(&bed).await);
        }
    }
}

#[tokio::test]
async fn what_is_wrong_names_the_setting() {
    for (url, kind, said) in [
        ("postgres://ann:hunter2@127.0.0.1:1/app", ConnectionErrorKind::Refused, "check host and port in the URL, or PGHOST and PGPORT"),
        (
            "mysql://ann:hunter2@127.0.0.1:1/app",
            ConnectionErrorKind::Refused,
            "check host and port in the URL, or MYSQL_HOST and MYSQL_TCP_PORT",
        ),
        ("postgres://ann:hunter2@no.such.host.invalid/app", ConnectionErrorKind::HostNotFound, "check the host in the URL, or PGHOST"),
        ("mysql://ann:hunter2@no.such.host.invalid/app", ConnectionErrorKind::HostNotFound, "check the host in the URL, or MYSQL_HOST"),
        ("postgres://ann:hunter2@/app?host=/nothere", ConnectionErrorKind::Refused, "there is no such socket; check the folder (host)"),
        (
            "mysql://ann:hunter2@localhost/app?socket=/nothere.sock",
            ConnectionErrorKind::Refused,
            "there is no such socket; check socket in the URL",
        ),
        ("sqlite:///tmp", ConnectionErrorKind::UnknownDatabase, "this is a folder; name a file in it"),
        ("sqlite:///nosuch/folder/app.db", ConnectionErrorKind::UnknownDatabase, "its folder does not exist; make it first"),
        ("sqlite:///tmp/nosuch.db?mode=rw", ConnectionErrorKind::UnknownDatabase, "there is no such file"),
        (
            concat!("sqlite://", env!("CARGO_MANIFEST_DIR"), "/Cargo.toml?mode=ro"),
            ConnectionErrorKind::Protocol,
            "this is no SQLite database",
        ),
    ] {
        let (found, message) = refused(url).await;
        assert!(found == kind && message.contains(said) && !message.contains("hunter2"), "{url}: {found:?} {message}");
    }
}

/// The names that an error about a parameter lists.
async fn known(url: &str) -> Vec<String> {
    let (_, message) = refused(url).await;
    let list = message.split_once("known are ").map(|(_, list)| list.to_owned()).unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    for one in list.split(", ") {
        let name = one.split([' ', ')', '(']).next().unwrap_or_default();
        // SQLite's list has the values of each in brackets.
        if list.contains('(') && !one.contains('(') {
            continue;
        }
        names.push(name.to_owned());
    }
    names
}

#[tokio::test]
async fn the_production_page_explains_every_parameter_of_a_url() {
    let page = include_str!("../../../../docs/src/production.md");
    for (url, heading) in [
        ("postgres://ann@127.0.0.1:1/app?nosuch=1", "### PostgreSQL's URL"),
        ("mysql://ann@127.0.0.1:1/app?nosuch=1", "### MySQL's URL"),
        ("sqlite://app.db?nosuch=1", "### SQLite's URL"),
    ] {
        let names = known(url).await;
        assert!(names.len() >= 7, "{url}: {names:?}");
        let part = page.split_once(heading).map(|(_, rest)| rest.split("\n##").next().unwrap_or_default()).unwrap_or_default();
        for name in names {
            assert!(part.contains(&format!("`{name}`")), "docs/src/production.md does not explain {name} under {heading}");
        }
    }
}
