//! The floor: the PostgreSQL protocol written by hand, with nothing above it.

use bytes::{Buf, BufMut, BytesMut};
use chrono::{DateTime, Utc};
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;
use std::collections::HashMap;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection, its unsent messages and its unread ones.
pub struct Raw {
    socket: TcpStream,
    pub out: BytesMut,
    input: BytesMut,
    known: HashMap<String, &'static str>,
}

impl Raw {
    /// Logs in as `user` where the server trusts its own machine.
    pub async fn connect(address: SocketAddr, user: &str, database: &str) -> Self {
        let socket = TcpStream::connect(address).await.expect("the server listens");
        socket.set_nodelay(true).expect("a TCP option");
        let mut raw = Self { socket, out: BytesMut::new(), input: BytesMut::new(), known: HashMap::new() };
        frontend::startup_message([("user", user), ("database", database)], &mut raw.out).expect("a message");
        raw.flush(1, |_| ()).await;
        raw
    }

    /// The name of a statement, which is prepared the first time. What was written and not sent before rides along.
    pub async fn known(&mut self, sql: &str) -> &'static str {
        if let Some(name) = self.known.get(sql) {
            return name;
        }
        let name: &'static str = format!("s{}", self.known.len()).leak();
        frontend::parse(name, sql, [], &mut self.out).expect("a message");
        self.sync();
        self.flush(1, |_| ()).await;
        self.known.insert(sql.to_owned(), name);
        name
    }

    /// Runs statements without parameters.
    pub async fn run(&mut self, sql: &str) {
        frontend::query(sql, &mut self.out).expect("a message");
        self.flush(1, |_| ()).await;
    }

    /// Runs a statement and gives its rows.
    pub async fn query(&mut self, sql: &str, row: impl FnMut(&[u8])) {
        frontend::query(sql, &mut self.out).expect("a message");
        self.flush(1, row).await;
    }

    pub fn sync(&mut self) {
        frontend::sync(&mut self.out);
    }

    /// Bind with int4 parameters and Execute; results in binary.
    pub fn execute(&mut self, statement: &str, parameters: &[i32]) {
        let put = |value: &i32, out: &mut BytesMut| {
            out.put_i32(*value);
            Ok(IsNull::No)
        };
        frontend::bind("", statement, [1i16], parameters, put, [1i16], &mut self.out).ok().expect("a message");
        frontend::execute("", 0, &mut self.out).expect("a message");
    }

    /// Bind whose parameters `put` writes by position, and Execute.
    pub fn execute_with(&mut self, statement: &str, count: usize, mut put: impl FnMut(usize, &mut BytesMut) -> IsNull) {
        frontend::bind("", statement, [1i16], 0..count, |index, out| Ok(put(index, out)), [1i16], &mut self.out).ok().expect("a message");
        frontend::execute("", 0, &mut self.out).expect("a message");
    }

    /// Sends what is written and gives each row to `row` until the server was ready `syncs` times.
    pub async fn flush(&mut self, syncs: usize, mut row: impl FnMut(&[u8])) {
        self.socket.write_all(&self.out).await.expect("the server reads");
        self.out.clear();
        let (mut left, mut position) = (syncs, 0);
        loop {
            while let Some((tag, start, end)) = self.next(&mut position) {
                match tag {
                    b'D' => row(&self.input[start..end]),
                    b'Z' => {
                        left -= 1;
                        if left == 0 {
                            self.input.advance(end);
                            return;
                        }
                    }
                    b'E' => panic!("{}", String::from_utf8_lossy(&self.input[start..end])),
                    _ => {}
                }
            }
            self.input.advance(position);
            position = 0;
            self.input.reserve(65536);
            assert!(self.socket.read_buf(&mut self.input).await.expect("the server answers") > 0);
        }
    }

    #[inline]
    fn next(&self, position: &mut usize) -> Option<(u8, usize, usize)> {
        let bytes = &self.input[*position..];
        let length = u32::from_be_bytes(bytes.get(1..5)?.try_into().ok()?) as usize;
        if bytes.len() < length + 1 {
            return None;
        }
        let (start, end) = (*position + 5, *position + 1 + length);
        *position = end;
        Some((bytes[0], start, end))
    }
}

/// The fields of a DataRow, in order.
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub fn new(body: &'a [u8]) -> Self {
        Fields(&body[2..])
    }
    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let length = self.0.get_i32();
        if length < 0 {
            return None;
        }
        let (field, rest) = self.0.split_at(length as usize);
        self.0 = rest;
        Some(field)
    }
    #[inline]
    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.next().and_then(|field| field.try_into().ok()).expect("a field of this width")
    }
    #[inline]
    pub fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.array())
    }
    #[inline]
    pub fn i32_or_null(&mut self) -> Option<i32> {
        self.next().map(|field| i32::from_be_bytes(field.try_into().expect("four bytes")))
    }
    #[inline]
    pub fn i64(&mut self) -> i64 {
        i64::from_be_bytes(self.array())
    }
    #[inline]
    pub fn f64(&mut self) -> f64 {
        f64::from_be_bytes(self.array())
    }
    #[inline]
    pub fn bool(&mut self) -> bool {
        self.array::<1>()[0] != 0
    }
    #[inline]
    pub fn string(&mut self) -> String {
        self.string_or_null().expect("not NULL")
    }
    #[inline]
    pub fn string_or_null(&mut self) -> Option<String> {
        self.next().map(|field| std::str::from_utf8(field).expect("UTF-8").to_owned())
    }
    #[inline]
    pub fn instant(&mut self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.i64() + 946_684_800_000_000).expect("a time")
    }
}
