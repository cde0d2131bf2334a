//! A server that plays a script: what to wait for, what to say. It keeps every byte that the client has sent.

use sequor_core::driver::{Connection, Driver};
use sequor_core::{Error, Result};
use sequor_mysql::{MysqlDriver, MysqlOptions};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// MariaDB's flags, without TLS.
pub const FLAGS: u32 = 0x81bf_f7fe;
pub const TLS: u32 = 0x0800;
pub const NONCE: &[u8; 20] = b"abcdefghijklmnopqrst";

/// What the server does next.
#[derive(Clone)]
pub enum Act {
    /// Says these bytes.
    Say(Vec<u8>),
    /// Waits for a packet.
    Hear,
    /// Waits for a packet and sees that this is in it.
    HearPart(&'static [u8]),
    /// Closes the line.
    Close,
    /// Keeps the line and says nothing.
    Silence,
}

/// A packet with its header.
pub fn packet(sequence: u8, body: &[u8]) -> Vec<u8> {
    let [a, b, c, ..] = body.len().to_le_bytes();
    [&[a, b, c, sequence][..], body].concat()
}

pub fn greeting(flags: u32, nonce: &[u8], plugin: &str) -> Vec<u8> {
    let [a, b, c, d] = flags.to_le_bytes();
    let mut body = b"\x0a5.5.5-10.11.19-MariaDB\0\x07\0\0\0".to_vec();
    body.extend_from_slice(&nonce[..8]);
    body.extend_from_slice(&[0, a, b, 45, 2, 0, c, d, 21]);
    body.extend_from_slice(&[0; 10]);
    body.extend_from_slice(&nonce[8..]);
    body.push(0);
    body.extend_from_slice(plugin.as_bytes());
    body.push(0);
    packet(0, &body)
}

pub fn ok(sequence: u8, status: u8) -> Vec<u8> {
    packet(sequence, &[0, 0, 0, status, 0, 0, 0])
}

pub fn refusal(sequence: u8, code: u16, text: &str) -> Vec<u8> {
    packet(sequence, &[&[0xff][..], &code.to_le_bytes(), b"#HY000", text.as_bytes()].concat())
}

pub fn definition(sequence: u8, name: &str, ty: u8) -> Vec<u8> {
    let mut body = b"\x03def\0\0\0".to_vec();
    body.push(u8::try_from(name.len()).unwrap());
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(&[0, 0x0c, 45, 0, 255, 0, 0, 0, ty, 0, 0, 0, 0, 0]);
    packet(sequence, &body)
}

/// The end of rows.
pub fn end(sequence: u8, status: u8) -> Vec<u8> {
    packet(sequence, &[0xfe, 0, 0, status, 0, 0, 0])
}

/// The answer to the questions that follow every login.
pub fn facts() -> Vec<u8> {
    let row = [&[8][..], b"16777216", &[1], b"0", &[15], b"REPEATABLE-READ", &[1], b"1"].concat();
    let definitions = [definition(2, "a", 8), definition(3, "b", 8), definition(4, "c", 253), definition(5, "d", 8)].concat();
    [packet(1, &[4]), definitions, packet(6, &row), end(7, 2)].concat()
}

/// A login by an empty or native password, and the session after it.
pub fn welcome() -> Vec<Act> {
    vec![
        Act::Say(greeting(FLAGS, NONCE, "mysql_native_password")),
        Act::Hear,
        Act::Say(ok(2, 2)),
        Act::Hear,
        Act::Hear,
        Act::Say([ok(1, 2), facts()].concat()),
    ]
}

/// A server on a port of its own.
pub struct Rogue {
    pub url: String,
    task: JoinHandle<Vec<u8>>,
}

impl Rogue {
    /// Plays the script to the first who connects.
    pub async fn plays(script: Vec<Act>) -> Rogue {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut heard = Vec::new();
            play(stream, script, &mut heard).await;
            heard
        });
        Rogue { url: format!("mysql://ann:secret@127.0.0.1:{port}/app"), task }
    }

    pub fn options(&self, query: &str) -> MysqlOptions {
        MysqlOptions::parse(&format!("{}{query}", self.url)).unwrap().connect_timeout(Duration::from_secs(3))
    }

    pub async fn connect(&self) -> Result<Box<dyn Connection>> {
        MysqlDriver::new(self.options("")).connect().await
    }

    pub async fn refuses(&self, query: &str) -> Error {
        match MysqlDriver::new(self.options(query)).connect().await {
            Err(error) => {
                assert!(!format!("{error:?} {error:#}").contains("secret"), "{error:?}");
                error
            }
            Ok(_) => panic!("connected"),
        }
    }

    /// All that the client has sent, once the script is over.
    pub async fn heard(self) -> Vec<u8> {
        self.task.await.unwrap()
    }
}

async fn play(mut stream: TcpStream, script: Vec<Act>, heard: &mut Vec<u8>) {
    for act in script {
        match act {
            Act::Say(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    break;
                }
            }
            Act::Hear | Act::HearPart(_) => {
                let Some(body) = hear(&mut stream, heard).await else { break };
                if let Act::HearPart(part) = act {
                    assert!(body.windows(part.len()).any(|window| window == part), "{:?}", String::from_utf8_lossy(&body));
                }
            }
            Act::Close => return,
            Act::Silence => break,
        }
    }
    // What the client sends unasked is kept too.
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    heard.extend_from_slice(&rest);
}

async fn hear(stream: &mut TcpStream, heard: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut header = [0; 4];
    stream.read_exact(&mut header).await.ok()?;
    let length = usize::from(header[0]) | usize::from(header[1]) << 8 | usize::from(header[2]) << 16;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    heard.extend_from_slice(&header);
    heard.extend_from_slice(&body);
    Some(body)
}

pub fn kind(error: &Error) -> sequor_core::error::ConnectionErrorKind {
    match error {
        Error::Connection(error) => error.kind,
        other => panic!("{other}"),
    }
}

pub fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
